"""The input folder: which files in it are to be read, and how each was when it was looked at."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from digitocr.errors import FileAccessError
from digitocr.inbox.names import is_litter, printable
from digitocr.inbox.reasons import failed_file_of
from digitocr.io import remote
from digitocr.io.remote import Stored

_NO_NAMES = ("", ".", "..")
"""Parts of an object's name that lead elsewhere in a path."""

_FIRST = "\0"
"""It comes before any source."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the input folder as it was when the folder was looked at.

    Attributes
    ----------
    path : Path or str
        A str is the URL of an object in a store.
    source : str
        Path relative to the folder, with ``/``, as it can be shown.
    size : int
        Bytes; -1 if the file cannot be looked at.
    mtime_ns : int
        When it was last modified, in nanoseconds since 1970; -1 if the file cannot be looked at.
    is_folder : bool
        It is a folder that cannot be looked into.
    etag : str
        What a store says of the content of an object; '' for files.
    """

    path: Path | str
    source: str
    size: int
    mtime_ns: int
    is_folder: bool = False
    etag: str = ""


def scan(
    folder: Path | str, *, own: Iterable[Path] = (), is_inbox: bool = False
) -> tuple[list[FoundFile], list[Path]]:
    """Look for files to read, in a folder and its sub-folders.

    Parameters
    ----------
    folder : Path or str
        A str is a URL.
    own : iterable of Path
        Folders that the program writes to; those within `folder` are left out.
    is_inbox : bool
        The README of the inbox is not input.

    Returns
    -------
    files : list of FoundFile
        Sorted by source.
    left : list of Path
        Links that lead out of the folder; they are not followed.

    Raises
    ------
    FileAccessError
        If the folder itself cannot be listed.
    """
    left: list[Path] = []
    files = sorted(walk(folder, left.append, own=own, is_inbox=is_inbox), key=lambda found: found.source)
    return files, sorted(left)


def walk(
    folder: Path | str, leave: Callable[[Path], None], *, own: Iterable[Path] = (), is_inbox: bool = False
) -> Iterator[FoundFile]:
    """Look for files to read as :func:`scan` does, one by one, in no order.

    Parameters
    ----------
    folder : Path or str
    leave : callable
        Is told of the links that lead out of the folder.
    own : iterable of Path
    is_inbox : bool

    Yields
    ------
    FoundFile

    Raises
    ------
    FileAccessError
        If the folder itself cannot be listed.
    """
    if isinstance(folder, str):
        yield from _objects(folder)
        return
    root = folder.resolve()
    out = {path.resolve() for path in own} - {root}
    folders = [(root, "")]

    while folders:
        directory, prefix = folders.pop()
        for child in _listed(directory):
            if isinstance(child, OSError):
                if directory == root:
                    raise FileAccessError(f"cannot look into {folder}: {child.strerror or child}") from None
                if not isinstance(child, FileNotFoundError):  # one failed input; it does not end the run
                    yield FoundFile(directory, prefix.rstrip("/"), -1, -1, is_folder=True)
                continue
            path = Path(child.path)
            source = prefix + printable(child.name)
            if is_litter(child.name) or (is_inbox and source.casefold() == "readme.md"):
                continue
            match _kind(child, root):
                case _Kind.FOLDER if path not in out:  # `path` is resolved: the root is, and this is no link
                    folders.append((path, f"{source}/"))
                case _Kind.FILE if failed_file_of(path) is None:
                    yield look_at(path, source)
                case _Kind.LEADS_OUT:
                    leave(path)


def _listed(directory: Path) -> Iterator[os.DirEntry[str] | OSError]:
    """Yield what lies in a folder as it is listed, not all at once; at last the error, if one ends that."""
    try:
        with os.scandir(directory) as children:
            yield from children
    except OSError as error:
        yield error


def _objects(url: str) -> Iterator[FoundFile]:
    for stored in remote.listed(url):
        parts = stored.name.split("/")
        if not any(is_litter(part) for part in parts if part not in _NO_NAMES):
            source = "/".join(f"~{part}" if part in _NO_NAMES else printable(part) for part in parts)
            yield _found(str(remote.below(url, stored.name)), source, stored)


def _found(url: str, source: str, stored: Stored) -> FoundFile:
    return FoundFile(url, source, stored.size, stored.mtime_ns, etag=stored.etag)


class _Kind(Enum):
    FOLDER = auto()
    FILE = auto()
    LEADS_OUT = auto()
    """A link that leads out of the folder."""
    NEITHER = auto()
    """A pipe, a device, or a link to a folder, whose files are found where they lie."""


def _kind(child: os.DirEntry[str], root: Path) -> _Kind:
    try:
        if child.is_symlink():
            if not _leads_into(Path(child.path), root):
                return _Kind.LEADS_OUT
            return _Kind.NEITHER if child.is_dir() else _Kind.FILE
        if child.is_dir():
            return _Kind.FOLDER
        return _Kind.FILE if child.is_file() else _Kind.NEITHER
    except OSError:  # out of reach, which the run finds out and tells
        return _Kind.FILE


def turn(found: FoundFile, *, is_inbox: bool) -> str:
    """Return by what files are sorted in which a run settles them: their sources, but in the inbox, links come first.

    Once the target of a link was moved out of the inbox, the link leads nowhere.

    Parameters
    ----------
    found : FoundFile
    is_inbox : bool

    Returns
    -------
    str
    """
    is_first = is_inbox and os.path.islink(found.path)  # noqa: PTH114 - False, too, for one out of reach
    return f"{_FIRST}{found.source}" if is_first else found.source


def look_at(path: Path | str, source: str) -> FoundFile:
    """Look at one file.

    Parameters
    ----------
    path : Path or str
    source : str
        Path relative to the input folder, with ``/``.

    Returns
    -------
    FoundFile
    """
    try:
        if isinstance(path, str):
            return _found(path, source, remote.look(path))
        seen = path.stat()
    except (OSError, FileAccessError):
        return FoundFile(path, source, -1, -1)
    return FoundFile(path, source, seen.st_size, seen.st_mtime_ns)


def look_again(found: FoundFile) -> FoundFile:
    """Look at a file again.

    Parameters
    ----------
    found : FoundFile

    Returns
    -------
    FoundFile
        Equal to `found` if size and time are the same.
    """
    return look_at(found.path, found.source)


def identity(folder: Path | str) -> tuple[int, int] | None:
    """Return what tells a folder from another that takes its place, such as the mount point of a share that went away.

    Parameters
    ----------
    folder : Path or str

    Returns
    -------
    tuple of int or None
        None if it cannot be looked at. Nothing takes the place of a URL.
    """
    if isinstance(folder, str):
        return (0, 0) if remote.is_there(folder) else None
    try:
        seen = folder.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def is_away(folder: Path | str, was: tuple[int, int] | None) -> bool:
    """Tell whether a folder is no longer the one in which files were found.

    Parameters
    ----------
    folder : Path or str
    was : tuple of int or None
        Its :func:`identity` then.

    Returns
    -------
    bool
    """
    return identity(folder) != was


def digest(path: Path | str) -> str:
    """Hash the content of a file.

    Parameters
    ----------
    path : Path or str

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Raises
    ------
    FileAccessError
        If the file has vanished, may not be read or is no regular file.
    """
    if isinstance(path, str):
        with remote.opened(path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        # the file may have become a pipe, and opening a pipe would wait
        with open(path, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise FileAccessError(f"cannot read {path.name}: it is no regular file")
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        why = "it has vanished or is a link that leads nowhere"
        raise FileAccessError(f"cannot read {path.name}: {why}") from None
    except OSError as error:
        raise FileAccessError(f"cannot read {path.name}: {error.strerror or error}") from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False
