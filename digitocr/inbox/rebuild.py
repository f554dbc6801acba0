"""The ledger made again from what lies beside it: readings and tables in the results, the audit, the archive."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.forms.template_file import load_folder
from digitocr.inbox.archive import files_in
from digitocr.inbox.lock import only_runner
from digitocr.inbox.scan import digest
from digitocr.io import remote
from digitocr.records import READ, FileStatus
from digitocr.results import forms, kept, publish, tables
from digitocr.results.kept import KeptReading
from digitocr.results.publish import Shelf
from digitocr.settings import Settings
from digitocr.store.database import files_of
from digitocr.store.ledger import Ledger, Outcome, now
from digitocr.store.records import Correction, shown
from digitocr.store.restored import Restored

_NEW = "ledger.new.sqlite"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a ledger was made from; the keys of ``digitocr ledger rebuild --json``.

    Attributes
    ----------
    files : int
    corrections : int
    without_reading : int
        Files of an earlier release, whose tables are all that is left: corrections need them read again.
    unknown : list of str
        Files of the archive that are in no table.
    """

    files: int = 0
    corrections: int = 0
    without_reading: int = 0
    unknown: list[str] = field(default_factory=list)


def rebuild(settings: Settings) -> Rebuilt:
    """Make the ledger of a results folder again, and the tables over all files from it.

    A ledger that is there is kept beside it, under another name. It can be repeated after a kill at any point.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Rebuilt

    Raises
    ------
    UsageError
        If there are no results to make it from.
    BusyError
        If another process is the runner.
    OutputError
    """
    s = settings
    if not (s.results / tables.ALL_FILES).is_file() and kept.writer_of(s.results) is None:
        raise UsageError(f"there are no results in {s.results}", hint="name the folder with --results")
    with only_runner(s.state, s.inbox, "making the ledger again"):
        new = s.state / _NEW
        _remove(new)
        with Ledger(new) as ledger:
            shelf = Shelf(ledger.job(s.results), s.results, s.review, s.state)
            with publish.writing(shelf), ledger.database.writing():
                rebuilt = _fill(ledger, shelf, s)
        _put_aside(s.ledger)
        new.replace(s.ledger)
        with Ledger(s.ledger) as ledger, publish.writing(shelf):
            publish.refresh(shelf, ledger)
            publish.publish(shelf, ledger)
    return rebuilt


def _fill(ledger: Ledger, shelf: Shelf, settings: Settings) -> Rebuilt:
    job, results = shelf.job, shelf.results
    _restore_templates(shelf, settings)
    writer = kept.writer_of(results)
    for folder in reversed(writer.folders if writer else ()):
        ledger.end_run(ledger.begin_run(job, folder if remote.is_url(folder) else results / folder), {})
    rows = {row["file"]: row for row in _rows(results / tables.ALL_FILES)}
    readings = {one.file: one for one in kept.readings(results)}
    form_rows = _form_rows(results)
    restored = Restored(ledger.database)
    for file in sorted(rows.keys() | readings.keys()):
        row, reading = rows.get(file, {}), readings.get(file)
        if reading is not None and row.get("status", FileStatus.DONE) in READ:
            restored.add(job, *_from_reading(reading, row))
        else:
            restored.add(job, *_from_row(row, results, form_rows.get(file, ())))
    corrections = _corrections(shelf, ledger, restored)
    ledger.corrections.add(job, corrections)
    names = rows.keys() | readings.keys()
    return Rebuilt(
        files=len(names),
        corrections=len(corrections),
        without_reading=restored.finish(job),
        unknown=list(_unknown(settings.archive, names, ledger.contents())),
    )


_Restored = tuple[str, str, str, Outcome, str]
"""File, source, hash, outcome and time."""


def _from_reading(one: KeptReading, row: Mapping[str, str]) -> _Restored:
    """Return a file whose reading was kept; how many numbers wait follows from it and the corrections."""
    at = shown(datetime.fromtimestamp(one.at, UTC))
    code, error = _error(row)
    outcome = Outcome(
        status=row.get("status", FileStatus.DONE.value),
        model=one.model,
        settings=one.settings,
        error_code=code,
        error=error,
        pages=one.pages,
        seconds=one.seconds,
        reading=one.reading,
    )
    return one.file, one.source, one.sha256, outcome, row.get("processed_at", at)


def _from_row(row: Mapping[str, str], results: Path, form_rows: Iterable[forms.Row]) -> _Restored:
    """Return a file of which only the tables are left, without settings: it is read again where those are asked for."""
    code, error = _error(row)
    outcome = Outcome(
        status=row["status"],
        model=row["model"],
        error_code=code,
        error=error,
        pages=int(row["pages"]),
        numbers=int(row["numbers"]),
        digits=int(row["digits"]),
        review=int(row["review"]),
        seconds=float(row["seconds"]),
        number_lines=_number_lines(results, row["file"]),
        form_rows=forms.dumps(form_rows),
    )
    source = (
        re.sub(f"~{row['sha256'][:8]}(?=\\.[^./]*$|$)", "", row["file"]) if row["sha256"] else row["file"]
    )
    return row["file"], source, row["sha256"], outcome, row["processed_at"]


def _error(row: Mapping[str, str]) -> tuple[str, str]:
    """Return code and message, which one cell of the table holds."""
    code, separator, message = row.get("error", "").partition(": ")
    is_code = bool(separator) and row.get("status") != FileStatus.DUPLICATE
    return (code, message) if is_code else ("", row.get("error", ""))


def _number_lines(results: Path, file: str) -> str:
    """Return the lines of a table of numbers; one of an earlier release has no values."""
    _, path = tables.table_paths(results, file)
    rows = (tuple(row.get(name, "") for name in tables.NUMBERS) for row in _rows(path))
    return tables.encode(tables.NUMBERS, rows, header=False)


def _form_rows(results: Path) -> dict[str, list[forms.Row]]:
    """Return the rows of the tables of forms by file."""
    found: dict[str, list[forms.Row]] = {}
    for path in sorted((results / forms.FOLDER).glob("*.csv")):
        for row in _rows(path):
            found.setdefault(row["file"], []).append(forms.Row(path.stem, row))
    return found


def _corrections(shelf: Shelf, ledger: Ledger, restored: Restored) -> list[Correction]:
    """Return all corrections, oldest first; a file that was forgotten since is added, for they are never lost."""
    ids = {known.file: known.id for known in ledger.known(shelf.job)}
    rows = list(_rows(shelf.review / tables.ALL_CORRECTIONS))
    for file in dict.fromkeys(row["file"] for row in rows if row["file"] not in ids):
        restored.add(shelf.job, file, file, "", Outcome(""), "")
    ids = {known.file: known.id for known in ledger.known(shelf.job)}
    return [
        Correction(ids[r["file"]], r["review_id"], r["kind"], r["old"], r["new"], r["who"], r["at"])
        for r in rows
    ]


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of one of our tables; without the apostrophes that keep spreadsheets from running cells."""
    if not table.is_file():
        return
    with table.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            yield {name: tables.plain(cell) for name, cell in row.items()}


def _unknown(archive: Path, names: Set[str], contents: Set[str]) -> Iterator[str]:
    for path in files_in(archive):
        name = path.relative_to(archive).as_posix()
        if not (name in names or name.endswith(atomic.PARTIAL) or digest(path) in contents):
            yield name


def _put_aside(ledger: Path) -> None:
    """Rename a ledger, with the two files that SQLite may have left beside it."""
    stamp = now().replace(":", "")
    aside = ledger.with_name(f"{ledger.name}.before-{stamp}")
    for path, target in zip(files_of(ledger), files_of(aside), strict=True):
        if path.exists():
            path.replace(target)


def _remove(ledger: Path) -> None:
    for path in files_of(ledger):
        path.unlink(missing_ok=True)


def _restore_templates(shelf: Shelf, settings: Settings) -> None:
    """Put the templates back by which corrections of forms are checked."""
    for path in (shelf.results / kept.TEMPLATES).glob("*.yaml"):
        place = shelf.state / publish.TEMPLATES / path.name
        if not place.exists():
            atomic.copy(path, place)
    if settings.templates is not None:
        publish.keep_templates(shelf, load_folder(settings.templates))
