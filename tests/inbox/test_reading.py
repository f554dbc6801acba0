import pytest
from fake_reader import FakeReader

from digitocr.errors import ModelError
from digitocr.inbox.reading import read_chunk
from digitocr.records import FileStatus, Source


@pytest.fixture
def sources(tmp_path):
    files = {"a.jpg": "107 3?", "bug.jpg": "BUG", "b.jpg": "5"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return [Source(tmp_path / name, name) for name in files]


def test_a_fault_met_by_one_file_costs_that_file_only(sources):
    readings = read_chunk(FakeReader(), sources, annotated=False)
    assert [(r.result.file, r.result.status) for r in readings] == [
        ("a.jpg", FileStatus.DONE),
        ("bug.jpg", FileStatus.FAILED),
        ("b.jpg", FileStatus.DONE),
    ]
    assert readings[1].result.error_code == "error"
    assert readings[1].result.error == "the program failed on it: RuntimeError: a bug"


def test_pictures_come_with_it_and_annotated_ones_where_they_are_asked_for(sources):
    for annotated in (False, True):
        (reading,) = read_chunk(FakeReader(), sources[:1], annotated=annotated)
        (shown,) = reading.shown
        assert len(shown.crops) == 1, "one digit is for review"
        assert bool(shown.annotated) is annotated


def test_what_no_file_is_to_blame_for_ends_it(sources):
    class Broken:
        def read(self, sources, show=None):
            raise ModelError("the model is damaged")

    with pytest.raises(ModelError):
        read_chunk(Broken(), sources, annotated=False)
