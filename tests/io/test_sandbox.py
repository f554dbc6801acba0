"""Decoding in a process of its own."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import samples
from PIL import Image
from samples import stored

from digitocr.errors import (
    DamagedImageError,
    FileAccessError,
    FileSizeError,
    ImageSizeError,
    TooSlowError,
    UnsupportedFormatError,
)
from digitocr.io import pages, sandbox
from digitocr.records import Limits

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def box():
    return sandbox.Sandbox()


@pytest.mark.parametrize("name", samples.every_format())
def test_it_decodes_as_this_process_does(box, name):
    data = samples.every_format()[name]
    found = box.decode(data, Limits())
    for one, other in zip(found, pages.decode(data), strict=True):
        assert one.index == other.index
        np.testing.assert_array_equal(one.grey, other.grey)
    assert found.failed == []


@pytest.mark.parametrize("index", [1, 2])
def test_one_page_alone(box, index):
    data = samples.every_format()["pages.tif"]
    (page,) = box.decode(data, Limits(), index)
    assert page.index == index
    np.testing.assert_array_equal(page.grey, pages.decode(data)[index - 1].grey)


def test_a_page_that_is_not_there(box):
    with pytest.raises(DamagedImageError, match="no page 9"):
        list(box.decode(samples.every_format()["pages.tif"], Limits(), 9))
    assert len(box._idle) == 1


def test_errors_come_back_as_what_they_are(box):
    with pytest.raises(UnsupportedFormatError, match="JPEG, PNG"):
        list(box.decode(b"text", Limits()))
    with pytest.raises(FileSizeError):
        list(box.decode(samples.every_format()["pages.tif"], Limits(pages=1)))


def doctored(monkeypatch, body):
    """Have children answer with code of the test."""
    script = textwrap.dedent("""
        import json, os, signal, sys, time
        source, sink = sys.stdin.buffer, sys.stdout.buffer
        def say(**answer): sink.write(json.dumps(answer).encode() + b"\\n"); sink.flush()
        while line := source.readline():
            request = json.loads(line)
            source.read(request["bytes"])
            first = request["first"]
        """) + textwrap.indent(textwrap.dedent(body), "    ")
    monkeypatch.setattr(sandbox, "_START", script)
    return sandbox.Sandbox()


PAGES = """
    say(count=3, note="")
    for index in range(first, 4):
        if index == 2:
            {}
        say(shape=[2, 3]); sink.write(bytes([index] * 6)); sink.flush()
    say(end=True)
"""


def test_a_page_that_ends_its_decoder_leaves_the_others(monkeypatch):
    found = doctored(monkeypatch, PAGES.format("os.kill(os.getpid(), signal.SIGSEGV)")).decode(b"x", Limits())
    one, three = found
    assert (one.index, three.index) == (1, 3)
    assert three.grey.tolist() == [[3] * 3] * 2
    assert [(page.index, page.error) for page in found.failed] == [(2, "its decoder ended on it (signal 11)")]
    assert found.code == "damaged"


def test_a_page_that_hangs_costs_the_time_allowed_and_the_pages_after_it(monkeypatch):
    box = doctored(monkeypatch, PAGES.format("time.sleep(1000)"))
    found = box.decode(b"x", Limits(seconds=1))
    assert [page.index for page in found] == [1]
    assert [(page.index, page.error) for page in found.failed] == [
        (2, "decoding took more than 1 seconds"),
        (3, "decoding took more than 1 seconds"),
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("time.sleep(1000)", TooSlowError),
        ("os._exit(3)", DamagedImageError),
        ("sys.stdout.write('nonsense\\n'); sys.stdout.flush()", DamagedImageError),
        ("sink.write(b'x' * 10**6); sink.flush()", DamagedImageError),
        ("say(count=10**9, note=''); say(end=True)", DamagedImageError),
        ("say(count=1, note=''); say(shape=[10**6, 10**6]); say(end=True)", DamagedImageError),
        ("say(count=1, note=''); say(shape=[-1, 5]); say(end=True)", DamagedImageError),
        ("say(end=True)", DamagedImageError),
        ("say(count=3, note=''); say(end=True)", DamagedImageError),
    ],
)
def test_whatever_a_child_says_there_is_an_end(monkeypatch, body, error):
    with pytest.raises(error):
        list(doctored(monkeypatch, body).decode(b"x", Limits(seconds=2)))


def test_memory_is_bounded(box):
    bomb = stored(Image.new("1", (20000, 20000)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(ImageSizeError):
        list(box.decode(bomb, Limits()))


def test_pages_are_bounded_together(box):
    found = box.decode(samples.pdf(*[samples.drawing()] * 12), Limits(pixels=48 * 64))
    assert [page.index for page in found] == list(range(1, 11))
    assert [(page.index, found.code) for page in found.failed] == [(11, "image-size"), (12, "image-size")]
    assert "on all its pages" in found.failed[0].error


def test_pages_are_decoded_as_they_are_asked_for(monkeypatch):
    """Waiting for who asks is not time spent on decoding."""
    box = doctored(monkeypatch, PAGES.format("pass"))
    found = []
    for page in box.decode(b"x", Limits(seconds=0.5)):
        time.sleep(0.4)
        found.append(page.index)
    assert found == [1, 2, 3]


def test_a_child_whose_pages_no_one_wants_any_more_ends(monkeypatch):
    box = doctored(monkeypatch, PAGES.format("pass"))
    pages = iter(box.decode(b"x", Limits()))
    next(pages)
    pages.close()
    assert box._idle == []


def test_a_child_may_write_no_file_and_sees_no_secret(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_API_KEY", "secret")
    spy = f"""
        import os, sys; sys.path.insert(0, {str(ROOT)!r})
        from digitocr.io import pages, sandbox
        def page(index):
            try:
                with open({str(tmp_path / "out")!r}, "wb") as out: out.write(b"x"); out.flush()
            except OSError as error:
                raise pages.DamagedImageError(f"{{error.strerror}} {{sorted(os.environ)}}")
        import contextlib
        @contextlib.contextmanager
        def opened(data, limits): yield pages.Document(1, "", page)
        pages.opened = opened
        import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sandbox.serve()
    """
    monkeypatch.setattr(sandbox, "_START", textwrap.dedent(spy))
    with pytest.raises(DamagedImageError, match="File too large") as caught:
        list(sandbox.Sandbox().decode(b"x", Limits()))
    assert "PREFECT" not in str(caught.value)
    assert (tmp_path / "out").read_bytes() == b""


def test_threads_have_children_of_their_own_and_children_are_used_again():
    box = sandbox.Sandbox()
    data = samples.every_format()["grey.png"]
    done = []
    threads = [
        threading.Thread(
            target=lambda: done.extend(page for _ in range(5) for page in box.decode(data, Limits()))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 15
    assert 1 <= len(box._idle) <= 3


def test_children_end_when_it_is_closed():
    with sandbox.Sandbox() as box:
        list(box.decode(samples.every_format()["grey.png"], Limits()))
        (child,) = box._idle
    assert child.status == 0


def test_children_end_with_the_process_however_that_ends(tmp_path):
    script = f"""
        import os, sys; sys.path.insert(0, {str(ROOT)!r})
        from digitocr.io.sandbox import Sandbox
        from digitocr.records import Limits
        box = Sandbox()
        list(box.decode({samples.every_format()["grey.png"]!r}, Limits()))
        print(box._idle[0]._process.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, check=False, timeout=60
    )
    child = int(out.stdout)
    deadline = threading.Event()
    for _ in range(100):
        if (
            not Path(f"/proc/{child}").exists()
            or "Z" in Path(f"/proc/{child}/stat").read_text().split(")")[1]
        ):
            return
        deadline.wait(0.05)
    pytest.fail("the child is still there")


class TestReadBytes:
    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileAccessError, match="no regular file"):
            sandbox.read_bytes(tmp_path / "pipe", Limits())

    def test_a_file_that_is_too_big_is_not_read(self, tmp_path):
        with (tmp_path / "big").open("wb") as stream:
            stream.truncate(10**12)
        with pytest.raises(FileSizeError, match="1,000,000,000,000"):
            sandbox.read_bytes(tmp_path / "big", Limits())

    def test_what_is_not_there(self, tmp_path):
        with pytest.raises(FileAccessError, match="check that it is there"):
            sandbox.read_bytes(tmp_path / "gone", Limits())
