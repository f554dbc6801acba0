"""A page that is not a form: its rows, in the way up that reads best."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from digitocr.imaging.sheet import Line
from digitocr.networks import page_network
from digitocr.networks.page_network import PageMaps
from digitocr.recognition import alternatives
from digitocr.recognition.judge import Judge, are_near, decide, number_on_page
from digitocr.recognition.orientation import Rows, View
from digitocr.records import Nothing, PageKind, PageResult, Reason


@dataclass(frozen=True, slots=True)
class PlainPage:
    """A page laid out in rows; see :class:`digitocr.recognition.laid_page.LaidPage`.

    Attributes
    ----------
    view : View
        The way up in which it is read.
    no_form : str
        Why it is not one of the forms, where there are any.
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
        """Return the page in the way up that reads best.

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
        """Decide which of the decoded numbers are accepted.

        Parameters
        ----------
        rows : tuple of tuple of DecodedNumber
            The numbers decoded in each of `lines`.
        judge : Judge

        Returns
        -------
        PageResult
        """
        page, sheet = self.view.page, self.view.sheet
        shape = page.grey.shape
        known = (
            *sheet.reasons,
            *[Reason.ORIENTATION] * self.is_in_doubt,
            *[Reason.NO_FORM] * bool(self.no_form),
        )
        every = alternatives.chosen([number for row in rows for number in row], judge)
        decoded = [number for number in every if judge.is_number(number)]
        near = are_near([number.box for number in decoded], judge.acceptance)
        numbers = tuple(
            decide(
                number_on_page(number, sheet, shape, judge.confidence(number, in_cells=False)),
                judge.threshold,
                (*known, *[Reason.NEIGHBOUR] * is_near),
                judge.acceptance,
            )
            for number, is_near in zip(decoded, near, strict=True)
        )
        nothing = None if numbers else Nothing.NOT_FOUND if self._has_ink() else Nothing.BLANK
        no_form = "" if nothing is Nothing.BLANK else self.no_form
        return PageResult(page.index, shape, numbers, no_form, turn=self.view.quarters, nothing=nothing)

    def _has_ink(self) -> bool:
        """Whether the page network sees anything written or printed: dirt is not, and pale writing is.

        What is smaller than two cells is dirt: no digit of that size can be read. At a page it has looked already; at
        anything else a glance mostly shows some ink, if there is any.
        """
        view = self.view
        looks = (view.seen,) if view.sheet.kind is PageKind.PAGE else (view.glance, view.seen)
        return any(_shows_ink(look()) for look in looks)


def _shows_ink(maps: PageMaps) -> bool:
    ink = np.isin(maps.classes.argmax(axis=-1), page_network.INK).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return bool((boxes[1:, 2:4].max(axis=1, initial=0) > 1).any())
