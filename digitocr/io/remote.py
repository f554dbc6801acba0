"""Objects in stores that fsspec reaches by URL, as files to read; nothing is ever written there.

Keys and passwords are where the drivers look for them: in the environment, in files of their own, or given by the
machine; never in the URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from digitocr.errors import DigitocrError, FileAccessError, UsageError

_EXTRAS = {"s3": "s3", "gs": "gs", "az": "az", "memory": ""}
"""What is to be installed for each kind of store."""

_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
_ETAGS = ("ETag", "etag")
"""What the drivers call when an object was last changed, and what stands for its content."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was when it was looked at.

    Attributes
    ----------
    name : str
        Below the URL that was listed, with ``/``.
    size : int
        In bytes.
    mtime_ns : int
        When it was last changed, in nanoseconds since 1970; 0 if the store does not say.
    etag : str
        Another content has another one; '' if the store has none.
    """

    name: str
    size: int
    mtime_ns: int
    etag: str


def is_url(text: str) -> bool:
    """Tell whether a text is a URL, not the path of a folder.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_url("s3://scans/monday"), is_url("C:/scans")
    (True, False)
    """
    return "://" in text


def below(place: Path | str, name: str) -> Path | str:
    """Return what lies below a folder or a URL.

    Parameters
    ----------
    place : Path or str
    name : str
        With ``/``.

    Returns
    -------
    Path or str

    Examples
    --------
    >>> below("s3://scans/monday/", "a.jpg")
    's3://scans/monday/a.jpg'
    """
    return f"{place.rstrip('/')}/{name}" if isinstance(place, str) else place / name


def check(url: str) -> None:
    """Check that there is a driver for a URL.

    Parameters
    ----------
    url : str

    Raises
    ------
    UsageError
        If there is none.
    FileAccessError
        If the driver cannot start.
    """
    with _named_errors(url):
        _store_of(url)


def listed(url: str) -> Iterator[Stored]:
    """Yield all objects below a URL, in no order.

    Parameters
    ----------
    url : str

    Yields
    ------
    Stored

    Raises
    ------
    UsageError
        If there is no driver for it.
    FileAccessError
        If it cannot be listed, or nothing is there.
    """
    with _named_errors(url):
        store, root = _store_of(url)
        found = store.find(root, detail=True)
        if not found and not store.exists(root):
            raise FileAccessError(f"nothing is at {url}")
        for path, info in found.items():
            name = path.removeprefix(root).removeprefix("/")
            if name and not name.endswith("/"):
                yield _stored(name, info)


def look(url: str) -> Stored:
    """Look at one object.

    Parameters
    ----------
    url : str

    Returns
    -------
    Stored

    Raises
    ------
    UsageError, FileAccessError
    """
    with _named_errors(url):
        store, path = _store_of(url)
        return _stored("", store.info(path))


def is_there(url: str) -> bool:
    """Tell whether a store can be reached and has anything below a URL.

    Parameters
    ----------
    url : str

    Returns
    -------
    bool
    """
    try:
        with _named_errors(url):
            store, path = _store_of(url)
            return bool(store.exists(path))
    except DigitocrError:
        return False


@contextmanager
def opened(url: str) -> Iterator[BufferedIOBase]:
    """Open an object.

    Parameters
    ----------
    url : str

    Yields
    ------
    BufferedIOBase

    Raises
    ------
    UsageError, FileAccessError
    """
    with _named_errors(url):
        store, path = _store_of(url)
        with store.open(path, "rb") as stream:
            yield stream


def _store_of(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    scheme = url.partition("://")[0]
    if scheme not in _EXTRAS:
        raise UsageError(f"{url} cannot be read", hint="a folder's URL begins with s3://, gs:// or az://")
    try:
        # what a listing said may be out of date at the next
        store, path = url_to_fs(url, use_listings_cache=False)
    except ImportError:
        raise UsageError(
            f"the driver for {scheme}:// is not installed", hint=f"pip install 'digitocr[{_EXTRAS[scheme]}]'"
        ) from None
    return store, str(path)


def _stored(name: str, info: dict[str, Any]) -> Stored:
    if info["type"] == "directory":
        raise FileNotFoundError
    changed = next((info[key] for key in _TIMES if info.get(key)), None)
    etag = next((str(info[key]) for key in _ETAGS if info.get(key)), "")
    # beside an etag, parts of a second say nothing, and some stores give them in listings only
    return Stored(name, int(info["size"] or 0), _ns(changed, 1 if etag else 1e6), etag.strip('"'))


def _ns(at: datetime | str | float | None, parts: float) -> int:
    """Return a time, as the drivers give it, in nanoseconds since 1970, but no finer than such parts of a second."""
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    seconds = at.timestamp() if isinstance(at, datetime) else at or 0
    return round(int(seconds * parts) / parts * 1e9)


@contextmanager
def _named_errors(url: str) -> Iterator[None]:
    """Turn any exception of a driver into one of ours: each has its own.

    Raises
    ------
    DigitocrError
        The exception itself, if it is one of ours.
    FileAccessError
        For any other.
    """
    try:
        yield
    except DigitocrError:
        raise
    except FileNotFoundError:
        raise FileAccessError(f"cannot read {url}: it is not there") from None
    except Exception as error:
        raise FileAccessError(f"cannot read {url}: {error or type(error).__name__}") from None
