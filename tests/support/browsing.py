"""The pages in a real browser: Playwright drives Debian's Chromium."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

PATIENCE = 10_000
"""Milliseconds; what is waited for comes in a few dozen."""

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the page is tested in a browser with Playwright"
)
needed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


@contextmanager
def launched():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Served:
    """The program as a user starts it, in the folder of the test."""

    def __init__(self, work):
        self.work = work
        self.process = None
        self.start()

    def start(self, *flags, command="review"):
        """Start it, at the same place as last time."""
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "digitocr", command, "--no-browser", *flags],
            cwd=self.work.folder, env=os.environ | {"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.link = self.process.stdout.readline().split()[2]
        self.address = self.link.partition("/?token=")[0]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self):
        """End it as Ctrl-C does; all tables are made by then."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            assert self.process.wait(timeout=30) == 0
            self.process.stdout.close()

    def texts(self):
        self.end()
        return [(r["text"], r["status"]) for r in self.work.table("results/numbers.csv")]


class Page:
    """A person's page: presses keys, and notices what should not happen."""

    def __init__(self, browser, served, path="/review", size=(1280, 800), who="ann"):
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        self.context.add_init_script(
            f"location.protocol.startsWith('http') && localStorage.setItem('digitocr.who', '{who}')"
        )
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.faults = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.on("request", lambda r: r.url.startswith(served.address) or self.faults.append(r.url))
        self.page.goto(served.link)
        self.page.goto(served.address + path)

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def shows(self, text):
        """Wait until a number with this text is shown."""
        sync_api.expect(self.page.locator("#cells")).to_be_visible()
        cells = self.page.locator("#cells b")
        sync_api.expect(cells).to_have_text(list(text), timeout=PATIENCE)
        return self

    def told(self, text):
        sync_api.expect(self.page.locator("#notice")).to_contain_text(text)
        return self

    def saved(self, waiting=None):
        wanted = "all saved" if waiting is None else f"{waiting} waiting · all saved"
        self.page.wait_for_function(
            "text => document.getElementById('state').textContent.includes(text)", arg=wanted
        )
        return self

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def close(self):
        self.context.close()
        assert self.faults == []
