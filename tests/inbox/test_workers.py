"""Processes that read: what they return, how they end, and what their end costs."""

import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from digitocr import errors
from digitocr.errors import ModelError, WorkerError
from digitocr.inbox import workers as module
from digitocr.inbox.workers import Workers
from digitocr.records import FileResult, PageResult, Reading, Source

ROOT = Path(__file__).parents[2]
A, B = Source(Path("a.jpg"), "a.jpg"), Source(Path("b.jpg"), "b.jpg")


def pid_of(sources):
    """Return the process that read a file as the error of its result."""
    return [Reading(FileResult(source.file, "", error=str(os.getpid()))) for source in sources]


def read_pages(sources):
    pages = tuple(PageResult(1 + i, (60, 400), ()) for i in range(6))
    return [Reading(FileResult(s.file, "", pages, error=str(os.getpid()))) for s in sources]


def read_here(sources):
    return [Reading(FileResult(source.file, "", error=str(Path.cwd()))) for source in sources]


def die_on(name, sources):
    if any(source.file == name for source in sources):
        os.kill(os.getpid(), signal.SIGKILL)
    return pid_of(sources)


def die(sources):
    os._exit(3)


def die_once(mark, sources):
    if not mark.exists():
        mark.touch()
        os._exit(3)
    return pid_of(sources)


def refuse(sources):
    raise ModelError("the model is damaged", hint="train one")


def say(sources):
    logging.getLogger("digitocr.pipeline").warning("the model is old")
    return pid_of(sources)


def note_and_wait(folder, sources):
    """Note that a file is begun, and read it once it may be ended."""
    if sources:
        (folder / "begun").write_text(str(os.getpid()))
        until((folder / "end").exists)
    return pid_of(sources)


def answer(worker, *sources):
    worker.prepare()
    return [reading.result.error for reading in worker.read(sources)]


def is_gone(pid):
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class TestProcesses:
    def test_each_worker_is_a_process_of_its_own_and_stays(self):
        with Workers(pid_of, 2) as workers, workers.taken() as one, workers.taken() as other:
            first, second = answer(one, A), answer(other, A)
            assert len({str(os.getpid()), *first, *second}) == 3
            assert answer(one, A, B) == first * 2
        until(lambda: is_gone(first[0]) and is_gone(second[0]))

    def test_none_is_started_before_it_is_needed(self):
        before = len(multiprocessing.active_children())
        with Workers(pid_of, 8) as workers, workers.taken() as worker:
            answer(worker, A)
            assert len(multiprocessing.active_children()) == before + 1

    def test_relative_paths_start_where_the_runner_is(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with Workers(read_here, 2) as workers, workers.taken() as worker:
            assert answer(worker, A) == [str(tmp_path)]

    def test_one_alone_is_this_process(self):
        with Workers(pid_of, 1) as workers, workers.taken() as worker:
            assert answer(worker, A) == [str(os.getpid())]

    def test_one_is_renewed_after_many_pages(self, monkeypatch):
        monkeypatch.setattr(module, "RENEWED_AFTER_PAGES", 10)
        with Workers(read_pages, 2) as workers, workers.taken() as worker:
            first = answer(worker, A)
            assert answer(worker, A) == first
            assert answer(worker, A) != first

    def test_what_they_log_is_logged_here_and_once(self, caplog):
        with Workers(say, 2) as workers, workers.taken() as one, workers.taken() as other:
            answer(one, A)
            answer(other, A)
        assert caplog.messages == ["the model is old"]


class TestDeath:
    def test_it_costs_the_chunk_and_the_next_has_a_new_process(self):
        with (
            Workers(partial(die_on, "a.jpg"), 2) as workers,
            workers.taken() as one,
            workers.taken() as other,
        ):
            first, second = answer(one, B), answer(other, B)
            assert one.read([B, A]) is None
            assert answer(other, B) == second
            assert answer(one, B) != first

    def test_before_anything_was_read_it_ends_the_run_and_blames_no_file(self):
        with Workers(die, 2) as workers, workers.taken() as worker, pytest.raises(WorkerError) as caught:
            worker.prepare()
        assert caught.value.exit_status == 3

    def test_a_start_is_tried_again(self, tmp_path):
        with Workers(partial(die_once, tmp_path / "mark"), 2) as workers, workers.taken() as worker:
            assert answer(worker, A) != [str(os.getpid())]

    def test_a_model_that_cannot_be_used_is_named_with_its_hint(self):
        with Workers(refuse, 2) as workers, pytest.raises(ModelError, match="damaged") as caught:
            workers.prepare()
        assert caught.value.hint == "train one"

    @pytest.mark.parametrize(
        "kind",
        [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)],
    )
    def test_every_error_comes_back_whole(self, kind):
        error = pickle.loads(pickle.dumps(kind("what happened", hint="what to do")))
        assert (error.message, error.hint) == ("what happened", "what to do")


SCRIPT = """
    import sys
    from functools import partial
    from pathlib import Path
    from digitocr.inbox.workers import Workers
    from test_workers import A, answer, note_and_wait

    if __name__ == "__main__":
        with Workers(partial(note_and_wait, Path()), 2) as workers, workers.taken() as worker:
            print(answer(worker, A), flush=True)
"""


class TestSignals:
    @pytest.fixture
    def reading(self, tmp_path):
        """A process whose worker reads, as the leader of its group."""
        (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
        env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
        runner = subprocess.Popen(
            [sys.executable, "script.py"], cwd=tmp_path, env=env, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        until((tmp_path / "begun").exists)
        until((tmp_path / "begun").read_text)
        runner.worker = int((tmp_path / "begun").read_text())
        runner.folder = tmp_path
        yield runner
        with suppress(ProcessLookupError):
            os.killpg(runner.pid, signal.SIGKILL)
        runner.communicate()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_those_that_ask_for_an_end_do_not_reach_a_worker(self, reading, number):
        """A terminal sends Ctrl-C to all processes of a command, and a service manager SIGTERM."""
        os.kill(reading.worker, number)
        (reading.folder / "end").touch()
        output, _ = reading.communicate()
        assert output.decode().strip() == f"['{reading.worker}']"

    def test_a_worker_ends_with_its_runner_however_that_ends(self, reading):
        reading.kill()
        until(lambda: is_gone(reading.worker), seconds=30)


def test_who_waits_for_a_worker_gets_the_one_that_comes_back():
    with Workers(pid_of, 1) as workers:
        order = []
        with workers.taken():
            waiting = threading.Thread(target=lambda: order.append(workers.taken().__enter__()))
            waiting.start()
            time.sleep(0.1)
            assert order == []
        waiting.join()
    assert len(order) == 1
