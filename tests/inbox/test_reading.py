import pickle
from collections import Counter
from pathlib import Path

import pytest
from fake_reader import FakeReader

from digitocr import pipeline
from digitocr.errors import ModelError
from digitocr.inbox.reading import chunk_reader, read_together
from digitocr.records import FileStatus, Source

EXAMPLES = Path(__file__).parents[2] / "examples" / "templates"


@pytest.fixture
def sources(tmp_path):
    files = {"a.jpg": "107 3?", "bug.jpg": "BUG", "b.jpg": "5"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return [Source(tmp_path / name, name) for name in files]


def test_a_fault_met_by_one_file_costs_that_file_only(sources):
    readings = read_together(FakeReader(), sources, annotated=False)
    assert [(r.result.file, r.result.status) for r in readings] == [
        ("a.jpg", FileStatus.DONE),
        ("bug.jpg", FileStatus.FAILED),
        ("b.jpg", FileStatus.DONE),
    ]
    assert readings[1].result.error_code == "error"
    assert readings[1].result.error == "the program failed on it: RuntimeError: a bug"


def test_pictures_come_with_it_and_annotated_ones_where_they_are_asked_for(sources):
    for annotated in (False, True):
        (reading,) = read_together(FakeReader(), sources[:1], annotated=annotated)
        (shown,) = reading.shown
        assert len(shown.crops) == 1, "one digit is for review"
        assert bool(shown.annotated) is annotated


def test_what_no_file_is_to_blame_for_ends_it(sources):
    class Broken:
        def read(self, sources, show=None):
            raise ModelError("the model is damaged")

    with pytest.raises(ModelError):
        read_together(Broken(), sources, annotated=False)


class TestChunkReader:
    def test_it_can_go_to_another_process(self, work):
        reader = chunk_reader(work.settings(annotate=True, threshold=0.5))
        again = pickle.loads(pickle.dumps(reader))
        assert (again.func, again.keywords) == (reader.func, reader.keywords)
        assert again.keywords["annotated"]
        assert again.keywords["options"].threshold == 0.5

    def test_templates_go_with_it(self, work):
        reader = chunk_reader(work.settings(templates=EXAMPLES))
        assert pickle.loads(pickle.dumps(reader)).keywords == reader.keywords
        assert reader.keywords["templates"]

    def test_the_model_is_loaded_once(self, work, monkeypatch):
        loaded = Counter()
        monkeypatch.setattr(pipeline, "load_reader", lambda *given: loaded.update([given]) or FakeReader())
        reader = chunk_reader(work.settings(threshold=0.123))
        path = work.put("a.jpg", "107")
        assert reader([]) == []
        (reading,) = reader([Source(path, "a.jpg")])
        assert reading.result.pages[0].numbers[0].text == "107"
        assert list(loaded.values()) == [1]
