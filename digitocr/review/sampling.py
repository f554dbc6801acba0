"""Shares drawn by chance, of numbers and of digits."""

from __future__ import annotations

import hashlib

_SCALE = 1 << 64


def drawn(identity: str, purpose: str, share: float) -> bool:
    """Tell whether one of many is in a share drawn by chance: always the same ones, a larger share holds every smaller.

    Parameters
    ----------
    identity : str
        Names the number.
    purpose : str
        Makes the draws of different purposes independent.
    share : float
        In [0, 1].

    Returns
    -------
    bool

    Examples
    --------
    >>> drawn("r0123", "audit", 0.0), drawn("r0123", "audit", 1.0)
    (False, True)
    """
    place = int.from_bytes(hashlib.sha256(f"{purpose}:{identity}".encode()).digest()[:8], "big")
    return place < share * _SCALE
