"""Pictures of the review page for the docs, of the filled-in forms in ``examples/``.

``python -m benchmarks.screens`` reads the forms with the real command and writes what a browser shows of them into
``docs/images``. It needs Chromium and Playwright for Python.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.reviewing import FLAGS, Server, found_chromium

EXAMPLES = Path("examples/forms")
OUTPUT = Path("docs/images")

THRESHOLD = "0.999"
"""So high that some numbers of each form wait."""

LOADED = "() => [...document.images].every((one) => one.naturalWidth)"


def read(folder: Path) -> None:
    """Print the form, and read filled-in ones, a letter among them.

    Parameters
    ----------
    folder : Path
        The project folder.
    """
    inbox = folder / "inbox"
    inbox.mkdir()
    for path in EXAMPLES.glob("*.jpg"):
        shutil.copy(path, inbox)
    (inbox / "scan of Friday.png").write_text("Dear colleagues,\n", encoding="utf-8")
    for command in (
        ("form", "make", str((EXAMPLES / "count.yaml").resolve()), "-o", "forms/count.pdf"),
        ("run", "--templates", "forms", "--threshold", THRESHOLD, "--quiet"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "digitocr", *command],
            cwd=folder, env=Server.environment(), stdout=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode > 1:  # 1: the letter is no picture
            raise SystemExit(done.returncode)


def take(page: Any, server: Server, output: Path) -> None:  # noqa: ANN401 - of Playwright, which is optional
    """Write the pictures.

    Parameters
    ----------
    page : playwright.sync_api.Page
    server : Server
    output : Path
        The folder of the pictures.
    """
    page.goto(server.link)
    files = page.locator("select[name=file] option")
    first, broken = (files.filter(has_text=f"page{k}.jpg").get_attribute("value") for k in (1, 2))
    page.goto(f"{server.address}review")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Name").press("Enter")
    for address, part, name in (
        ("review", "#around img", "review"), (f"pages?file={broken}", "#scan img", "pages"),
        ("wall?digit=1", ".tile img", "wall"),
    ):  # fmt: skip
        page.goto(server.address + address)
        page.wait_for_selector(part)
        page.wait_for_function(LOADED)
        page.screenshot(path=output / f"{name}.png")
    page.goto(f"{server.address}pages?file={first}")
    page.wait_for_selector("#scan img")
    page.keyboard.press("Enter")
    page.wait_for_selector("#empty:not([hidden])")
    page.wait_for_function("() => document.getElementById('state').textContent.includes('all saved')")
    page.goto(server.address)
    page.screenshot(path=output / "overview.png")


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screens", description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the pictures")
    args = parser.parse_args(argv)
    chromium = found_chromium()
    if chromium is None:
        return 2
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        read(Path(work))
        server = Server(Path(work))
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        take(browser.new_page(viewport={"width": 1280, "height": 800}), server, args.output)
        browser.close()
        server.end()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
