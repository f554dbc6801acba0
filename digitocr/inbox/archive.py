"""Where files of the inbox go: read ones to the archive, failed ones beside their reason; and back.

Nothing here overwrites or deletes other content, and all of it can be repeated after a kill at any point.
"""

from __future__ import annotations

import os
from pathlib import Path

from digitocr import atomic
from digitocr.errors import (
    FileAccessError,
    NameRefusedError,
    NotMovedError,
    ReplacedError,
)
from digitocr.inbox import names, scan
from digitocr.inbox.reasons import failed_file_of, reason_of, write_reason
from digitocr.inbox.scan import digest


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
    ReplacedError
        If the file has other content by now; it stays where it was.
    NameRefusedError, NotMovedError
    """
    target = folder / names.free_name(file, sha256, lambda name: _can_hold(folder, name, sha256))
    return _move(path, target, sha256)


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
        Hash of the content that failed; '' if it has none.
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
    ReplacedError
        If the file has other content by now; it stays where it was.
    NameRefusedError, NotMovedError
    OutputError
        If the reason cannot be written.
    """
    found = scan.look_at(path, file)
    content = sha256 or names.stand_in(file, found.size, found.mtime_ns)
    target = folder / names.free_name(file, content, lambda name: _can_hold_with_reason(folder, name, sha256))
    write_reason(target, file, sha256, code=code, message=message, attempts=attempts)
    try:
        return _move(path, target, sha256)
    finally:
        if not target.exists():
            reason_of(target).unlink(missing_ok=True)


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
    NotMovedError
    """
    if os.path.lexists(target):
        raise NameRefusedError(f"{target} is there already", hint="wait until that one is read")
    atomic.move(path, target)


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


def _can_hold(folder: Path, name: str, sha256: str) -> bool:
    """Tell whether a place is free or has this very content."""
    target = folder / name
    parents = [parent for parent in target.parents if parent.is_relative_to(folder)]
    if any(parent.exists() and not parent.is_dir() for parent in parents):
        return False
    if not os.path.lexists(target):
        return True
    try:
        return bool(sha256) and target.is_file() and digest(target) == sha256
    except FileAccessError:
        return False


def _can_hold_with_reason(folder: Path, name: str, sha256: str) -> bool:
    """Tell whether a place is free or has this very content, and its reason would overwrite nothing else."""
    reason = reason_of(folder / name)
    is_free = not os.path.lexists(reason) or failed_file_of(reason) is not None
    return is_free and _can_hold(folder, name, sha256)


def _move(path: Path, target: Path, sha256: str) -> Path:
    if target.exists():
        if not path.samefile(target):
            _remove(path, sha256)  # the same content is there already
    elif path.is_symlink():  # a link would lead nowhere once the inbox is empty
        atomic.copy(path, target)
        _unlink(path)
    else:
        atomic.move(path, target)
    return target


def _remove(path: Path, sha256: str) -> None:
    if digest(path) != sha256:
        raise ReplacedError(f"{path.name} has other content by now")
    _unlink(path)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise NotMovedError(f"cannot remove {path}: {error.strerror or error}") from error
