import os
import signal
import threading
import time

import pytest
from typer.testing import CliRunner

from digitocr.inbox import heartbeat, lock
from digitocr.inbox.job import make_job
from flows import watch_inbox


@pytest.fixture
def watching(fake_model, monkeypatch):
    """Watch in this thread, as signals need; what a test does runs beside it and ends with a signal."""
    monkeypatch.setenv("DIGITOCR_SETTLE", "0.3")
    monkeypatch.setenv("DIGITOCR_RESCAN", "1")

    def watch(beside, number=signal.SIGTERM, *args):
        failures = []

        def act():
            try:
                beside()
            except AssertionError as error:
                failures.append(error)
            finally:
                os.kill(os.getpid(), number)

        thread = threading.Thread(target=act)
        thread.start()
        done = CliRunner().invoke(watch_inbox.app, ["--no-prefect", *args])
        thread.join()
        assert not failures
        return done

    return watch


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_what_is_there_and_what_comes_is_read_until_sigterm(fake_model, watching):
    fake_model.put("there.jpg", "1")

    def act():
        until(lambda: fake_model.names("archive") == ["there.jpg"])
        fake_model.put("new/comes.JPG", "2")
        until(lambda: fake_model.names("archive") == ["new/comes.JPG", "there.jpg"])

    done = watching(act)
    assert done.exit_code == 0, done.output
    assert set(fake_model.statuses().values()) == {"done"}


def test_a_line_says_what_became_of_each_file(fake_model, watching):
    fake_model.put("a.jpg", "107 3?")
    fake_model.put("b.jpg", "BAD")
    fake_model.put("c.jpg", "107 3?")
    done = watching(lambda: until(lambda: fake_model.names("inbox") == []))
    lines = done.stderr.splitlines()
    assert "a.jpg: 2 numbers, 1 for review" in lines
    assert "b.jpg: cannot be decoded" in lines
    assert "c.jpg: duplicate of a.jpg" in lines


def test_a_file_that_is_still_written_is_not_taken(fake_model, watching):
    def act():
        for i in range(8):
            fake_model.put("slow.jpg", "1" * (i + 1))
            time.sleep(0.15)
            assert not fake_model.names("archive") if (fake_model.folder / "archive").exists() else True
        until(lambda: (fake_model.folder / "archive" / "slow.jpg").exists())

    watching(act)
    assert [row["text"] for row in fake_model.table("results/numbers.csv")] == ["11111111"]


def test_a_bad_file_does_not_end_it_and_ctrl_c_does(fake_model, watching):
    fake_model.put("bad.jpg", "BAD")

    def act():
        until(lambda: (fake_model.folder / "failed" / "bad.jpg").exists())
        fake_model.put("good.jpg", "1")
        until(lambda: (fake_model.folder / "archive" / "good.jpg").exists())

    assert watching(act, signal.SIGINT).exit_code == 130


def test_a_folder_that_is_not_emptied_is_read_once(fake_model, watching):
    other = fake_model.folder / "other"
    fake_model.put("a.jpg", "1", other)
    reads = []
    real = fake_model.reader.read
    fake_model.reader.read = lambda sources, show: reads.extend(sources) or real(sources, show)

    def act():
        until(lambda: reads)
        time.sleep(2.5)

    watching(act, signal.SIGTERM, str(other))
    assert len(reads) == 1


def test_polling_sees_files_too(fake_model, watching, monkeypatch):
    monkeypatch.setenv("DIGITOCR_POLLING", "1")
    fake_model.put("a.jpg", "1")
    assert watching(lambda: until(lambda: (fake_model.folder / "archive" / "a.jpg").exists())).exit_code == 0


def test_a_share_that_is_away_is_waited_for(fake_model):
    fake_model.put("a.jpg", "1")
    job = make_job(fake_model.settings(settle=0, rescan=0.1))
    away, stop = fake_model.inbox.rename(fake_model.folder / "away"), threading.Event()
    threading.Timer(0.5, away.rename, [fake_model.inbox]).start()
    offer = next(watch_inbox.offers(job, stop))
    stop.set()
    assert [found.source for found in offer.files] == ["a.jpg"]


def test_what_is_held_by_another_run_is_offered_again(fake_model, watching):
    """A busy inbox is tried again, though nothing in it changes."""
    fake_model.put("a.jpg", "1")
    (fake_model.folder / ".digitocr").mkdir(mode=0o700)
    holding, free = threading.Event(), threading.Event()

    def hold():
        with lock.only_runner(fake_model.folder / ".digitocr", None, "a long run"):
            holding.set()
            free.wait(30)

    def act():
        time.sleep(1.5)
        assert fake_model.names("inbox") == ["a.jpg"]
        free.set()
        until(lambda: fake_model.names("inbox") == [])

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait()
    done = watching(act)
    holder.join()
    assert "a long run" in done.stderr
    assert fake_model.statuses() == {"a.jpg": "done"}


def test_what_could_not_be_decoded_yet_is_tried_again_until_it_can(fake_model, watching, monkeypatch):
    monkeypatch.setenv("DIGITOCR_PATIENCE", "100")
    path = fake_model.put("a.jpg", "BAD so far")

    def act():
        until(lambda: fake_model.reader.seen.count("a.jpg") > 1)
        path.write_text("17")
        until(lambda: fake_model.names("inbox") == [])

    watching(act)
    assert fake_model.statuses() == {"a.jpg": "done"}


def test_it_shows_that_it_lives(fake_model, watching, monkeypatch):
    monkeypatch.setenv("DIGITOCR_METRICS_FILE", "digitocr.prom")
    metrics = fake_model.folder / "digitocr.prom"

    def act():
        until(lambda: heartbeat.watcher(fake_model.folder / ".digitocr"))
        until(lambda: metrics.exists() and "digitocr_watcher_up 1.0" in metrics.read_text())

    assert watching(act).exit_code == 0
    assert heartbeat.watcher(fake_model.folder / ".digitocr") == {}
    assert "digitocr_watcher_up 0.0" in metrics.read_text()
