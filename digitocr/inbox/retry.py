"""Second chances: failed files are put back to be read again, and files are forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from digitocr.errors import UsageError
from digitocr.inbox import archive
from digitocr.inbox.archive import failed_files, files_in
from digitocr.inbox.lock import only_runner
from digitocr.inbox.reasons import failed_file_of, reason_of
from digitocr.inbox.scan import digest
from digitocr.records import FileStatus
from digitocr.results import kept, publish, tables
from digitocr.results.publish import known_shelf
from digitocr.settings import Settings
from digitocr.store.ledger import Known, Ledger, now


def matching(files: Iterable[Known], names: Sequence[str]) -> list[Known]:
    """Select files by their names in the tables or in the inbox.

    Parameters
    ----------
    files : iterable of Known
    names : sequence of str
        ``*`` stands for anything; no name selects all files.

    Returns
    -------
    list of Known

    Raises
    ------
    UsageError
        If a name fits no file.
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


def retry(settings: Settings, ledger: Ledger, names: Sequence[str]) -> list[str]:
    """Have failed files read again by the next run, and put those back that were taken out of the inbox.

    It can be repeated after a kill at any point.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger
    names : sequence of str
        As for :func:`matching`; without any, failed files that the ledger does not know are put back, too.

    Returns
    -------
    list of str
        Sources of the files.

    Raises
    ------
    UsageError
        If a name fits no failed file, or a place in the inbox is taken.
    BusyError
        If another process is the runner.
    """
    job = known_shelf(settings, ledger).job
    failed = {path: _content(path) for path in failed_files(settings.failed)}
    # after a kill between ledger and disk a file has no failed status any more, but still lies among the failed
    files = [k for k in ledger.known(job) if k.status == FileStatus.FAILED or k.sha256 in failed.values()]
    chosen = matching(files, names)
    with only_runner(settings.state, settings.inbox, "putting failed files back"):
        for known in chosen:
            path = _find(settings.failed / known.file, known.sha256, failed)
            if path is not None:
                _put_back(path, settings.inbox / known.source, partial(ledger.reopen, known.id))
                del failed[path]
            elif known.status == FileStatus.FAILED:
                ledger.reopen(known.id)
        _remove_lone_reasons(settings.failed)
        if names:
            return [k.source for k in chosen]
        unknown = [path.relative_to(settings.failed) for path in failed]
        for name in unknown:
            _put_back(settings.failed / name, settings.inbox / name, lambda: None)
    return [k.source for k in chosen] + [name.as_posix() for name in unknown]


def _content(path: Path) -> str:
    """Return the hash of a failed file: as its reason says, '' for one that has none."""
    reason = reason_of(path)
    if failed_file_of(reason) is None:
        return digest(path)
    return str(json.loads(reason.read_text(encoding="utf-8"))["sha256"])


def _find(place: Path, sha256: str, failed: Mapping[Path, str]) -> Path | None:
    """Find a failed file by its name, or by its content if that name was taken."""
    if failed.get(place) == sha256:
        return place
    beside = (path for path, content in failed.items() if content == sha256 and f"~{sha256[:8]}" in path.name)
    return next(beside, None)


def _put_back(path: Path, target: Path, reopen: Callable[[], None]) -> None:
    if target.exists():
        raise UsageError(f"{target} is there already", hint="wait until that one is read, and try again")
    reopen()
    archive.restore(path, target)
    reason_of(path).unlink(missing_ok=True)


def _remove_lone_reasons(failed: Path) -> None:
    """Remove reasons without their files: a kill may have come between the two."""
    for path in files_in(failed):
        file = failed_file_of(path)
        if file is not None and not file.exists():
            path.unlink()


def forget(settings: Settings, ledger: Ledger, names: Sequence[str]) -> list[str]:
    """Forget files, so that they would be read as if for the first time; their tables move to ``.old``.

    What people said about them is kept.

    Parameters
    ----------
    settings : Settings
    ledger : Ledger
    names : sequence of str
        As for :func:`matching`.

    Returns
    -------
    list of str
        Names of the files in the tables.

    Raises
    ------
    UsageError
        If a name fits no file.
    BusyError
        If another process is the runner.
    """
    shelf = known_shelf(settings, ledger)
    chosen = matching(ledger.known(shelf.job), names)
    with only_runner(settings.state, None, "forgetting files"), publish.writing(shelf):
        for known in chosen:
            tables.keep_old_tables(shelf.results, known.file, now().replace(":", ""))
            ledger.forget(known.id)
            for path in tables.table_paths(shelf.results, known.file):
                path.unlink(missing_ok=True)
            kept.drop(shelf.results, known.file)
        publish.publish(shelf, ledger)
    return [k.file for k in chosen]
