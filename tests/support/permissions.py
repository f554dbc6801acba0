"""Permissions as they are for a user: the superuser, whom many containers run tests as, is held back by none."""

import ctypes
import os
from contextlib import contextmanager

_OVERRIDE, _READ_SEARCH = 1 << 1, 1 << 2  # of linux/capability.h
_VERSION_3 = 0x20080522


@contextmanager
def enforced():
    """Have permissions hold for this thread, and for those that it starts."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    before = held[0]
    held[0] &= ~(_OVERRIDE | _READ_SEARCH)
    assert libc.capset(header, held) == 0
    try:
        yield
    finally:
        held[0] = before
        assert libc.capset(header, held) == 0
