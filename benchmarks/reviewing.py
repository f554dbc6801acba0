"""How fast the review page is: from a key to the next number on the screen, and from the address to a page.

``python -m benchmarks.reviewing`` on an idle machine; it needs Chromium and Playwright for Python.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import cv2
import numpy as np

from digitocr.records import Box, Digit, FileResult, Number, Page, PageResult, Reason, Status
from digitocr.results import pictures, publish
from digitocr.store.ledger import Claim, Ledger

SHAPE = (1100, 800)
NUMBERS = 10
"""Numbers on a page; one of the three digits of each is unsure."""

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

READY = "() => !document.getElementById('item').hidden && document.querySelector('#picture img')?.complete"


def fill(folder: Path, items: int) -> None:
    """Make a results folder with items that wait for review.

    Parameters
    ----------
    folder : Path
    items : int
    """
    archive = folder / "archive"
    archive.mkdir(parents=True)
    with Ledger(folder / ".digitocr" / "ledger.sqlite") as ledger:
        job = ledger.job(folder / "results")
        shelf = publish.Shelf(job, folder / "results", folder / "review", folder / ".digitocr")
        for index in range(-(-items // NUMBERS)):
            _put(ledger, shelf, archive, index, min(NUMBERS, items - index * NUMBERS))
        publish.publish(shelf, ledger)


def _put(ledger: Ledger, shelf: publish.Shelf, archive: Path, index: int, count: int) -> None:
    grey = np.full(SHAPE, 235, np.uint8)
    numbers = []
    for row in range(count):
        digits, y = [], 60 + 100 * row
        for place, value in enumerate(f"{(index * 7 + row * 3) % 1000:03}"):
            box = Box(100 + 45 * place, y, 36, 50)
            cv2.putText(
                grey, value, (box.x, box.bottom - 4), cv2.FONT_HERSHEY_SIMPLEX, 2, (40,), 4, cv2.LINE_AA
            )
            status = Status.REVIEW if place == 1 else Status.ACCEPTED
            digits.append(Digit(int(value), 0.6 if place == 1 else 0.99, 7, 0.2, box, status))
        box = Box(100, y, 126, 50)
        text = "".join(str(d.value) for d in digits)
        numbers.append(Number(tuple(digits), 0.6, box, text, reasons=(Reason.LOW_CONFIDENCE,)))
    cv2.putText(grey, str(index), (500, 1000), cv2.FONT_HERSHEY_SIMPLEX, 1, (40,), 2)
    data = cv2.imencode(".jpg", grey)[1].tobytes()
    name, content = f"{index:05}.jpg", hashlib.sha256(data).hexdigest()
    (archive / name).write_bytes(data)
    claim = Claim(None, name, name, content, len(data), 0, 0)
    (identity,) = ledger.claims.take(shelf.job, [claim], "benchmark")
    result = FileResult(name, content, (PageResult(1, SHAPE, tuple(numbers)),))
    outcome, items = publish.write_reading(shelf, ledger, ledger.file(identity), result)
    pictures.write_crops(
        shelf.review, (pictures.show(Page(1, grey), result.pages[0], annotated=False),), items
    )
    ledger.finish(shelf.job, [(identity, outcome)])


class Server:
    """The program as a user starts it.

    Parameters
    ----------
    folder : Path
        The project folder.
    """

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "digitocr", "review", "--no-browser", "--audit", "0"],
            cwd=folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline() if self.process.stdout else ""
        self.link = line.split()[2]
        self.address = self.link.partition("?")[0]

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the environment in which this checkout is the program."""
        return os.environ | {"PYTHONPATH": str(Path.cwd())}

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait()


def keys(browser: Any, server: Server, count: int) -> tuple[list[float], int]:  # noqa: ANN401
    """Press a key as soon as a number is shown, again and again.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    server : Server
    count : int

    Returns
    -------
    times : list of float
        Milliseconds from a key to the next number.
    late : int
        How often the next number was not shown yet.
    """
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(
        "window.shown = []; new PerformanceObserver((list) => shown.push(...list.getEntries().map((e) => e.duration)))"
        ".observe({entryTypes: ['measure']});"
    )
    page.goto(server.link)
    page.goto(server.address + "review")
    page.wait_for_function(READY)
    late = 0
    for i in range(count):
        if not page.evaluate(READY):
            late += 1
            page.wait_for_function(READY)
        page.keyboard.press("Enter" if i % 3 else "7")
        if i < count - 1:
            page.wait_for_function("n => shown.length >= n", arg=i + 1)
    page.wait_for_function("() => document.getElementById('state').textContent.includes('all saved')")
    return page.evaluate("shown"), late


def opening(browser: Any, server: Server, path: str, ready: str) -> float:  # noqa: ANN401
    """Measure the time from opening an address until the page is ready.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    server : Server
    path : str
        Of the page.
    ready : str
        JavaScript that tells whether it is ready.

    Returns
    -------
    float
        Median of seven times, in milliseconds.
    """
    times = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()  # one page, so that its cache is warm
    page.goto(server.link)
    for _ in range(8):
        page.goto("about:blank")
        started = time.perf_counter()
        page.goto(server.address + path)
        page.wait_for_function(ready, polling="raf")
        times.append(1000 * (time.perf_counter() - started))
    page.goto("about:blank")
    context.close()
    return median(times[1:])


def found_chromium() -> str | None:
    """Return where Chromium is; None, and a word on standard error, where it or Playwright is missing.

    Returns
    -------
    str or None
    """
    chromium = shutil.which("chromium")
    if chromium is None or find_spec("playwright") is None:
        sys.stderr.write(
            "Chromium and Playwright for Python are needed: apt-get install chromium; pip install playwright\n"
        )
        return None
    return chromium


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reviewing", description=__doc__)
    parser.add_argument("--items", type=int, default=200, help="number of items to review")
    parser.add_argument("--many", type=int, default=10_000, help="length of the long queue")
    args = parser.parse_args(argv)
    chromium = found_chromium()
    if chromium is None:
        return 2
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened: dict[str, list[float]] = {"": [], "review": []}
        for items in (10, args.many):
            folder = Path(work) / str(items)
            fill(folder, items)
            server = Server(folder)
            for path, ready in (("", "() => document.querySelector('.cards')"), ("review", READY)):
                opened[path].append(opening(browser, server, path, ready))
            if items == args.many:
                times, late = keys(browser, server, args.items)
            server.end()
        browser.close()
    sys.stdout.write(
        f"{len(times)} keys: median {median(times):.1f} ms from a key to the next number, 95 % within"
        f" {quantiles(times, n=20)[-1]:.1f} ms; {late} times it was not shown yet\n"
    )
    for path, (few, many) in opened.items():
        sys.stdout.write(
            f"/{path}: {few:.0f} ms with 10 waiting, {many:.0f} ms with {args.many:,}: ratio {many / few:.2f}\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
