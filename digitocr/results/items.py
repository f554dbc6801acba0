"""What of a reading waits for a person, and its rows in the queue."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from digitocr.records import Box, Digit, FileResult, FileStatus, Nothing, PageResult, Reason, Status
from digitocr.results.tables import Row, joined, share
from digitocr.store.records import QueueItem


@dataclass(frozen=True, slots=True)
class Item:
    """A digit or number that a person is to look at, and where it stands on the page.

    Attributes
    ----------
    queued : QueueItem
    box : Box
        What its crop shows.
    mark : Box or None
        The digit within the crop.
    """

    queued: QueueItem
    box: Box
    mark: Box | None


def items(machine: FileResult, current: FileResult, file: str) -> list[Item]:
    """Return all that was or is for review in a file.

    Parameters
    ----------
    machine : FileResult
        As the program read it; the ids come from here.
    current : FileResult
        The same after corrections; decides what still waits.
    file : str
        Name in the tables.

    Returns
    -------
    list of Item
        In reading order.
    """
    found: list[Item] = []
    unread = {page.index for page in machine.pages if page.nothing is Nothing.NOT_FOUND}
    if machine.status is FileStatus.EMPTY and not unread:
        unread = {
            page.index for page in machine.pages[:1]
        }  # a file of blank pages alone, or read by an earlier release
    for page, now in zip(machine.pages, current.pages, strict=True):
        if page.index in unread:
            found.append(_whole_page(machine.sha256, file, page, waits=not now.numbers))
        for ordinal in range(1, min(len(page.numbers), len(now.numbers)) + 1):
            found += _items_of(machine.sha256, file, page, now, ordinal)
    return found


def review_id(content: str, page: int, box: Box) -> str:
    """Name a digit or number by the content of its file, its page and its box.

    Parameters
    ----------
    content : str
        SHA-256 of the file, in hexadecimal digits.
    page : int
        Counted from 1.
    box : Box
        On the page, in pixels.

    Returns
    -------
    str
        An ``r``, which keeps spreadsheets from taking it for a number, and 15 hexadecimal digits.
    """
    place = f"{content}:{page}:{box.x},{box.y},{box.width},{box.height}"
    return f"r{sha256(place.encode()).hexdigest()[:15]}"


def queue_row(item: QueueItem) -> Row:
    """Return an item as a row of the queue.

    Parameters
    ----------
    item : QueueItem

    Returns
    -------
    sequence of str
        The cells of :data:`digitocr.results.tables.QUEUE` without the two that a person fills in.
    """
    return (
        *(item.review_id, item.file, str(item.page), item.field, str(item.number)),
        str(item.position) if item.position else "",
        "" if item.digit is None else str(item.digit),
        "" if item.confidence is None else share(item.confidence),
        "" if item.runner_up is None else str(item.runner_up),
        "" if item.runner_up_confidence is None else share(item.runner_up_confidence),
        *(item.number_text, item.reasons, f"crops/{item.review_id}.png"),
    )


def _whole_page(content: str, file: str, page: PageResult, *, waits: bool) -> Item:
    """Return the item of a page on which nothing was found."""
    whole = Box(0, 0, page.shape[1], page.shape[0])
    identity = review_id(content, page.index, whole)
    queued = QueueItem(identity, file, page.index, reasons=Reason.NOTHING_FOUND.value, waits=waits)
    return Item(queued, whole, None)


def _items_of(content: str, file: str, page: PageResult, now: PageResult, ordinal: int) -> list[Item]:
    """Return the items of one number: its unsure digits, or the number itself where none is unsure."""
    number, new = page.numbers[ordinal - 1], now.numbers[ordinal - 1]

    def item(digit: Digit | None, position: int, confidence: float, *, waits: bool) -> Item:
        queued = QueueItem(
            review_id=review_id(content, page.index, digit.box if digit else number.box),
            file=file,
            page=page.index,
            field=number.field,
            number=ordinal,
            position=position,
            digit=digit.value if digit else None,
            confidence=confidence,
            runner_up=digit.runner_up if digit else None,
            runner_up_confidence=digit.runner_up_confidence if digit else None,
            number_text=new.text,
            reasons=joined(new.reasons if Reason.ILLEGIBLE in new.reasons else number.reasons),
            waits=waits,
        )
        return Item(queued, number.box, digit.box if digit else None)

    number_waits = new.waits
    unsure = [(p, d) for p, d in enumerate(number.digits, 1) if d.status is Status.REVIEW]
    if number.status is Status.REVIEW and not unsure:
        return [item(None, 0, number.confidence, waits=number_waits)]
    left = {d.box: p for p, d in enumerate(new.digits, 1) if d.status is Status.REVIEW}
    return [
        item(d, left.get(d.box, p), d.confidence, waits=number_waits and d.box in left) for p, d in unsure
    ]
