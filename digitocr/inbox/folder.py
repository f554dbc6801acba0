"""The input folder: what is in it that can be read, and where files go when they have been.

Only the inbox is emptied; any other folder is left as it was. Names in the archive and among the failed are
never taken from other content.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from digitocr import atomic
from digitocr.errors import BusyError, FileAccessError, NameRefusedError, OutputError, advice_on
from digitocr.store.ledger import now

_LITTER = re.compile(
    r"""
      \..*                                        # hidden, macOS' ._ twins, our own partial files
    | thumbs\.db | ehthumbs\.db | desktop\.ini | icon\r
    | ~\$.* | .*~                                 # open in an office program; an editor's backup
    | \#recycle | @eadir | \$recycle\.bin | system\ volume\ information | lost\+found | __macosx
    | .*\.(part|partial|filepart|crdownload|download|opdownload|tmp|temp|!ut|aria2|\d+\.upload)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Names that systems, network drives and half-finished transfers leave behind."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the input folder as it was when the folder was looked at.

    Attributes
    ----------
    path : Path
    source : str
        Relative to the folder, with ``/``.
    size, mtime_ns : int
        -1 where the file cannot be looked at.
    """

    path: Path
    source: str
    size: int
    mtime_ns: int


def is_litter(name: str) -> bool:
    """Tell whether a file or folder of this name is never input."""
    return _LITTER.fullmatch(name) is not None


def scan(folder: Path, *, own: Iterable[Path] = (), is_inbox: bool = False) -> tuple[list[Entry], list[Path]]:
    """Look for files to read.

    Parameters
    ----------
    folder : Path
    own : iterable of Path
        Folders that this program writes; where they lie within `folder` they are left out.
    is_inbox : bool
        The inbox's own README is not input.

    Returns
    -------
    entries : list of Entry
        In the order of their names.
    left : list of Path
        Links that lead out of the folder; they are not followed.

    Raises
    ------
    FileAccessError
        Where the folder itself cannot be listed.
    """
    root = folder.resolve()
    out = {path.resolve() for path in own} - {root}
    entries: list[Entry] = []
    left: list[Path] = []
    folders = [(root, "")]

    while folders:
        directory, prefix = folders.pop()
        try:
            with os.scandir(directory) as found:
                children = list(found)
        except OSError as error:
            if directory == root:
                raise FileAccessError(f"cannot look into {folder}: {error.strerror or error}") from None
            if not isinstance(error, FileNotFoundError):  # one failed input; it does not end the run
                entries.append(Entry(directory, prefix.rstrip("/"), -1, -1))
            continue
        for child in children:
            path = Path(child.path)
            source = prefix + printable(child.name)
            if is_litter(child.name) or (is_inbox and source.casefold() == "readme.md"):
                continue
            if child.is_symlink() and not _leads_into(path, root):
                left.append(path)
            elif child.is_dir(follow_symlinks=False):
                if path not in out:  # no link, so it is what it is called
                    folders.append((path, f"{source}/"))
            elif child.is_symlink() and path.is_dir():
                continue  # its files are found where they are
            elif child.is_symlink() or child.is_file():
                entries.append(_entry(path, source))
    return sorted(entries, key=lambda entry: entry.source), sorted(left)


def printable(name: str) -> str:
    r"""Return a name as it can be shown and written into tables.

    Names of files need not be Unicode, and may hold signs that move a terminal's cursor or turn text around.

    Examples
    --------
    >>> printable("scan\x1b[2J.jpg"), printable("naïve.jpg")
    ('scan\\x1b[2J.jpg', 'naïve.jpg')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def storable(source: str, sha256: str) -> str:
    """Return the source as tables and archive can be named by it.

    Examples
    --------
    >>> storable("b/scan.jpg", "1a2b3c4d" * 8)
    'b/scan.jpg'
    >>> storable("files.csv/scan.jpg", "1a2b3c4d" * 8)
    'files.csv~/scan.jpg'
    >>> len(storable("x" * 250 + ".jpg", "1a2b3c4d" * 8))
    193
    """
    *folders, name = source.split("/")
    if len(source.encode()) > _LONGEST_PATH:
        folders = [sha256]
    # a folder must not take the name of a table
    named = [_cut(f"{f}~" if f.casefold().endswith((".csv", ".jpg")) else f, sha256) for f in folders]
    return "/".join([*named, _cut(name, sha256)])


_LONGEST_PATH = 600
"""Bytes of a path to which our folders can be added on any system."""

_LONGEST = 200
"""Bytes of a name to which endings such as ``.annotated.jpg`` can be added on any system."""


def _cut(name: str, sha256: str) -> str:
    if len(name.encode()) <= _LONGEST:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    stem = name.removesuffix(suffix).encode()[:180].decode(errors="ignore")
    return f"{stem}~{sha256[:8]}{suffix}"


def look_again(entry: Entry) -> Entry:
    """Return the entry as the file is now."""
    return _entry(entry.path, entry.source)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal.

    Raises
    ------
    FileAccessError
        Where it has vanished, may not be read or is no regular file.
    """
    try:
        # what was a file may have become a pipe, on which opening would wait
        with open(path, "rb", opener=_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise FileAccessError(f"cannot read {path.name}: it is no regular file")
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        reason = (
            "it has vanished or is a link that leads nowhere" if isinstance(error, FileNotFoundError) else ""
        )
        raise FileAccessError(f"cannot read {path.name}: {reason or error.strerror or error}") from None


def free_name(name: str, sha256: str, is_free: Callable[[str], bool]) -> str:
    """Return `name`, or one made from it and the content's hash where other content has it.

    Examples
    --------
    >>> free_name("a/scan.jpg", "1a2b3c4d" * 8, {"a/other.jpg"}.isdisjoint)
    'a/scan.jpg'
    >>> free_name("a/scan.jpg", "1a2b3c4d" * 8, lambda name: name != "a/scan.jpg")
    'a/scan~1a2b3c4d.jpg'
    """
    if is_free(name):
        return name
    path = PurePosixPath(name)
    beside = [path.with_name(f"{path.stem}~{sha256[:n]}{path.suffix}").as_posix() for n in (8, 16, 64)]
    # where a file has the name of the folder
    apart = f"{sha256}/{path.name}"
    for other in (*beside, apart):
        if is_free(other):
            return other
    raise NameRefusedError(f"no free name is left for {name}")


def put_away(path: Path, folder: Path, file: str, sha256: str) -> Path:
    """Move a file that has been read to `folder`; can be repeated after a kill at any point.

    Returns
    -------
    Path
        Where it lies now: under `file`, or under a name made from its hash where other content has that.

    Raises
    ------
    FileAccessError
        Where it has other content by now; it is left where it was.
    """
    target = folder / free_name(file, sha256, lambda name: _holds(folder, name, sha256))
    if target.exists():
        if not path.samefile(target):
            _remove(path, sha256)  # the same content is there already
    elif path.is_symlink():  # a link would lead nowhere once the inbox is empty
        atomic.copy(path, target)
        path.unlink(missing_ok=True)
    else:
        atomic.move(path, target)
    return target


def put_back(path: Path, target: Path) -> None:
    """Move a file to a place that must be free, such as the inbox.

    Raises
    ------
    NameRefusedError
        Where it is not.
    """
    if os.path.lexists(target):
        raise NameRefusedError(f"{target} is there already", hint="wait until that one is read")
    atomic.move(path, target)


def quarantine(
    path: Path, folder: Path, file: str, sha256: str, *, code: str, message: str, attempts: int
) -> Path:
    """Move a file that could not be read to `folder` with the reason beside it; can be repeated."""
    target = folder / free_name(file, sha256, lambda name: _holds(folder, name, sha256))
    hint = advice_on(code) or "`python -m digitocr ledger retry` puts it back"
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
    return put_away(path, folder, target.relative_to(folder).as_posix(), sha256)


def reason_of(path: Path) -> Path:
    """Return where the reason lies why a file is among the failed."""
    return path.with_name(f"{path.name}.error.json")


@contextmanager
def only_runner(state: Path, inbox: Path | None, purpose: str) -> Iterator[None]:
    """Be the only runner of a state folder and, if given, of an inbox.

    Raises
    ------
    BusyError
        Where another process is, naming it.
    """
    card = state / "run.holder.json"
    atomic.make_folder(state, atomic.PRIVATE)
    with _hold(state / "run.lock", lambda: _busy(card, state)), _hold_folder(inbox, card, state):
        me = {"pid": os.getpid(), "host": socket.gethostname(), "purpose": purpose, "since": now()}
        atomic.write(card, (json.dumps(me) + "\n").encode(), durable=False)
        try:
            yield
        finally:
            with suppress(OSError):
                card.unlink(missing_ok=True)


@contextmanager
def _hold(path: Path, busy: Callable[[], BusyError]) -> Iterator[None]:
    try:
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout:
        raise busy() from None
    except OSError as error:
        raise OutputError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _hold_folder(folder: Path | None, card: Path, state: Path) -> Iterator[None]:
    """Lock a folder itself, which leaves no file in it; where the system cannot, the state's lock must do."""
    if folder is None or os.name == "nt":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(card, state, inbox=folder) from None
        yield
    finally:
        os.close(descriptor)


def holder(state: Path) -> dict[str, Any]:
    """Return who runs in a state folder: pid, host, purpose, since; empty where no one is known to."""
    try:
        found = dict(json.loads((state / "run.holder.json").read_text(encoding="utf-8")))
        if found["host"] == socket.gethostname():
            os.kill(int(found["pid"]), 0)  # a card may outlive its writer
    except PermissionError:  # of another user, and alive
        return found
    except (OSError, ValueError, KeyError):
        return {}
    return found


def _busy(card: Path, state: Path, inbox: Path | None = None) -> BusyError:
    who = "another process"
    try:
        found = json.loads(card.read_text(encoding="utf-8")) if inbox is None else {}
        if found:
            who = "{purpose} (process {pid} on {host}, since {since})".format_map(found)
    except (OSError, ValueError, KeyError):
        pass
    what = f"the inbox {inbox}" if inbox else f"the state folder {state}"
    return BusyError(f"{who} holds {what}", hint="wait for it to end, or give another folder its own --state")


def _entry(path: Path, source: str) -> Entry:
    try:
        seen = path.stat()
    except OSError:
        return Entry(path, source, -1, -1)
    return Entry(path, source, seen.st_size, seen.st_mtime_ns)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False


def _holds(folder: Path, name: str, sha256: str) -> bool:
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


def _remove(path: Path, sha256: str) -> None:
    if digest(path) != sha256:
        raise FileAccessError(f"{path.name} has other content by now", hint="the next run reads it")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise atomic.cannot_write(path, error) from error
