"""Reasons: why a file failed, in a small file beside it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from digitocr import atomic
from digitocr.errors import advice_on
from digitocr.store.ledger import now

_ENDING = ".error.json"
_RETRY_HINT = "`python -m digitocr ledger retry` puts it back"
_KEYS = frozenset({"file", "sha256", "code"})
"""By which a reason is told from other files."""

_MAX_BYTES = 65536
"""Longer files are no reasons."""


def write_reason(path: Path, file: str, sha256: str, *, code: str, message: str, attempts: int) -> None:
    """Write beside a file why it failed.

    Parameters
    ----------
    path : Path
        Of the failed file.
    file : str
        Its name in the tables.
    sha256 : str
        Hash of its content, '' if it has none.
    code : str
        Code of the error.
    message : str
    attempts : int
        How many times it was tried.

    Raises
    ------
    OutputError, NameRefusedError
    """
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
    atomic.write(reason_of(path), text.encode())


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
    return path.with_name(f"{path.name}{_ENDING}")


def failed_file_of(path: Path) -> Path | None:
    """Return which failed file a file is the reason of; the failed file need not be there.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    Path or None
        None for a file that is no reason, even if its name ends like that of one.
    """
    if not path.name.endswith(_ENDING):
        return None
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:
            return None
        is_reason = set(json.loads(path.read_text(encoding="utf-8"))) >= _KEYS
    except (OSError, ValueError, TypeError):
        return None
    return path.with_name(path.name.removesuffix(_ENDING)) if is_reason else None
