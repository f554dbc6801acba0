"""The sandbox: decoding in child processes, also in ones that misbehave."""

import os
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
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
    MemoryLimitError,
    TooSlowError,
    UnsupportedFormatError,
)
from digitocr.io import pages, sandbox
from digitocr.records import Limits

ROOT = Path(__file__).parents[2]

FORM_OF_ITSELF = (
    b"<< /Type /XObject /Subtype /Form /BBox [0 0 300 400] /Resources << /XObject << /F 5 0 R >> >> /Length 28 >>\n"
    b"stream\n10 10 50 80 re f /F Do /F Do\nendstream"
)
"""Of a PDF: it draws itself twice."""


@pytest.fixture(scope="module")
def box():
    return sandbox.Sandbox()


def doctored(monkeypatch, body):
    """A sandbox whose children run the code of the test."""
    script = textwrap.dedent("""
        import json, os, signal, sys, time
        source, sink = sys.stdin.buffer, sys.stdout.buffer
        def say(**answer): sink.write(json.dumps(answer).encode() + b"\\n"); sink.flush()
        while line := source.readline():
            request = json.loads(line)
            source.read(request["bytes"])
            first = request["first"]
        """) + textwrap.indent(textwrap.dedent(body), "    ")
    monkeypatch.setattr(sandbox, "DECODER", script)
    return sandbox.Sandbox()


PAGES = """
    say(count=3, note="")
    for index in range(first, 4):
        if index == 2:
            {}
        say(shape=[2, 3]); sink.write(bytes([index] * 6)); sink.flush()
    say(end=True)
"""


class TestDecode:
    @pytest.mark.parametrize("name", samples.every_format())
    def test_pages_are_those_of_this_process(self, box, name):
        data = samples.every_format()[name]
        found = box.decode(data, Limits())
        for one, other in zip(found, pages.decode(data), strict=True):
            assert one.index == other.index
            np.testing.assert_array_equal(one.grey, other.grey)
        assert found.failed == []

    @pytest.mark.parametrize("index", [1, 2])
    def test_only_one_page(self, box, index):
        data = samples.every_format()["pages.tif"]
        (page,) = box.decode(data, Limits(), index)
        assert page.index == index
        np.testing.assert_array_equal(page.grey, pages.decode(data)[index - 1].grey)

    def test_a_missing_page_is_an_error_and_the_child_stays(self, box):
        with pytest.raises(DamagedImageError, match="no page 9"):
            list(box.decode(samples.every_format()["pages.tif"], Limits(), 9))
        assert len(box.idle_pids) == 1

    def test_errors_keep_their_class(self, box):
        with pytest.raises(UnsupportedFormatError, match="JPEG, PNG"):
            list(box.decode(b"text", Limits()))
        with pytest.raises(FileSizeError):
            list(box.decode(samples.every_format()["pages.tif"], Limits(pages=1)))

    def test_a_page_that_crashes_the_decoder_leaves_the_others(self, monkeypatch):
        found = doctored(monkeypatch, PAGES.format("os.kill(os.getpid(), signal.SIGSEGV)")).decode(
            b"x", Limits()
        )
        one, three = found
        assert (one.index, three.index) == (1, 3)
        assert three.grey.tolist() == [[3] * 3] * 2
        assert [(page.index, page.error) for page in found.failed] == [
            (2, "the decoder crashed on it (signal 11)")
        ]
        assert found.code == "damaged"

    def test_a_page_that_hangs_costs_itself_and_the_pages_after_it(self, monkeypatch):
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
    def test_answers_that_make_no_sense_are_errors(self, monkeypatch, body, error):
        with pytest.raises(error):
            list(doctored(monkeypatch, body).decode(b"x", Limits(seconds=2)))

    def test_pixels_of_a_page_are_bounded(self, box):
        bomb = stored(Image.new("1", (20000, 20000)), "PNG")
        assert len(bomb) < 200_000
        with pytest.raises(ImageSizeError):
            list(box.decode(bomb, Limits()))

    def test_pixels_of_a_file_are_bounded(self, box):
        found = box.decode(samples.pdf(*[samples.drawing()] * 12), Limits(pixels=48 * 64))
        assert [page.index for page in found] == list(range(1, 11))
        assert [(page.index, found.code) for page in found.failed] == [(11, "image-size"), (12, "image-size")]
        assert "on all its pages" in found.failed[0].error

    def test_time_between_pages_does_not_count(self, monkeypatch):
        box = doctored(monkeypatch, PAGES.format("pass"))
        found = []
        for page in box.decode(b"x", Limits(seconds=0.5)):
            time.sleep(0.4)
            found.append(page.index)
        assert found == [1, 2, 3]

    def test_memory_of_a_page_is_bounded_by_its_size(self, box):
        started = time.monotonic()
        with pytest.raises(MemoryLimitError, match="more memory than a page of its size"):
            list(box.decode(samples.drawn_pdf(b"/F Do", form=FORM_OF_ITSELF), Limits()))
        assert time.monotonic() - started < 60, "the limit of seconds is double that"

    def test_a_page_that_may_take_more_memory_than_there_is_is_not_decoded(self, box):
        deep = stored(Image.new("I;16", (2000, 2000)), "PNG")
        with pytest.raises(MemoryLimitError, match="294 MB, the limit is 250 MB") as caught:
            list(box.decode(deep, Limits(memory=250_000_000)))
        assert "max_memory" in caught.value.hint
        assert len(list(box.decode(deep, Limits(memory=300_000_000)))) == 1

    def test_large_pages_take_turns(self, monkeypatch):
        large = """
            say(count=1, note="")
            say(needs=10**9)
            source.readline()
            say(shape=[2, 3]); sink.write(bytes(6)); sink.flush()
            say(end=True)
        """
        found = doctored(monkeypatch, large).decode(b"x", Limits())
        decoding = threading.Thread(target=lambda: list(found))
        with sandbox.turn_for_large_page():
            decoding.start()
            decoding.join(0.3)
            assert decoding.is_alive()
        decoding.join(60)
        assert found.failed == []
        with sandbox.turn_for_large_page().acquire(timeout=5):
            pass

    def test_an_abandoned_decoding_ends_its_child(self, monkeypatch):
        box = doctored(monkeypatch, PAGES.format("pass"))
        pages = iter(box.decode(b"x", Limits()))
        next(pages)
        pages.close()
        assert box.idle_pids == ()


class TestServe:
    def test_the_child_writes_no_file_and_sees_no_secret(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PREFECT_API_KEY", "secret")
        spy = f"""
            import os, sys; sys.path.insert(0, {str(ROOT)!r})
            from digitocr.io import _decoder, pages
            def page(index):
                try:
                    with open({str(tmp_path / "out")!r}, "wb") as out: out.write(b"x"); out.flush()
                except OSError as error:
                    raise pages.DamagedImageError(f"{{error.strerror}} {{sorted(os.environ)}}")
            import contextlib
            @contextlib.contextmanager
            def opened(data, limits, reserve): yield pages.Document(1, "", page)
            pages.opened = opened
            import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            _decoder.serve()
        """
        monkeypatch.setattr(sandbox, "DECODER", textwrap.dedent(spy))
        with pytest.raises(DamagedImageError, match="File too large") as caught:
            list(sandbox.Sandbox().decode(b"x", Limits()))
        assert "PREFECT" not in str(caught.value)
        assert (tmp_path / "out").read_bytes() == b""


class TestSandbox:
    def test_threads_get_their_own_children_and_reuse_them(self):
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
        assert 1 <= len(box.idle_pids) <= 3

    def test_close_ends_the_children(self):
        with sandbox.Sandbox() as box:
            list(box.decode(samples.every_format()["grey.png"], Limits()))
            (child,) = box.idle_pids
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)

    def test_children_end_with_a_killed_parent(self, tmp_path):
        script = f"""
            import os, sys; sys.path.insert(0, {str(ROOT)!r})
            from digitocr.io.sandbox import Sandbox
            from digitocr.records import Limits
            box = Sandbox()
            list(box.decode({samples.every_format()["grey.png"]!r}, Limits()))
            print(*box.idle_pids, flush=True)
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
        with pytest.raises(FileAccessError, match="not a regular file"):
            sandbox.read_bytes(tmp_path / "pipe", Limits())

    def test_a_file_that_is_too_big_is_not_read(self, tmp_path):
        with (tmp_path / "big").open("wb") as stream:
            stream.truncate(10**12)
        with pytest.raises(FileSizeError, match="1,000,000,000,000"):
            sandbox.read_bytes(tmp_path / "big", Limits())

    def test_a_small_file_takes_no_memory_for_a_large_one(self, tmp_path):
        (tmp_path / "small").write_bytes(b"1234")
        tracemalloc.start()
        data = sandbox.read_bytes(tmp_path / "small", Limits())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert data == b"1234"
        assert peak < 1_000_000

    def test_what_is_not_there(self, tmp_path):
        with pytest.raises(FileAccessError, match="check that it is there"):
            sandbox.read_bytes(tmp_path / "gone", Limits())
