"""Where files of the inbox go: read ones to the archive, failed ones beside their reason; and back.

Nothing here overwrites or deletes other content, and all of it can be repeated after a kill at any point.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from digitocr import atomic
from digitocr.errors import FileAccessError, NameRefusedError, advice_on
from digitocr.inbox.names import free_name
from digitocr.inbox.scan import digest
from digitocr.store.ledger import now

_REASON = ".error.json"
_RETRY_HINT = "`python -m digitocr ledger retry` puts it back"


def put_away(path: Path, folder: Path, file: str, sha256: str) -> Path:
    """Move a file that was read to a folder.

    Parameters
    ----------
    path : Path
    folder : Path
        The archive.
    file : str
        Name of the file in the tables.
    sha256 : str
        Hash of the content that was read.

    Returns
    -------
    Path
        Where it lies now: under `file`, or under a name made from its hash if other content has that name.

    Raises
    ------
    FileAccessError
        If the file has other content by now; it stays where it was.
    NameRefusedError
        If no name is free.
    """
    return _move(path, _target(folder, file, sha256), sha256)


def quarantine(
    path: Path, folder: Path, file: str, sha256: str, *, code: str, message: str, attempts: int
) -> Path:
    """Move a file that could not be read to a folder, with the reason beside it.

    Parameters
    ----------
    path : Path
    folder : Path
        The folder of failed files.
    file : str
        Name of the file in the tables.
    sha256 : str
        Hash of the content that failed.
    code : str
        Code of the error.
    message : str
    attempts : int
        How many times it was tried.

    Returns
    -------
    Path
        Where it lies now.

    Raises
    ------
    FileAccessError
        If the file has other content by now; it stays where it was.
    NameRefusedError
        If no name is free.
    """
    target = _target(folder, file, sha256)
    hint = advice_on(code) or _RETRY_HINT
    reason = {
        "file": file,
        "sha256": sha256,
        "code": code,
        "message": message.removesuffix(f" ({hint})"),
        "hint": hint,
        "attempts": attempts,
        "time": now(),
    }
    text = json.dumps(reason, indent=2, ensure_ascii=False) + "\n"
    atomic.write(reason_of(target), text.encode())
    return _move(path, target, sha256)


def restore(path: Path, target: Path) -> None:
    """Move a file back to a place that must be free, such as one in the inbox.

    Parameters
    ----------
    path : Path
    target : Path

    Raises
    ------
    NameRefusedError
        If the place is taken.
    """
    if os.path.lexists(target):
        raise NameRefusedError(f"{target} is there already", hint="wait until that one is read")
    atomic.move(path, target)


def reason_of(path: Path) -> Path:
    """Return where the reason lies for which a file failed.

    Parameters
    ----------
    path : Path
        Of the failed file.

    Returns
    -------
    Path
    """
    return path.with_name(f"{path.name}{_REASON}")


def failed_file_of(path: Path) -> Path | None:
    """Return which failed file a file is the reason of; the failed file need not be there.

    Parameters
    ----------
    path : Path
        Any file among the failed.

    Returns
    -------
    Path or None
        None for a failed file, even one whose own name ends like that of a reason.
    """
    if not path.name.endswith(_REASON):
        return None
    try:
        is_reason = {"file", "sha256", "code"} <= set(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return path.with_name(path.name.removesuffix(_REASON)) if is_reason else None


def files_in(folder: Path) -> list[Path]:
    """List all files in a folder and its sub-folders.

    Parameters
    ----------
    folder : Path
        It may be missing.

    Returns
    -------
    list of Path
        Sorted.
    """
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def failed_files(folder: Path) -> list[Path]:
    """List the failed files, without their reasons.

    Parameters
    ----------
    folder : Path
        The folder of failed files.

    Returns
    -------
    list of Path
        Sorted.
    """
    whole = (path for path in files_in(folder) if not path.name.endswith(atomic.PARTIAL))
    return [path for path in whole if failed_file_of(path) is None]


def _target(folder: Path, file: str, sha256: str) -> Path:
    return folder / free_name(file, sha256, lambda name: _can_hold(folder, name, sha256))


def _can_hold(folder: Path, name: str, sha256: str) -> bool:
    """Tell whether a place is free or has this very content."""
    target = folder / name
    parents = [parent for parent in target.parents if parent.is_relative_to(folder)]
    if any(parent.exists() and not parent.is_dir() for parent in parents):
        return False
    if not os.path.lexists(target):
        return True
    try:
        return target.is_file() and digest(target) == sha256
    except FileAccessError:
        return False


def _move(path: Path, target: Path, sha256: str) -> Path:
    if target.exists():
        if not path.samefile(target):
            _remove(path, sha256)  # the same content is there already
    elif path.is_symlink():  # a link would lead nowhere once the inbox is empty
        atomic.copy(path, target)
        path.unlink(missing_ok=True)
    else:
        atomic.move(path, target)
    return target


def _remove(path: Path, sha256: str) -> None:
    if digest(path) != sha256:
        raise FileAccessError(f"{path.name} has other content by now", hint="the next run reads it")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise atomic.cannot_write(path, error) from error
