"""Why numbers wait and how files ended, in words for people."""

from __future__ import annotations

from digitocr.records import Reason
from digitocr.results.tables import DUPLICATE

WORDS: dict[str, str] = {
    Reason.LOW_CONFIDENCE: "not sure enough",
    Reason.CLOSE_ALTERNATIVE: "another reading is nearly as likely",
    Reason.NEIGHBOUR: "may be part of the number beside it",
    Reason.DECIMAL_MARK: "a dot or comma looks like a decimal mark",
    Reason.READERS_DISAGREE: "two readers disagree",
    Reason.UNREADABLE: "no digit could be made out",
    Reason.ORIENTATION: "which way up the page is, is not certain",
    Reason.PAGE_QUALITY: "the page is blurred, faint or too small",
    Reason.NOTHING_FOUND: "nothing that looks like a number was found",
    Reason.FIELD_BLANK: "this field may not be blank",
    Reason.FIELD_LENGTH: "too few or too many digits for this field",
    Reason.FIELD_RANGE: "outside the range of this field",
    Reason.FIELD_PATTERN: "not written as the form asks",
    Reason.FIELD_CHECKSUM: "its check digit does not fit",
    Reason.FIELD_DATE: "there is no such day",
    Reason.FIELD_GAP: "a cell among its digits is empty or crossed out",
    Reason.STRUCK_OUT: "something is struck out or corrected",
    Reason.FAINT_INK: "something too faint to be read is written there",
    Reason.OUTSIDE: "the field lies outside the picture",
    Reason.NO_FORM: "the page is none of the forms",
    Reason.RULE_BROKEN: "broken rule",
    Reason.ILLEGIBLE: "nobody could read it",
}


def in_words(code: str) -> str:
    """Say why a number waits.

    Parameters
    ----------
    code : str
        A reason as in the tables, with what follows its colon.

    Returns
    -------
    str

    Examples
    --------
    >>> in_words("readers-disagree:47")
    'two readers disagree: 47'
    """
    kind, _, more = code.partition(":")
    words = WORDS.get(kind, kind)
    return f"{words}: {more}" if more else words


def ended_in_words(error: str) -> str:
    """Say how a file ended that was not read in full.

    Parameters
    ----------
    error : str
        As in the table of files.

    Returns
    -------
    str

    Examples
    --------
    >>> ended_in_words("of:scan.jpg")
    'the same as scan.jpg'
    """
    return f"the same as {error.removeprefix(DUPLICATE)}" if error.startswith(DUPLICATE) else error
