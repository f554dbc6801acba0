"""Reading by the workers of a Dask cluster: the same tables, whatever is lost on the way."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from dask_cluster import DaskCluster
from fake_reader import FakeReader, failed
from maintenance import disagreements
from result_tables import tables_of

from benchmarks.drawn import draw_files
from digitocr.errors import WorkerError
from digitocr.inbox import cluster as module
from digitocr.inbox import reading
from digitocr.inbox.cluster import open_cluster
from digitocr.inbox.job import make_job
from digitocr.inbox.run import drain, open_runner

pytest.importorskip("distributed", reason="needs the extra cluster")

ROOT = Path(__file__).parents[2]
FILES = 60

pytestmark = pytest.mark.timeout(900)


class Elsewhere(FakeReader):
    """Takes its time, notes who read what, and finds no file on a worker that lacks the share."""

    def _read(self, source):
        if os.environ.get("LACKS_SHARE") and source.content is None:
            return failed(source.file, "", "no-access", "cannot be opened")
        time.sleep(0.05)
        with Path(os.environ["READS"]).open("a") as log:
            log.write(f"{os.environ['WHO']} {source.file}\n")
        return super()._read(source)


@pytest.fixture
def dask(tmp_path):
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = DaskCluster(folder)
    cluster.start_scheduler()
    yield cluster
    cluster.end()


def worker(dask, name, **more):
    return dask.start_worker(name, WHO=name, READS=str(dask.folder / "reads.log"), **more)


def instead_of_digitocr(folder, text):
    package = folder / "other" / "digitocr"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(text)
    return package.parent


def readers(dask):
    """Who read how many files."""
    return Counter(line.split()[0] for line in (dask.folder / "reads.log").read_text().splitlines())


def put(work, files=FILES):
    for i in range(files):
        work.put(f"{i:03}.jpg", f"{i:03} 5{'?' if i % 3 else ''}")


def run(work, dask, monkeypatch, **flags):
    monkeypatch.setattr(
        reading,
        "chunk_reader",
        lambda s, *_: partial(reading.read_together, Elsewhere(), annotated=s.annotate),
    )
    job = make_job(work.settings(workers=dask.address, chunk=2, **flags))
    with (
        open_runner(job) as runner,
        open_cluster(job, dask.address) as cluster,
        ThreadPoolExecutor(cluster.window) as threads,
    ):
        return drain(runner, lambda chunk: threads.submit(runner.work, chunk, cluster), cluster.window)


def assert_all_is_there_once(work, files=FILES):
    assert work.names("inbox") == []
    assert len(work.names("archive")) == files
    assert Counter(work.statuses().values()) == {"done": files}
    read = Counter((row["file"], row["text"]) for row in work.table("results/numbers.csv"))
    names = [f"{i:03}" for i in range(files)]
    assert read == Counter({(f"{n}.jpg", text): 1 for n in names for text in (n, "5")})
    assert disagreements(work) == []


def soon(when, do):
    """Do something in a thread once a condition holds."""

    def wait():
        deadline = time.monotonic() + 60
        while not when() and time.monotonic() < deadline:
            time.sleep(0.02)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def some_are_read(dask, count=10):
    log = dask.folder / "reads.log"
    return lambda: log.exists() and log.read_text().count("\n") >= count


class TestLosses:
    def test_a_killed_worker_costs_nothing(self, work, dask, monkeypatch):
        put(work)
        one, _ = worker(dask, "one"), worker(dask, "two")
        killing = soon(some_are_read(dask), lambda: dask.kill(one))
        assert run(work, dask, monkeypatch).done == FILES
        killing.join()
        assert_all_is_there_once(work)

    def test_a_restarted_scheduler_costs_nothing(self, work, dask, monkeypatch):
        put(work)
        worker(dask, "one")

        def restart():
            dask.kill(dask.scheduler)
            dask.start_scheduler()
            worker(dask, "again")

        restarting = soon(some_are_read(dask), restart)
        assert run(work, dask, monkeypatch).done == FILES
        restarting.join()
        assert_all_is_there_once(work)
        assert readers(dask)["again"] > 0

    def test_without_workers_the_run_ends_with_a_word_and_the_next_goes_on(self, work, dask, monkeypatch):
        put(work)
        one = worker(dask, "one")
        monkeypatch.setattr(module, "PATIENCE_S", 5.0)
        killing = soon(some_are_read(dask), lambda: dask.kill(one))
        with pytest.raises(WorkerError, match="no Dask worker can be reached any more") as caught:
            run(work, dask, monkeypatch)
        killing.join()
        assert caught.value.exit_status == 3
        left = len(work.names("inbox"))
        assert 0 < left < FILES
        worker(dask, "again")
        assert run(work, dask, monkeypatch).done == left
        assert_all_is_there_once(work)

    def test_a_file_that_ends_workers_fails_alone(self, work, dask, monkeypatch):
        put(work, 8)
        work.put("bad.jpg", "DIE")
        worker(dask, "one"), worker(dask, "two")
        assert run(work, dask, monkeypatch).failed == 1
        assert work.error_of("bad.jpg")["code"] == "crashed"
        assert len(work.names("archive")) == 8


class TestUnlikeWorkers:
    def test_one_without_the_share_is_sent_the_files(self, work, dask, monkeypatch):
        put(work)
        worker(dask, "with"), worker(dask, "without", LACKS_SHARE="1")
        assert run(work, dask, monkeypatch).done == FILES
        assert_all_is_there_once(work)
        assert readers(dask)["without"] > FILES / 10

    def test_what_the_runner_cannot_send_either_fails_as_in_a_local_run(self, work, dask, monkeypatch):
        put(work, 3)
        work.put("large.jpg", "7" * 100)
        worker(dask, "without", LACKS_SHARE="1")
        summary = run(work, dask, monkeypatch, max_bytes=50)
        assert (summary.done, summary.failed) == (3, 1)
        assert work.error_of("large.jpg")["code"] == "file-size"

    @pytest.mark.parametrize(
        ("package", "said"),
        [
            ("__version__ = '0.0.1'", "it has digitocr 0.0.1, the runner "),
            ("raise ImportError", "digitocr is not installed there"),
        ],
    )
    def test_one_of_another_version_reads_nothing_and_is_named(
        self, work, dask, monkeypatch, tmp_path, caplog, package, said
    ):
        put(work)
        worker(dask, "fit"), worker(dask, "old", paths=[instead_of_digitocr(tmp_path, package)])
        assert run(work, dask, monkeypatch).done == FILES
        assert readers(dask) == {"fit": FILES}
        assert [message for message in caplog.messages if said in message]
        assert_all_is_there_once(work)

    def test_a_scheduler_needs_dask_alone(self, work, dask, monkeypatch, tmp_path):
        put(work, 4)
        dask.kill(dask.scheduler)
        dask.start_scheduler(paths=[instead_of_digitocr(tmp_path, "raise ImportError")])
        worker(dask, "fit")
        assert run(work, dask, monkeypatch).done == 4

    def test_if_none_fits_the_run_ends_with_a_word(self, work, dask, monkeypatch, tmp_path):
        put(work, 3)
        worker(dask, "old", paths=[instead_of_digitocr(tmp_path, "__version__ = '0.0.1'")])
        with pytest.raises(WorkerError, match=r"no worker at .* can read: it has digitocr 0.0.1"):
            run(work, dask, monkeypatch)
        assert len(work.names("inbox")) == 3


class TestWithEverythingReal:
    def test_tables_are_those_of_a_local_run(self, tmp_path, dask):
        draw_files(tmp_path / "in", 24)
        for path in (ROOT / "examples").glob("*.*g"):
            (tmp_path / "in" / path.name).write_bytes(path.read_bytes())
        dask.start_worker("one"), dask.start_worker("two")
        real = ("-m", "flows.process_folder", "--no-prefect", "--annotate")
        for name, workers in (("local", "1"), ("cluster", dask.address)):
            assert command(tmp_path, name, *real, "--workers", workers)["failed"] == 0
        assert tables_of(tmp_path, "r-local", "v-local") == tables_of(tmp_path, "r-cluster", "v-cluster")


class TestThroughPrefect:
    @pytest.mark.flow
    def test_it_shows_the_tasks_and_tables_are_those_of_a_local_run(self, tmp_path, work, dask):
        for i in range(20):
            work.put(f"{i:03}.jpg", f"{i:03} 5?", tmp_path / "in")
        dask.start_worker("one")
        fake = (str(ROOT / "tests" / "soak" / "faking.py"),)
        command(tmp_path, "local", *fake, "--no-prefect", "--workers", "1")
        command(tmp_path, "prefect", *fake, "--prefect", "--workers", dask.address)
        assert tables_of(tmp_path, "r-local", "v-local") == tables_of(tmp_path, "r-prefect", "v-prefect")
        with sqlite3.connect(tmp_path / "s-prefect" / "prefect" / "prefect.db") as db:
            rows = db.execute("SELECT state_type, count(*) FROM task_run GROUP BY state_type").fetchall()
        assert rows == [("COMPLETED", 10)]


def command(folder, name, *arguments):
    places = ("--results", f"r-{name}", "--review", f"v-{name}", "--state", f"s-{name}")
    done = subprocess.run(
        [sys.executable, *arguments, "in", "--json", *places],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT), "DIGITOCR_SETTLE": "0", "DIGITOCR_CHUNK": "2"},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)
