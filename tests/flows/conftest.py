import os
import sys
import threading

import pytest

from digitocr.inbox import reading


@pytest.fixture
def fake_model(work, monkeypatch):
    """Have the commands read with the fake reader of the workplace."""
    monkeypatch.setattr(reading, "chunk_reader", work.chunk_reader)
    monkeypatch.setenv("DIGITOCR_SETTLE", "0")
    monkeypatch.setenv("DIGITOCR_PATIENCE", "0")
    return work


@pytest.fixture(scope="module", autouse=True)
def services_end_with_their_tests():
    """Prefect's services outlive a flow; the pings of one draw from the global `random`, which Hypothesis watches."""
    yield
    if "prefect.events.worker" in sys.modules:
        from prefect.events.worker import EventsWorker

        EventsWorker.drain_all(timeout=30, at_exit=False)  # of all classes
        for thread in threading.enumerate():
            if thread.name in ("EventsWorkerThread", "APILogWorkerThread"):
                thread.join(30)
                assert not thread.is_alive()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory):
    """One temporary server, our own, for all tests that run real flows."""
    before = dict(os.environ)
    from flows import engine

    server = engine.prepare(tmp_path_factory.mktemp("prefect"), verbose=False)
    server.wait()
    yield server
    server.stop()
    os.environ.clear()
    os.environ.update(before)
