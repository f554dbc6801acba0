"""What keeps an inbox in order: a look at how it stands, checks against the disk, second chances, retention."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import DigitocrError, FileAccessError, UsageError
from digitocr.inbox import folder as inbox
from digitocr.records import READ, FileStatus
from digitocr.results import forms, publish, tables
from digitocr.results.publish import known_shelf
from digitocr.settings import Settings
from digitocr.store.ledger import Known, Ledger, now

DAY = 86_400.0

_PUT_AWAY = READ | {FileStatus.DUPLICATE}


def matching(files: Iterable[Known], names: Sequence[str]) -> list[Known]:
    """Return files by their names in the tables or in the inbox; ``*`` stands for anything, no name for all.

    Raises
    ------
    UsageError
        Where a name fits no file.
    """
    files = list(files)
    if not names:
        return files
    found = [k for k in files if any(_fits(k, name) for name in names)]
    lost = [name for name in names if not any(_fits(k, name) for k in found)]
    if lost:
        raise UsageError(
            f"no such file in the ledger: {', '.join(lost)}", hint="`python -m digitocr ledger list`"
        )
    return found


def _fits(known: Known, name: str) -> bool:
    return fnmatchcase(known.file, name) or fnmatchcase(known.source, name)


# how it stands


@dataclass(frozen=True, slots=True)
class Standing:
    """How an inbox stands.

    Attributes
    ----------
    inbox : int
        Files that wait to be read.
    oldest : float
        Seconds for which the oldest of them has been there.
    review : int
        Digits and numbers that wait for a person.
    failed : int
        Files among the failed.
    files : dict of str to int
        Files in the ledger by the status of their last reading.
    runs : int
        Runs so far that had anything to do.
    last_run : dict
        Of the latest one: started, ended ('' where it was killed or still runs) and the keys of ``--json``.
    holder : dict
        Who runs now: pid, host, purpose, since; empty where no one does.
    free : dict of str to int
        Bytes left on the disk of each of our folders.
    """

    inbox: int
    oldest: float
    review: int
    failed: int
    files: dict[str, int]
    runs: int
    last_run: dict[str, Any]
    holder: dict[str, Any]
    free: dict[str, int]


def standing(settings: Settings, ledger: Ledger) -> Standing:
    """Look at everything; nothing is written."""
    s = settings
    waiting = inbox.scan(s.inbox, own=s.own_folders, is_inbox=True)[0] if s.inbox.is_dir() else []
    job = ledger.find_job(s.results)
    runs = ledger.runs(job) if job else []
    last = {"started": runs[0].started, "ended": runs[0].ended} | runs[0].summary if runs else {}
    return Standing(
        inbox=len(waiting),
        oldest=round(
            max((time.time() - e.mtime_ns / 1e9 for e in waiting if e.mtime_ns > 0), default=0.0), 1
        ),
        review=ledger.items.count_waiting(job) if job else 0,
        failed=len(_quarantined(s.failed)),
        files={status or "seen": n for status, n in sorted(ledger.statuses(job or 0).items())},
        runs=runs[0].id if runs else 0,
        last_run=last,
        holder=inbox.holder(s.state),
        free={f.as_posix(): shutil.disk_usage(f).free for f in s.own_folders if f.is_dir()},
    )


def write_metrics(path: Path, settings: Settings, ledger: Ledger) -> None:
    """Write how the inbox stands as a text file for Prometheus' node exporter."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    seen = standing(settings, ledger)

    def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"digitocr_{name}", text, value=value)

    class Collector:
        def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
            files = CounterMetricFamily("digitocr_files", "Files read, by outcome", labels=["status"])
            for status in FileStatus:
                files.add_metric([status.value], seen.files.get(status.value, 0))
            yield files
            yield CounterMetricFamily("digitocr_runs", "Runs that had anything to do", value=seen.runs)
            yield gauge("inbox_files", "Files that wait to be read", seen.inbox)
            yield gauge("inbox_oldest_seconds", "Age of the oldest of them", seen.oldest)
            yield gauge("review_waiting", "Digits and numbers that wait for a person", seen.review)
            yield gauge("quarantined_files", "Files among the failed", seen.failed)
            if seen.last_run.get("ended"):
                ended = datetime.fromisoformat(seen.last_run["ended"]).timestamp()
                yield gauge("last_run_end_timestamp_seconds", "End of the last run", ended)
                yield gauge("last_run_seconds", "How long it took", seen.last_run.get("seconds", 0.0))
            free = GaugeMetricFamily("digitocr_free_bytes", "Room on the disk of a folder", labels=["folder"])
            for folder, left in seen.free.items():
                free.add_metric([folder], left)
            yield free

    registry = CollectorRegistry()
    registry.register(Collector())
    atomic.write(path, generate_latest(registry), durable=False)


# the ledger against the disk


def verify(settings: Settings, ledger: Ledger) -> list[str]:
    """Hold the ledger against the disk; nothing is written.

    Returns
    -------
    list of str
        What does not agree, one line each; none where all does.
    """
    shelf = known_shelf(settings, ledger)
    job = shelf.job
    files = list(ledger.known(job))
    disk = _Disk(settings, frozenset(run.folder for run in ledger.runs(job)))
    found = [f"{k.file}: {what}" for k in files for what in _wrong_with(k, shelf, ledger, disk)]
    found += _wrong_tables(shelf, ledger, files)
    found += _strangers(settings, shelf, {k.file for k in files}, ledger.contents())
    return found


@dataclass
class _Disk:
    """Where originals may lie."""

    settings: Settings
    folders: frozenset[str]

    def has_original(self, known: Known) -> bool:
        s = self.settings
        places = [s.archive / known.file, s.failed / known.file, s.inbox / known.source]
        places += [Path(folder) / known.source for folder in self.folders]
        return any(self._is(place, known.sha256) for place in places) or known.sha256 in self._put_away

    @staticmethod
    def _is(path: Path, sha256: str) -> bool:
        try:
            return path.is_file() and inbox.digest(path) == sha256
        except FileAccessError:
            return False

    @cached_property
    def _put_away(self) -> set[str]:
        """Content of all files put away, for those that lie under another name."""
        folders = (self.settings.archive, self.settings.failed)
        return {inbox.digest(path) for folder in folders for path in _files(folder)}


def _wrong_with(known: Known, shelf: publish.Shelf, ledger: Ledger, disk: _Disk) -> Iterator[str]:
    if known.holder:
        yield f"was being read by {known.holder}, who did not finish"
    if known.status in READ:
        digits, numbers = tables.table_paths(shelf.results, known.file)
        if _text(numbers) != tables.encode(tables.NUMBERS, ()) + ledger.published.lines_of(known.id):
            yield f"{numbers.name} is missing or not what was read"
        if _rows(digits) != known.digits:
            yield f"{digits.name} is missing or has not its {known.digits} digits"
    if known.status in _PUT_AWAY or known.status == FileStatus.FAILED:
        days = disk.settings.keep_archive_days
        is_old = days is not None and known.processed_at < _before(days)
        if known.sha256 and not is_old and not disk.has_original(known):
            yield "the original is nowhere to be found"


def _wrong_tables(shelf: publish.Shelf, ledger: Ledger, files: Sequence[Known]) -> Iterator[str]:
    expected = {
        shelf.results / "files.csv": tables.encode(tables.FILES, publish.file_rows(files)),
        shelf.results / "numbers.csv": tables.encode(tables.NUMBERS, ())
        + "".join(ledger.published.number_lines(shelf.job)),
    }
    for form, rows in forms.gather(publish.form_rows(ledger, shelf.job)).items():
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


def _strangers(
    settings: Settings, shelf: publish.Shelf, names: set[str], contents: set[str]
) -> Iterator[str]:
    for path in _files(shelf.results):
        name = path.relative_to(shelf.results).as_posix()
        if name.startswith(".old/"):
            continue
        if name.endswith(atomic.PARTIAL):
            yield f"{path}: left behind by a kill; housekeeping removes it"
        elif name.endswith(".digits.csv") and name.removesuffix(".digits.csv") not in names:
            yield f"{path}: of a file that the ledger does not know"
    for path in _files(settings.archive):
        if not path.name.endswith(atomic.PARTIAL) and inbox.digest(path) not in contents:
            yield f"{path}: never read, or changed since"
    for path in _quarantined(settings.failed):
        if not inbox.reason_of(path).is_file():
            yield f"{path}: has no reason beside it"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _quarantined(failed: Path) -> list[Path]:
    """Return the files among the failed, without the reasons beside them."""
    return [p for p in _files(failed) if not p.name.endswith(atomic.PARTIAL) and not _is_reason(p)]


def _is_reason(path: Path) -> bool:
    """Tell a reason, be its file there or not, from a failed file that merely has such a name."""
    if not path.name.endswith(".error.json"):
        return False
    try:
        return {"file", "sha256", "code"} <= set(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return False


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, ValueError):
        return ""


def _rows(path: Path) -> int:
    return _text(path).count("\n") - 1  # no cell of that table but a name, and these have no line ends


# second chances


def retry(settings: Settings, ledger: Ledger, names: Sequence[str]) -> list[str]:
    """Have failed files read again by the next run, and put those back that were put away; can be repeated.

    Returns
    -------
    list of str
        The files.
    """
    job = known_shelf(settings, ledger).job
    lying = {path: inbox.digest(path) for path in _quarantined(settings.failed)}
    # what a kill left between the ledger and the disk has no failed status, but still lies there
    files = [k for k in ledger.known(job) if k.status == FileStatus.FAILED or k.sha256 in lying.values()]
    chosen = matching(files, names)
    with inbox.only_runner(settings.state, _inbox(settings), "putting failed files back"):
        for known in chosen:
            path = _lies_at(settings.failed / known.file, known.sha256, lying)
            if path is not None:
                _put_back(path, settings.inbox / known.source, partial(ledger.reopen, known.id))
                del lying[path]
            elif known.status == FileStatus.FAILED:
                ledger.reopen(known.id)
        for reason in _files(settings.failed):  # a kill may have come between a file and its reason
            if _is_reason(reason) and not reason.with_name(reason.name.removesuffix(".error.json")).exists():
                reason.unlink()
        if names:
            return [k.source for k in chosen]
        for path in lying:  # the ledger knows nothing of them
            _put_back(path, settings.inbox / path.relative_to(settings.failed), lambda: None)
    return [k.source for k in chosen] + [p.relative_to(settings.failed).as_posix() for p in lying]


def _lies_at(place: Path, sha256: str, lying: dict[Path, str]) -> Path | None:
    """Find a quarantined file by its name, or by its content where that name was taken."""
    if lying.get(place) == sha256:
        return place
    beside = (p for p, content in lying.items() if content == sha256 and f"~{sha256[:8]}" in p.name)
    return next(beside, None)


def _put_back(path: Path, target: Path, reopen: Callable[[], None]) -> None:
    if target.exists():
        raise UsageError(f"{target} is there already", hint="wait until that one is read, and try again")
    reopen()
    inbox.put_back(path, target)
    inbox.reason_of(path).unlink(missing_ok=True)


def forget(settings: Settings, ledger: Ledger, names: Sequence[str]) -> list[str]:
    """Forget files, so that they would be read as if for the first time; their tables move to ``.old``.

    What people said about them is kept.
    """
    shelf = known_shelf(settings, ledger)
    chosen = matching(ledger.known(shelf.job), names)
    with inbox.only_runner(settings.state, None, "forgetting files"), publish.writing(shelf):
        for known in chosen:
            tables.keep_old_tables(shelf.results, known.file, now().replace(":", ""))
            ledger.forget(known.id)
            for path in tables.table_paths(shelf.results, known.file):
                path.unlink(missing_ok=True)
        publish.publish(shelf, ledger)
    return [k.file for k in chosen]


def _inbox(settings: Settings) -> Path | None:
    return settings.inbox if settings.inbox.is_dir() else None


# retention


@dataclass
class Tidied:
    """What housekeeping removed: originals, crops, readings in the ledger, and leftovers of kills."""

    originals: int = 0
    crops: int = 0
    readings: int = 0
    leftovers: int = 0
    troubles: list[str] = field(default_factory=list)


def tidy(settings: Settings, ledger: Ledger) -> Tidied:
    """Remove what the settings let go, and what kills left behind; by default nothing else.

    A file with anything that waits for a person is kept whole, whatever its age. An original is deleted only
    if it is, by its content, the one that was read.
    """
    s, done = settings, Tidied()
    job = ledger.find_job(s.results)
    if job is None:
        return done
    with inbox.only_runner(s.state, _inbox(s), "housekeeping"):
        if s.keep_archive_days is not None:
            done.originals = _let_originals_go(
                s, ledger.known(job), _before(s.keep_archive_days), done.troubles
            )
        if s.keep_crops_days is not None:
            wanted = ledger.items.all_waiting()
            crops = [p for p in _files(s.review / "crops") if p.suffix == ".png" and p.stem not in wanted]
            done.crops = _remove_old(crops, s.keep_crops_days * DAY, done.troubles)
        if s.keep_ledger_days is not None:
            done.readings = ledger.settle(job, _before(s.keep_ledger_days))
            ledger.database.compact()
        left = [p for f in s.own_folders[:4] for p in _files(f) if p.name.endswith(atomic.PARTIAL)]
        done.leftovers = _remove_old(left, DAY, done.troubles)
    return done


def _let_originals_go(settings: Settings, files: Iterable[Known], before: str, troubles: list[str]) -> int:
    def let_go(known: Known) -> bool:
        path = settings.archive / known.file
        if known.status not in _PUT_AWAY or known.review or not "" < known.processed_at < before:
            return False
        if not path.is_file() or inbox.digest(path) != known.sha256:
            return False
        path.unlink()
        return True

    return sum(_unless_denied(partial(let_go, known), troubles) for known in files)


def _remove_old(paths: Iterable[Path], seconds: float, troubles: list[str]) -> int:
    def remove(path: Path) -> bool:
        if time.time() - path.stat().st_mtime < seconds:
            return False
        path.unlink(missing_ok=True)
        return True

    return sum(_unless_denied(partial(remove, path), troubles) for path in paths)


def _unless_denied(act: Callable[[], bool], troubles: list[str]) -> bool:
    try:
        return act()
    except (OSError, DigitocrError) as error:
        troubles.append(str(error))
        return False


def _before(days: float) -> str:
    at = datetime.now(UTC) - timedelta(days=days)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
