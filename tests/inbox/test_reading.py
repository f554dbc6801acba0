import pickle
import tracemalloc
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_reader import SHAPE, FakeReader, numbers

from digitocr import pipeline
from digitocr.errors import DigitocrError, ModelError
from digitocr.inbox.reading import chunk_reader, read_together
from digitocr.records import FileResult, FileStatus, Page, PageResult, Reading, Source
from digitocr.results.items import items
from digitocr.results.picture_file import discard
from digitocr.results.pictures import write_annotated, write_crops

EXAMPLES = Path(__file__).parents[2] / "examples" / "templates"


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
        assert len(shown.pictures) == 1 + annotated, "one digit is for review"
        assert (None in shown.pictures) is annotated


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 784. MiB"),
        RuntimeError("Failed to allocate memory for requested buffer of size 155713536"),
        cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 9 bytes"),
    ],
)
def test_a_file_for_which_memory_is_short_says_so_and_the_others_are_read(sources, error):
    class Short(FakeReader):
        def _read(self, source):
            if source.file == "bug.jpg":
                raise error
            return super()._read(source)

    readings = read_together(Short(), sources, annotated=False)
    assert [r.result.status for r in readings] == [FileStatus.DONE, FileStatus.FAILED, FileStatus.DONE]
    assert readings[1].result.error_code == "memory"
    assert "more memory than there is (save it again" in readings[1].result.error


class TestPicturesOfManyPages:
    """Memory does not hold them until their file is recorded."""

    pages = 20

    def reading(self, sources, folder):
        """Read a file of pages with ten numbers for review each, on paper that PNG cannot pack."""
        rough = np.random.default_rng(1).integers(0, 255, SHAPE, np.uint8)
        read = numbers("1? 2? 3? 4? 5? 6? 7? 8? 9? 10?")

        class Long:
            def read(self, sources, show=None):
                found = [PageResult(1 + k, SHAPE, read) for k in range(TestPicturesOfManyPages.pages)]
                shown = tuple(show(Page(page.index, rough), page) for page in found)
                return [Reading(FileResult("a.tif", "ab" * 32, tuple(found)), shown)]

        (reading,) = read_together(Long(), sources[:1], annotated=True, pictures=folder)
        return reading

    def test_they_are_held_one_page_at_a_time_and_written_as_they_were(self, sources, tmp_path):
        held = self.reading(sources, None)
        size = sum(len(picture) for shown in held.shown for picture in shown.pictures.values())
        tracemalloc.start()
        put_down = self.reading(sources, tmp_path / "pictures")
        for reading, folder in ((put_down, tmp_path / "one"), (held, tmp_path / "other")):
            if reading is held:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.stop()
            write_crops(folder, reading.shown, items(reading.result, reading.result, "a.tif"))
            write_annotated(folder, "a.tif", reading.shown)
        assert peak < size / 2, "most of it is one page as it is drawn"
        assert len(files_of(tmp_path / "one")) == 11 * self.pages
        assert files_of(tmp_path / "one") == files_of(tmp_path / "other")

    def test_they_go_once_they_are_recorded(self, sources, tmp_path):
        reading = self.reading(sources, tmp_path / "pictures")
        assert len(files_of(tmp_path / "pictures")) == self.pages
        discard([reading])
        assert files_of(tmp_path / "pictures") == {}

    def test_where_they_cannot_be_written_the_run_ends_and_the_file_is_not_to_blame(self, sources, tmp_path):
        (tmp_path / "pictures").write_text("in the way")
        with pytest.raises(DigitocrError):
            self.reading(sources, tmp_path / "pictures")


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
