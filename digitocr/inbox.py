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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from digitocr import atomic
from digitocr.errors import BusyError, FileAccessError, OutputError
from digitocr.ledger import now

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

    def look(directory: Path, prefix: str) -> None:
        with os.scandir(directory) as found:
            children = sorted(found, key=lambda child: child.name)
        for child in children:
            path = Path(child.path)
            # tables are UTF-8, names of files need not be
            source = prefix + os.fsencode(child.name).decode("utf-8", "backslashreplace")
            if is_litter(child.name) or (is_inbox and source.casefold() == "readme.md"):
                continue
            if child.is_symlink() and not path.resolve().is_relative_to(root):
                left.append(path)
            elif child.is_dir(follow_symlinks=False):
                if path.resolve() not in out:
                    _unless_denied(partial(look, path, f"{source}/"), entries, path, source)
            elif child.is_symlink() and path.is_dir():
                continue  # its files are found where they are
            elif child.is_symlink() or child.is_file():
                entries.append(_entry(path, source))

    try:
        look(root, "")
    except OSError as error:
        raise FileAccessError(f"cannot look into {folder}: {error.strerror or error}") from None
    return sorted(entries, key=lambda entry: entry.source), left


def look_again(entry: Entry) -> Entry:
    """Return the entry as the file is now."""
    return _entry(entry.path, entry.source)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal.

    Raises
    ------
    FileAccessError
        Where it has vanished or may not be read.
    """
    try:
        with path.open("rb") as stream:
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
    for length in (8, 16, 64):
        other = path.with_name(f"{path.stem}~{sha256[:length]}{path.suffix}").as_posix()
        if is_free(other):
            return other
    raise OutputError(f"no free name is left for {name}")


def put_away(path: Path, folder: Path, file: str, sha256: str) -> Path:
    """Move a file that has been read to `folder`; can be repeated after a kill at any point.

    Returns
    -------
    Path
        Where it lies now: under `file`, or under a name made from its hash where other content has that.
    """
    target = folder / free_name(file, sha256, lambda name: _holds(folder / name, sha256))
    if target.exists():
        _remove(path)  # the same content is there already
    else:
        atomic.move(path, target)
    return target


def quarantine(
    path: Path, folder: Path, file: str, sha256: str, *, code: str, message: str, attempts: int
) -> Path:
    """Move a file that could not be read to `folder` with the reason beside it; can be repeated."""
    target = folder / free_name(file, sha256, lambda name: _holds(folder / name, sha256))
    reason = {
        "file": file,
        "sha256": sha256,
        "code": code,
        "message": message,
        "attempts": attempts,
        "at": now(),
    }
    text = json.dumps(reason, indent=2, ensure_ascii=False) + "\n"
    atomic.write(target.with_name(f"{target.name}.error.json"), text.encode())
    return put_away(path, folder, target.relative_to(folder).as_posix(), sha256)


@contextmanager
def only_runner(state: Path, inbox: Path | None, purpose: str) -> Iterator[None]:
    """Be the only runner of a state folder and, if given, of an inbox.

    Raises
    ------
    BusyError
        Where another process is, naming it.
    """
    card = state / "run.holder.json"
    with _hold(state / "run.lock", lambda: _busy(card, state)), _hold_folder(inbox, card, state):
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "purpose": purpose, "since": now()}
        atomic.write(card, (json.dumps(holder) + "\n").encode(), durable=False)
        try:
            yield
        finally:
            card.unlink(missing_ok=True)


@contextmanager
def _hold(path: Path, busy: Callable[[], BusyError]) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise busy() from None
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise atomic.cannot_write(path, error) from error


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


def _busy(card: Path, state: Path, inbox: Path | None = None) -> BusyError:
    who = "another process"
    try:
        holder = json.loads(card.read_text(encoding="utf-8")) if inbox is None else {}
        if holder:
            who = "{purpose} (process {pid} on {host}, since {since})".format_map(holder)
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


def _unless_denied(look: Callable[[], None], entries: list[Entry], path: Path, source: str) -> None:
    """Make a sub-folder that may not be listed one failed input; it does not end the run."""
    try:
        look()
    except FileNotFoundError:
        return
    except OSError:
        entries.append(Entry(path, source, -1, -1))


def _holds(target: Path, sha256: str) -> bool:
    """Tell whether `target` is free or has this very content."""
    if not os.path.lexists(target):
        return True
    try:
        return target.is_file() and digest(target) == sha256
    except FileAccessError:
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise atomic.cannot_write(path, error) from error
