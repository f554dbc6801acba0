"""What a worker of a cluster is asked and answers; whole clusters run in the soak."""

import pickle
import sys
from functools import partial
from pathlib import Path

import pytest
from fake_reader import FakeReader

from digitocr.errors import ModelError, TemplateError, UsageError, WorkerError
from digitocr.inbox import cluster
from digitocr.inbox.orders import Order, answer
from digitocr.inbox.reading import read_together
from digitocr.records import Source

READ = partial(read_together, FakeReader(), annotated=False)


def fits():
    return ""


def misfits():
    return "its model is old"


def refuses(kind, sources):
    raise kind("no model there")


def asked(read=READ, misfit=fits, sources=()):
    return answer(pickle.dumps(Order(read, misfit, sources)))


def test_what_is_sent_is_read_where_no_such_file_is():
    sources = (Source(Path("/nowhere/a.jpg"), "a.jpg", content=b"107"), Source(Path("/nowhere/b"), "b"))
    why, found = asked(sources=sources)
    readings, notes = pickle.loads(found)
    assert (why, notes) == ("", [])
    assert [number.written for number in readings[0].result.numbers] == ["107"]
    assert readings[1].result.error_code == "no-access"


def test_a_worker_with_another_model_reads_nothing():
    assert asked(misfit=misfits) == ("its model is old", b"")


@pytest.mark.parametrize("kind", [ModelError, TemplateError])
def test_a_worker_without_model_or_template_reads_nothing(kind):
    assert asked(partial(refuses, kind)) == ("no model there", b"")


def test_an_error_that_ends_the_run_comes_back():
    why, found = asked(partial(refuses, UsageError))
    assert why == ""
    assert isinstance(pickle.loads(found), UsageError)


def test_where_no_scheduler_answers_the_command_ends_with_status_3():
    pytest.importorskip("distributed")
    with pytest.raises(WorkerError, match="no Dask scheduler answers") as caught:
        cluster.check("tcp://127.0.0.1:9")
    assert caught.value.exit_status == 3


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed.security", None)
    with pytest.raises(UsageError) as caught:
        cluster.check("tcp://127.0.0.1:9")
    assert "digitocr[cluster]" in caught.value.hint


def test_what_tls_lacks_is_told(tmp_path):
    pytest.importorskip("distributed")
    import dask

    with pytest.raises(UsageError, match="name no certificates"):
        cluster.check("tls://127.0.0.1:9")
    names = {
        f"distributed.comm.tls.{name}": str(tmp_path / "no")
        for name in ("ca-file", "client.cert", "client.key")
    }
    with dask.config.set(names), pytest.raises(UsageError, match="cannot be used"):
        cluster.check("tls://127.0.0.1:9")
