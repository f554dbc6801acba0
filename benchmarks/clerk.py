"""How many keys a clerk needs: the numbers of fourteen drawn forms that wait, one by one and a page at a time.

``python -m benchmarks.clerk`` draws the forms, reads them with the real command, and has a script that knows what was
written settle them on the review page, in a browser. It needs Chromium and Playwright for Python.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from benchmarks.forms import drawn_form, drawn_pages
from benchmarks.reviewing import FLAGS, Server, found_chromium
from digitocr.training.synth.strokes import Sources

FORMS = 14
SEED = 28

Truth = dict[tuple[str, str], str]
"""What was written, by file and label of the field."""

SHOWN = """() => ({
  where: document.getElementById('where').textContent,
  label: document.getElementById('label').textContent,
  cells: [...document.querySelectorAll('#cells .cell b')].map((cell) => cell.textContent),
  unsure: [...document.querySelectorAll('#cells .cell')].flatMap(
    (cell, i) => cell.classList.contains('unsure') ? [i] : []),
  fields: [...document.querySelectorAll('#fields li')].map(
    (one) => [one.querySelector('span').textContent, one.querySelector('b').textContent]),
  at: [...document.querySelectorAll('#fields button')].findIndex((one) => one.getAttribute('aria-current')),
  asks: !document.getElementById('notice').hidden,
})"""
"""What the clerk sees."""

READY = "(id) => !document.getElementById(id).hidden || !document.getElementById('empty').hidden"


def draw(folder: Path) -> Truth:
    """Draw forms into an inbox, and print their template.

    Parameters
    ----------
    folder : Path
        The project folder.

    Returns
    -------
    Truth
    """
    (folder / "inbox").mkdir()
    (folder / "forms").mkdir()
    form, empty = drawn_form(folder / "forms")
    labels = {one.name: one.label or one.name for one in form.template.fields}
    truth = {}
    for k, shown in enumerate(drawn_pages(form, empty, Sources(), FORMS, SEED)):
        name = f"{k:02}.jpg"
        cv2.imwrite(str(folder / "inbox" / name), shown.image)
        truth |= {(name, labels[key]): entry.text for key, entry in shown.entries.items()}
    return truth


def read(folder: Path, threshold: float) -> None:
    """Read the inbox with the real command.

    Parameters
    ----------
    folder : Path
    threshold : float
    """
    command = ["-m", "flows.process_folder", "--no-prefect", "--quiet", "--templates", "forms"]
    subprocess.run(
        [sys.executable, *command, "--threshold", str(threshold)],
        cwd=folder, env=Server.environment(), check=True,
    )  # fmt: skip


@dataclass
class Clerk:
    """A script that knows what was written, and counts its keys.

    Attributes
    ----------
    page : playwright.sync_api.Page
    truth : Truth
    keys, numbers : int
    """

    page: Any
    truth: Truth
    keys: int = field(default=0, init=False)
    numbers: int = field(default=0, init=False)

    def one_by_one(self) -> None:
        """Settle what waits, each number by itself."""
        while (seen := self._next("item")) is not None:
            want = self.truth[_file(seen["where"]), seen["label"]]
            pressed = _mending(seen, want)
            is_settled = bool(pressed) and not _is_typed(seen, pressed)
            self._press(seen["where"], *pressed, *([] if is_settled else ["Enter"]))
            self.numbers += 1

    def page_by_page(self) -> None:
        """Settle what waits, all numbers of a page at once."""
        while (seen := self._next("sheet")) is not None:
            where, at = seen["where"], seen["at"]
            for i, (label, shown) in enumerate(seen["fields"]):
                want = self.truth[_file(where), label]
                if shown == (want or "blank"):
                    continue
                while at != i:
                    self._press("", "Tab")
                    at += 1
                self._press("", *_mending(self.page.evaluate(SHOWN), want))
                at = self.page.evaluate(SHOWN)["at"]
            self.numbers += len(seen["fields"])
            self._press(where, "Enter")

    def _next(self, element: str) -> dict[str, Any] | None:
        """Return what is shown once it is there; None at the end."""
        self.page.wait_for_function(READY, arg=element)
        if self.page.locator(f"#{element}").is_hidden():
            return None
        found: dict[str, Any] = self.page.evaluate(SHOWN)
        return found

    def _press(self, leaving: str, *keys: str) -> None:
        """Press keys; if the number or page named by `leaving` should be settled by them, see to that."""
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)
        if leaving and self._stays(leaving):  # asked whether that is what the paper says: it is
            self.page.keyboard.press("Enter")
            self.keys += 1
            self._stays(leaving)

    def _stays(self, where: str) -> bool:
        """Wait until the screen goes on or asks again, and tell whether it asks."""
        self.page.wait_for_function(
            "(where) => document.getElementById('where').textContent !== where"
            " || !document.getElementById('notice').hidden || !document.getElementById('empty').hidden",
            arg=where,
        )
        return bool(self.page.evaluate(SHOWN)["asks"]) and self.page.evaluate(SHOWN)["where"] == where


def _file(where: str) -> str:
    return next(part for part in where.split(" · ") if part.endswith(".jpg"))


def _mending(seen: dict[str, Any], want: str) -> list[str]:
    """Return the keys that make what is shown right; Enter not among them."""
    cells, unsure = seen["cells"], seen["unsure"]
    if not unsure:
        return [*(want or "-")]
    if "".join(cells) == want:
        return []
    if len(cells) == len(want) and all(i in unsure for i in range(len(want)) if cells[i] != want[i]):
        return [want[i] for i in unsure]
    return ["e", *(want or "-")]


def _is_typed(seen: dict[str, Any], pressed: list[str]) -> bool:
    return not seen["unsure"] or pressed[0] == "e"


def settle(browser: Any, folder: Path, path: str, truth: Truth, way: Callable[[Clerk], None]) -> Clerk:  # noqa: ANN401
    """Settle all that waits in a project.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
    folder : Path
    path : str
        Of the page of the program.
    truth : Truth
    way : callable
        One of a clerk's methods.

    Returns
    -------
    Clerk
    """
    server = Server(folder)
    try:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(server.link)
        page.goto(server.address + path)
        clerk = Clerk(page, truth)
        way(clerk)
        page.wait_for_function("() => document.getElementById('state').textContent.includes('all saved')")
    finally:
        server.end()
    return clerk


def wrong(folder: Path, truth: Truth) -> int:
    """Count the fields of the table of the form that are not as written.

    Parameters
    ----------
    folder : Path
    truth : Truth

    Returns
    -------
    int
    """
    labels = {label: "" for _, label in truth}
    texts = {name: list[str]() for name in sorted({file for file, _ in truth})}
    with (folder / "results" / "numbers.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            texts[row["file"]].append(row["text"])
    return sum(sorted(texts[file]) != sorted(truth[file, label] for label in labels) for file in texts)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clerk", description=__doc__)
    parser.add_argument(
        "--threshold", type=float, default=0.998, help="numbers below it wait; by default about sixty"
    )
    args = parser.parse_args(argv)
    chromium = found_chromium()
    if chromium is None:
        return 2
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        first, second = Path(work) / "one", Path(work) / "page"
        first.mkdir()
        truth = draw(first)
        read(first, args.threshold)
        shutil.copytree(first, second)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for said, folder, path, way in (
            ("one by one", first, "review", Clerk.one_by_one),
            ("a page at a time", second, "pages", Clerk.page_by_page),
        ):
            clerk = settle(browser, folder, path, truth, way)
            sys.stdout.write(
                f"{said}: {clerk.numbers} numbers of {FORMS} forms, {clerk.keys} keys,"
                f" {clerk.keys / clerk.numbers:.2f} a number; {wrong(folder, truth)} forms wrong afterwards\n"
            )
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
