"""Names of files: which are never input, how one is shown, and which one a file has in tables and archive."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from itertools import chain, count
from pathlib import PurePosixPath

_LITTER = re.compile(
    r"""
    # hidden: .Trash-1000, .Trashes, .stfolder (Syncthing), .sync (Resilio), .snapshot (NetApp), .zfs (TrueNAS),
    # .recycle (Samba), .@__thumb (QNAP), macOS' ._ twins, our own partial files
      \..*
    # Windows: Explorer; the root of each drive
    | thumbs\.db | ehthumbs(_vista)?\.db | desktop\.ini
    | \$recycle\.bin | recycler | recycled | system\ volume\ information | found\.\d{3}
    # macOS, and servers for it
    | icon\r | __macosx | network\ trash\ folder | temporary\ items
    # Linux: the root of each disk
    | lost\+found | aquota\.(user|group)
    # Synology DSM; QNAP QTS; NetApp ONTAP; earlier versions as Samba shows them
    | \#recycle | \#snapshot | @eadir | @tmp | @sharebin | @sharesnap | @syno.*
    | @recycle | @recently-snapshot
    | ~snapshot
    | @gmt-\d[\d.-]*
    # open in an office program; an editor's backup; Picasa; texts about a folder
    | ~\$.* | .*~ | picasa\.ini | readme(\.txt)?
    # unfinished transfers
    | .*\.(part|partial|filepart|crdownload|crswap|download|opdownload|dtapart|tmp|temp|!ut|!qb|!sync|bts|aria2)
    | .*\.\d+\.upload
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Names that systems, network drives and unfinished transfers leave behind."""

_MAX_PATH_BYTES = 600
"""Longest path to which our folders can be added on any system."""

_MAX_NAME_BYTES = 200
"""Longest name to which endings such as ``.annotated.jpg`` can be added on any system."""

_MAX_STEM_BYTES = 180
_MAX_SUFFIX_BYTES = 16


def is_litter(name: str) -> bool:
    """Tell whether a file or folder of this name is never input.

    Parameters
    ----------
    name : str
        Without its folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_litter("Thumbs.db"), is_litter("scan.jpg.part"), is_litter("scan.jpg")
    (True, True, False)
    """
    return _LITTER.fullmatch(name) is not None


def printable(name: str) -> str:
    r"""Return a name as it can be shown and written into tables.

    File names need not be Unicode, and may hold characters that move a terminal's cursor or reverse text.

    Parameters
    ----------
    name : str
        As the operating system returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> printable("scan\x1b[2J.jpg"), printable("naïve.jpg")
    ('scan\\x1b[2J.jpg', 'naïve.jpg')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def storable(source: str, sha256: str) -> str:
    """Return the name of a file in tables and archive, if no other file has it.

    Parameters
    ----------
    source : str
        Path relative to the input folder, with ``/``.
    sha256 : str
        Hash of the content; it stands in for what is cut off a name that is too long.

    Returns
    -------
    str

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
    if len(source.encode()) > _MAX_PATH_BYTES:
        folders = [sha256]
    # a folder must not take the name of a table
    named = [_cut(f"{f}~" if f.casefold().endswith((".csv", ".jpg")) else f, sha256) for f in folders]
    return "/".join([*named, _cut(name, sha256)])


def _cut(name: str, sha256: str) -> str:
    if len(name.encode()) <= _MAX_NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= _MAX_SUFFIX_BYTES else ""
    stem = name.removesuffix(suffix).encode()[:_MAX_STEM_BYTES].decode(errors="ignore")
    return f"{stem}~{sha256[:8]}{suffix}"


def free_name(name: str, sha256: str, is_free: Callable[[str], bool]) -> str:
    """Return `name`, or one made from it and the hash if other content has it; some name is always free.

    Parameters
    ----------
    name : str
        Relative, with ``/``.
    sha256 : str
        Hash of the content.
    is_free : callable
        Whether a name can be taken.

    Returns
    -------
    str

    Examples
    --------
    >>> free_name("a/scan.jpg", "1a2b3c4d" * 8, {"a/other.jpg"}.isdisjoint)
    'a/scan.jpg'
    >>> free_name("a/scan.jpg", "1a2b3c4d" * 8, lambda name: name != "a/scan.jpg")
    'a/scan~1a2b3c4d.jpg'
    """
    path = PurePosixPath(name)
    beside = [path.with_name(f"{path.stem}~{sha256[:n]}{path.suffix}").as_posix() for n in (8, 16, 64)]
    apart = (
        f"{sha256}{f'-{n}' if n else ''}/{path.name}" for n in count()
    )  # a file may have the name of its folder
    return next(candidate for candidate in chain((name, *beside), apart) if is_free(candidate))


def stand_in(source: str, size: int, mtime_ns: int) -> str:
    """Return what stands in names for the hash of a file that cannot be hashed.

    Parameters
    ----------
    source : str
        Path relative to the input folder, with ``/``.
    size : int
        In bytes.
    mtime_ns : int
        When it was last modified, in nanoseconds since 1970.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(f"{source}:{size}:{mtime_ns}".encode()).hexdigest()
