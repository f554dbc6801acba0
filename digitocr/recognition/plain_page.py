"""A page that is no form: its rows as they stand, whichever way up it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from digitocr.recognition.judge import Judge, are_near, decide, number_on_page
from digitocr.recognition.orientation import Rows, View
from digitocr.records import Line, PageResult, Reason


@dataclass(frozen=True, slots=True)
class PlainPage:
    """A page laid out in rows; see :class:`digitocr.pipeline.LaidPage`.

    Attributes
    ----------
    view : View
        The way up that it is read in.
    no_form : str
        Why it is no form, where it should be one.
    is_in_doubt : bool
        Whether it is uncertain which way up it is.
    """

    view: View
    no_form: str = ""
    is_in_doubt: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """Its rows."""
        return self.view.lines

    def settled(self, view: View, *, is_in_doubt: bool) -> PlainPage:
        """Return the page laid out in the way up that it reads best in.

        Parameters
        ----------
        view : View
        is_in_doubt : bool

        Returns
        -------
        PlainPage
        """
        return replace(self, view=view, is_in_doubt=is_in_doubt)

    def result(self, rows: Rows, judge: Judge) -> PageResult:
        """Decide on all that was decoded.

        Parameters
        ----------
        rows : tuple of tuple of DecodedNumber
            What was decoded in `lines`.
        judge : Judge

        Returns
        -------
        PageResult
        """
        page, sheet = self.view.page, self.view.sheet
        shape = page.grey.shape
        against = (
            *sheet.reasons,
            *[Reason.ORIENTATION] * self.is_in_doubt,
            *[Reason.NO_FORM] * bool(self.no_form),
        )
        decoded = [number for row in rows for number in row]
        numbers = tuple(
            decide(
                number_on_page(number, sheet, shape, judge.number_weights),
                judge.threshold,
                (*against, *[Reason.NEIGHBOUR] * near),
            )
            for number, near in zip(decoded, are_near([n.box for n in decoded]), strict=True)
        )
        return PageResult(page.index, shape, numbers, self.no_form)
