"""Files that are there whole or not at all, also after a power cut."""

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
    OutputError,
)

PARTIAL = ".partial"
"""Ends the name of a file that is still being written; it starts with a dot."""

PRIVATE = 0o700
"""Permissions of the state folder: what was read is no one else's business."""


def write(
    path: Path,
    content: bytes | Iterable[bytes],
    *,
    durable: bool = True,
    only_if: Callable[[], bool] = lambda: True,
) -> bool:
    """Put `content` under `path` in one step.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.
    content : bytes or iterable of bytes
        In parts where it is long.
    durable : bool
        Wait until the disk has it; not needed for what can be drawn again.
    only_if : callable
        Asked in the last moment.

    Returns
    -------
    bool
        Whether it was put there.

    Raises
    ------
    OutputError
        Where there is no space or no permission.
    NameRefusedError
        Where the system takes no file of this name.
    """
    partial = _partial(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with partial.open("xb") as stream:  # new: never through a link that someone put there
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
    except BaseException as error:  # also where its content could not be made
        _forget(partial)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def move(source: Path, target: Path) -> None:
    """Move a file, also to another file system; `target` must not be there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy_over(source, target)
            source.unlink()
        sync_folder(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from error


def copy(source: Path, target: Path) -> None:
    """Copy a file in one step; a link's content, not the link."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_over(source, target)
        sync_folder(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from error


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder where it is missing, with these permissions but for what the umask takes away."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror or error}") from error


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` last through a power cut, where the system can."""
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network shares cannot
            raise
    finally:
        os.close(descriptor)


_NAME_REFUSED = frozenset(
    {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENOTDIR, errno.EEXIST}
)


def cannot_write(path: Path, error: OSError) -> DigitocrError:
    """Say that `path` could not be written, and what to do about it."""
    if error.errno in _NAME_REFUSED:
        return NameRefusedError(f"no file can be written as {path.name[:80]}: {error.strerror or error}")
    hint = "make room and run again; nothing was lost" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return OutputError(f"cannot write {path}: {error.strerror or error}", hint=hint)


def _partial(path: Path) -> Path:
    """Name the file that becomes `path`; short, whatever the length of that name in bytes."""
    return path.with_name(f".{zlib.crc32(os.fsencode(path.name)):08x}.{os.getpid()}{PARTIAL}")


def _copy_over(source: Path, target: Path) -> None:
    partial = _partial(target)
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
