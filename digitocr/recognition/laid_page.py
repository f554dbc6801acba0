"""What every page laid out for reading offers, a form or a plain page."""

from __future__ import annotations

from typing import Protocol

from digitocr.imaging.sheet import Line
from digitocr.recognition.judge import Judge
from digitocr.recognition.orientation import Rows, View
from digitocr.records import PageResult


class LaidPage(Protocol):
    """A page laid out for reading, as a form or as a plain page."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rows to be decoded."""

    @property
    def view(self) -> View | None:
        """The orientation in which it is laid out; None if the orientation is known."""

    def settled(self, view: View, *, is_in_doubt: bool) -> LaidPage:
        """Return the page laid out in the orientation in which it reads best."""

    def result(self, rows: Rows, judge: Judge) -> PageResult:
        """Decide what is accepted of the numbers decoded in its rows."""
