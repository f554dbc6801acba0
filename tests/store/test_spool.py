import tracemalloc

import pytest

from digitocr.errors import OutputError
from digitocr.store.spool import Spool


def test_items_come_back_by_key_and_those_of_one_key_as_they_came():
    spool = Spool()
    for key, item in (("b", 1), ("é", 2), ("a/x", 3), ("a-x", 4), ("b", 5)):
        spool.add(key, item)
    assert list(spool) == [4, 3, 1, 5, 2]
    assert list(spool) == [4, 3, 1, 5, 2], "it can be gone through again"
    assert len(spool) == 5


def test_keys_alone_are_remembered():
    spool = Spool()
    spool.add(7)
    assert 7 in spool
    assert 8 not in spool


def test_more_items_than_are_held_in_memory_at_once():
    spool = Spool()
    for i in reversed(range(1200)):
        spool.add(i, str(i))
    assert list(spool) == [str(i) for i in range(1200)]


def test_items_may_be_added_while_it_is_gone_through():
    spool = Spool()
    spool.add("a", 1)
    seen = []
    for item in spool:
        seen.append(item)
        if item < 3:
            spool.add("b" * item, item + 1)
    assert seen == [1, 2, 3]


def test_memory_does_not_grow_with_it():
    spool = Spool()
    tracemalloc.start()
    for i in range(3000):
        spool.add(f"{i:0100}", (i, "x" * 100))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000


def test_a_full_disk_is_named():
    spool = Spool()
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    try:
        with pytest.raises(OutputError, match="list of files") as refused:
            spool.add(1, "x" * 3_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "TMPDIR" in refused.value.hint
