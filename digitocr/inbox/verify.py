"""Checking the ledger against the disk: tables, queue, originals, and files that no one knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from digitocr import atomic
from digitocr.errors import FileAccessError
from digitocr.inbox.archive import failed_files, files_in
from digitocr.inbox.reasons import reason_of
from digitocr.inbox.retention import PUT_AWAY, days_ago
from digitocr.inbox.scan import digest
from digitocr.io import remote
from digitocr.records import READ, FileStatus
from digitocr.results import forms, publish, tables
from digitocr.results.publish import Shelf, known_shelf
from digitocr.settings import Settings
from digitocr.store.ledger import Known, Ledger


def verify(settings: Settings, ledger: Ledger) -> list[str]:
    """Check the ledger against the disk; nothing is written.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger

    Returns
    -------
    list of str
        One line for each thing that does not agree.

    Raises
    ------
    UsageError
        If nothing was read into the results folder yet.
    FileAccessError
        If a file that was put away cannot be read.
    """
    shelf = known_shelf(settings, ledger)
    files = list(ledger.known(shelf.job))
    originals = _Originals(settings, ledger.folders(shelf.job))
    found = [f"{k.file}: {line}" for k in files for line in _wrong_file(k, shelf, ledger, originals)]
    found += _wrong_tables(shelf, ledger, files)
    found += _unknown_files(settings, shelf, {k.file for k in files}, ledger.contents())
    return found


@dataclass
class _Originals:
    """Finds the files that were read."""

    settings: Settings
    folders: tuple[Path | str, ...]

    def has(self, known: Known) -> bool:
        s = self.settings
        places: list[Path | str] = [s.archive / known.file, s.failed / known.file, s.inbox / known.source]
        places += [remote.below(folder, known.source) for folder in self.folders]
        return any(_holds(place, known.sha256) for place in places) or known.sha256 in self._put_away

    @cached_property
    def _put_away(self) -> set[str]:
        """Hashes of all files that were put away, for those that lie under another name."""
        folders = (self.settings.archive, self.settings.failed)
        return {digest(path) for folder in folders for path in files_in(folder)}


def _holds(path: Path | str, sha256: str) -> bool:
    try:
        return (isinstance(path, str) or path.is_file()) and digest(path) == sha256
    except FileAccessError:
        return False


def _wrong_file(known: Known, shelf: Shelf, ledger: Ledger, originals: _Originals) -> Iterator[str]:
    if known.holder:
        yield f"was being read by {known.holder}, who did not finish"
    if known.status in READ:
        digits, numbers = tables.table_paths(shelf.results, known.file)
        if _text(numbers) != tables.encode(tables.NUMBERS, ()) + ledger.published.lines_of(known.id):
            yield f"{numbers.name} is missing or not what was read"
        # only names in that table could hold line ends, and these have none
        if _text(digits).count("\n") - 1 != known.digits:
            yield f"{digits.name} is missing or does not have its {known.digits} digits"
    if known.status in PUT_AWAY or known.status == FileStatus.FAILED:
        days = originals.settings.keep_archive_days
        may_be_gone = days is not None and known.processed_at < days_ago(days)
        if known.sha256 and not may_be_gone and not originals.has(known):
            yield "the original is nowhere to be found"


def _wrong_tables(shelf: Shelf, ledger: Ledger, files: Sequence[Known]) -> Iterator[str]:
    expected = {
        shelf.results / tables.ALL_FILES: tables.encode(tables.FILES, publish.file_rows(files)),
        shelf.results / tables.ALL_NUMBERS: tables.encode(tables.NUMBERS, ())
        + "".join(ledger.published.number_lines(shelf.job)),
    }
    for form, rows in forms.gather(forms.stored(ledger, shelf.job)).items():
        expected[forms.path(shelf.results, form)] = forms.as_csv(rows)
    for path, text in expected.items():
        if _text(path) != text:
            yield f"{path.name}: is missing or behind the ledger; the next run writes it"
    queue = _text(shelf.review / "queue.csv")
    for item in ledger.items.waiting(shelf.job):
        if item.review_id not in queue:
            yield f"queue.csv: {item.review_id} is missing; the next run writes it"
        if not (shelf.review / "crops" / f"{item.review_id}.png").is_file():
            yield f"crops/{item.review_id}.png: is missing"


def _unknown_files(settings: Settings, shelf: Shelf, names: set[str], contents: set[str]) -> Iterator[str]:
    for path in files_in(shelf.results):
        name = path.relative_to(shelf.results).as_posix()
        if name.startswith(".old/"):
            continue
        if name.endswith(atomic.PARTIAL):
            yield f"{path}: left behind by a kill; housekeeping removes it"
        elif name.endswith(".digits.csv") and name.removesuffix(".digits.csv") not in names:
            yield f"{path}: of a file that the ledger does not know"
    for path in files_in(settings.archive):
        if not path.name.endswith(atomic.PARTIAL) and digest(path) not in contents:
            yield f"{path}: never read, or changed since"
    for path in failed_files(settings.failed):
        if not reason_of(path).is_file():
            yield f"{path}: has no reason beside it"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, ValueError):
        return ""
