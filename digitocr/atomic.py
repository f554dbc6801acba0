"""Atomic writes: a file exists in full or not at all, even after a power failure."""

from __future__ import annotations

import errno
import os
import shutil
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from digitocr.errors import (
    DigitocrError,
    NameRefusedError,
    NotMovedError,
    OutputError,
)

PARTIAL = ".partial"
"""Suffix of files that are still being written; their names start with a dot."""

PRIVATE = 0o700
"""Permissions of the state folder: only its owner may see what was read."""


def write(
    path: Path,
    content: bytes | Iterable[bytes],
    *,
    durable: bool = True,
    only_if: Callable[[], bool] = lambda: True,
) -> bool:
    """Write a file in one step, replacing an older one.

    Parameters
    ----------
    path : Path
        Missing folders are made.
    content : bytes or iterable of bytes
        Long content can come in parts.
    durable : bool
        Wait until the content is on the disk; not needed for files that can be made again.
    only_if : callable
        Called when all is ready to replace `path`; False leaves it as it was.

    Returns
    -------
    bool
        Whether the file was written.

    Raises
    ------
    OutputError
        If there is no space or no permission.
    NameRefusedError
        If the system refuses the name.
    """
    partial = partial_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with partial.open("xb") as stream:  # exclusive: never through a planted link
            stream.writelines([content] if isinstance(content, bytes) else content)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        if not only_if():
            partial.unlink()
            return False
        partial.replace(path)
        if durable:
            sync_folder(path.parent)
        return True
    except BaseException as error:  # also if the content could not be made
        _forget(partial)
        if isinstance(error, OSError):
            refused = cannot_write(path, error)
            raise refused from error
        raise


def move(source: Path, target: Path) -> None:
    """Move a file, also to another file system.

    Parameters
    ----------
    source : Path
    target : Path
        Must not exist; missing folders are made.

    Raises
    ------
    NotMovedError
        If there is no space or no permission.
    NameRefusedError
        If the system refuses the name of `target`.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _rename(source, target)
        sync_folder(target.parent)
    except OSError as error:
        refused = _cannot_move(source, target, error)
        raise refused from error


def copy(source: Path, target: Path) -> None:
    """Copy a file in one step. Of a link the content is copied, not the link.

    Parameters
    ----------
    source : Path
    target : Path
        Missing folders are made.

    Raises
    ------
    OutputError, NameRefusedError
        If `target` cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_over(source, target)
        sync_folder(target.parent)
    except OSError as error:
        refused = cannot_write(target, error)
        raise refused from error


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, unless it exists.

    Parameters
    ----------
    folder : Path
    mode : int
        Permissions before the umask.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error


def stamp(path: Path) -> tuple[int, ...]:
    """Tell a file from any other that was or will be under its name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of int
        Empty if there is none.
    """
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def can_write_in(folder: Path) -> bool:
    """Tell whether this process may make and rename files in a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    bool
    """
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power failure, if the file system can.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OSError
        If the disk reports an error.
    """
    if os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network shares cannot sync
            raise
    finally:
        os.close(descriptor)


_NAME_REFUSED = frozenset(
    {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENOTDIR, errno.EEXIST}
)


def cannot_write(path: Path, error: OSError) -> DigitocrError:
    """Return the error to raise when a file could not be written.

    Parameters
    ----------
    path : Path
    error : OSError

    Returns
    -------
    NameRefusedError or OutputError
        The former if only this file's name is at fault.
    """
    if error.errno in _NAME_REFUSED:
        return NameRefusedError(f"the system refuses the name {path.name[:80]}: {error.strerror or error}")
    hint = "make room and run again; nothing was lost" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return OutputError(f"cannot write {path}: {error.strerror or error}", hint=hint)


def _cannot_move(source: Path, target: Path, error: OSError) -> DigitocrError:
    if error.errno in _NAME_REFUSED:
        return cannot_write(target, error)
    return NotMovedError(f"cannot move {source} to {target.parent}: {error.strerror or error}")


def partial_path(path: Path) -> Path:
    """Return the name under which a file is written until it is whole; short even if the file's own name is long.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Path
        In the same folder.
    """
    return path.with_name(f".{zlib.crc32(os.fsencode(path.name)):08x}.{os.getpid()}{PARTIAL}")


def _rename(source: Path, target: Path) -> None:
    """Rename a file; across file systems, copy it and delete the source.

    Raises
    ------
    OSError
        If that fails.
    """
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if source.stat().st_size > shutil.disk_usage(target.parent).free:  # others write there meanwhile
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
        _copy_over(source, target)
        source.unlink()


def _copy_over(source: Path, target: Path) -> None:
    partial = partial_path(target)
    try:
        partial.unlink(missing_ok=True)
        shutil.copy2(source, partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(target)
    except OSError:
        _forget(partial)
        raise


def _forget(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:
        return
