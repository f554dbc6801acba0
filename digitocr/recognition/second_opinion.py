"""The second reader's opinion of pages that our own networks have read."""

from __future__ import annotations

from collections.abc import Sequence

from digitocr.imaging.sheet import Line, Sheet
from digitocr.networks.second_reader import SecondFrames, SecondReader
from digitocr.recognition import choice
from digitocr.recognition.choice import Proposal
from digitocr.recognition.judge import Judge
from digitocr.recognition.laid_page import LaidPage
from digitocr.recognition.numbers import DecodedNumber
from digitocr.recognition.orientation import Rows
from digitocr.recognition.page_line import PageLine
from digitocr.recognition.parameters import Recognition
from digitocr.records import PageKind, SecondReading


def read(
    reader: SecondReader,
    which: SecondReading,
    pages: Sequence[LaidPage],
    proposals: Sequence[Sequence[Proposal]],
    rows: Sequence[Rows],
    judge: Judge,
    p: Recognition,
) -> list[Rows]:
    """Read the rows of pages again, and crops without one clear row as a whole.

    Parameters
    ----------
    reader : SecondReader
    which : SecondReading
        Which rows it reads.
    pages : sequence of LaidPage
    proposals : sequence of sequence of Proposal
        For each page those of its rows.
    rows : sequence of tuple of tuple of DecodedNumber
        For each page the numbers of its rows, as our own networks read them.
    judge : Judge
    p : Recognition

    Returns
    -------
    list of tuple of tuple of DecodedNumber
        For each page the numbers of its rows.
    """
    asked = [
        (i, k, one)
        for i, some in enumerate(proposals)
        for k, one in enumerate(some)
        if may_hold_digits(one) and (which is SecondReading.ALWAYS or _is_open(rows[i][k], one.line, judge))
    ]
    wholes = [
        (i, Line.whole(page.view.sheet))
        for i, page in enumerate(pages)
        if page.view is not None and _is_doubtful_crop(page.view.sheet, page.view.lines)
    ]
    images = [PageLine.of(one.line, p.page_lines, p.line_images) for _, _, one in asked]
    images += [PageLine.whole(line, p.page_lines) for _, line in wholes]
    frames = reader.frames([image.picture for image in images])
    found = [list(some) for some in rows]
    for (i, k, one), seen, image in zip(asked, frames, images, strict=False):
        found[i][k] = tuple(choice.decoded_with_second(one, seen, image, judge.card, p))
    for (i, line), seen, image in zip(wholes, frames[len(asked) :], images[len(asked) :], strict=True):
        found[i] = list(_as_whole(tuple(found[i]), line, seen, image, judge, p))
    return [tuple(some) for some in found]


def may_hold_digits(proposal: Proposal) -> bool:
    """Whether we found digits in a row, or the page network did, or it is the only one of its sheet.

    In print, table lines and ticks some digit can always be seen: the second reader is not asked for these.

    Parameters
    ----------
    proposal : Proposal

    Returns
    -------
    bool
    """
    seen = proposal.line.seen
    is_found = seen is not None and seen.is_found
    return bool(proposal.found[0].text) or proposal.line.is_alone or is_found


def _is_open(numbers: Sequence[DecodedNumber], line: Line, judge: Judge) -> bool:
    """Whether our own networks are not sure of a row; of one without digits they are not."""
    if judge.card.second is None or not numbers or not all(number.segments for number in numbers):
        return True
    sure = [judge.own_confidence(number, in_cells=bool(line.cells)) for number in numbers]
    return min(sure) < judge.card.second.sure_alone


def _is_doubtful_crop(sheet: Sheet, lines: Sequence[Line]) -> bool:
    """Whether a picture may be a crop, and not of one clear row: nothing was found on it, or several rows."""
    if sheet.kind is PageKind.PAGE:
        return not lines and not sheet.ink.any()
    return len(lines) != 1


def _as_whole(
    rows: Rows, line: Line, seen: SecondFrames, image: PageLine, judge: Judge, p: Recognition
) -> Rows:
    """Take a crop for one line, if that is likelier than its rows."""
    if judge.card.second is None:
        return rows
    number, whole = choice.decoded_as_whole(line, seen, image, judge.card.second, p)
    if number is None:
        return rows
    texts = [row[0].line_text.log_p_second for row in rows if row]
    in_rows = sum(choice.by_heads(logs, judge.card.second, p) for logs in texts if logs)
    return ((number,),) if not texts or whole > in_rows else rows
