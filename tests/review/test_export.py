import csv

import cv2
import numpy as np
import pytest
from reading_path import clean, segment
from reviewers import Person, review_of

from digitocr.errors import UsageError
from digitocr.io import sandbox
from digitocr.io.pages import decode
from digitocr.records import Digit, FileResult, Number, PageResult, Reading, Reason, Status, around
from digitocr.review import export
from digitocr.settings import load_settings


def page(text, turn=None):
    grey = np.full((160, 60 + 70 * len(text)), 240, np.uint8)
    for i, digit in enumerate(text):
        cv2.putText(grey, digit, (40 + 70 * i, 110), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (20,), 5, cv2.LINE_AA)
    return cv2.imencode(".png", grey)[1].tobytes()


class CuttingReader:
    """Cuts as the program does; each digit of `page` is a 3, and unsure."""

    def __init__(self):
        self.seen = []

    def read(self, sources, show):
        return [self._read(source, show) for source in sources]

    def _read(self, source, show):
        import hashlib

        data = source.path.read_bytes()
        pages = decode(data)
        numbers = []
        for each in pages:
            sheet = clean(each)
            for line in segment(sheet):
                boxes = [sheet.box_on_page(c.box, each.grey.shape) for c in line.candidates]
                widest = {(box.x - 30) // 70: box for box in sorted(boxes, key=lambda b: b.width)}
                digits = tuple(Digit(3, 0.4, 8, 0.3, widest[place]) for place in sorted(widest))
                numbers.append(
                    Number(digits, 0.4, around([d.box for d in digits]), "3" * len(digits), Status.REVIEW,
                           (Reason.LOW_CONFIDENCE,))
                )  # fmt: skip
        content = hashlib.sha256(data).hexdigest()
        result = FileResult(source.file, content, (PageResult(1, pages[0].grey.shape, tuple(numbers)),))
        return Reading(result, (show(pages[0], result.pages[0]),))


@pytest.fixture
def cut(work):
    work.reader = CuttingReader()
    work.put("a.png", page("174"))
    work.put("b.png", page("25"))
    work.run()
    return work


def settle(work, *texts):
    with review_of(work) as review:
        ann = Person(review)
        for task, text in zip(ann.take(9), texts, strict=False):
            assert ann.say(task, text) == ""


def labels(folder):
    with (folder / "labels.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_what_was_settled_is_exported_as_the_network_saw_it(cut, tmp_path):
    settle(cut, "174", "33")
    done = export.export(cut.settings(), tmp_path / "out")
    assert (done.digits, done.corrections, done.left_out) == (5, 3, ())
    rows = labels(tmp_path / "out")
    assert [(row["label"], row["read"]) for row in rows] == [
        ("1", "3"), ("7", "3"), ("4", "3"), ("3", "3"), ("3", "3"),
    ]  # fmt: skip
    for row in rows:
        picture = cv2.imread(str(tmp_path / "out" / row["crop"]), cv2.IMREAD_GRAYSCALE)
        assert picture.shape == (28, 28)
        assert picture.max() == 255
        assert picture[0].max() == 0


def test_what_was_not_settled_or_was_taken_back_is_not(cut, tmp_path):
    with review_of(cut) as review:
        ann = Person(review)
        ann.say(ann.take()[0], "174")
        ann.undo()
    assert export.export(cut.settings(), tmp_path / "out").digits == 0


def test_a_number_of_another_length_tells_of_no_digit(cut, tmp_path):
    settle(cut, "1745", "-")
    assert export.export(cut.settings(), tmp_path / "out").digits == 0


def test_a_file_that_is_gone_is_left_out_with_why(cut, tmp_path):
    settle(cut, "174", "25")
    (cut.folder / "archive" / "a.png").unlink()
    done = export.export(cut.settings(), tmp_path / "out")
    assert done.digits == 2
    assert len(done.left_out) == 3
    assert "no longer" in (tmp_path / "out" / "left-out.csv").read_text()


def test_a_file_that_ends_its_decoder_is_left_out_with_why(cut, tmp_path, monkeypatch):
    settle(cut, "174", "25")
    monkeypatch.setattr(sandbox, "DECODER", "import os; os.kill(os.getpid(), 11)")
    done = export.export(cut.settings(), tmp_path / "out")
    assert done.digits == 0
    assert {why for _, why in done.left_out} == {
        "the decoder crashed on it (signal 11) (scan or copy it again)"
    }


def test_the_same_picture_under_two_labels_is_left_out(work, tmp_path):
    work.reader = CuttingReader()
    work.put("a.png", page("11"))
    work.run()
    settle(work, "17")
    done = export.export(work.settings(), tmp_path / "out")
    assert done.digits == 0
    assert "another label" in done.left_out[0][1]


@pytest.mark.parametrize(
    ("grey", "why"), [(0, "there is hardly any ink"), (255, "more ink than a digit has")]
)
def test_blots_and_empty_crops_are_left_out_with_why(cut, tmp_path, monkeypatch, grey, why):
    settle(cut, "174", "25")
    monkeypatch.setattr(export, "to_mnist", lambda ink: np.full((28, 28), grey, np.uint8))
    done = export.export(cut.settings(), tmp_path / "out")
    assert done.digits == 0
    assert {said for _, said in done.left_out} == {why}


def test_an_export_is_made_anew_and_other_folders_are_left_alone(cut, tmp_path):
    settle(cut, "174", "25")
    folder = tmp_path / "out"
    export.export(cut.settings(), folder)
    (folder / "9").mkdir()
    (folder / "9" / "stale.png").write_bytes(b"")
    export.export(cut.settings(), folder)
    assert not (folder / "9" / "stale.png").exists()
    with pytest.raises(UsageError, match="something else"):
        export.export(cut.settings(), cut.folder / "archive")


def test_nothing_was_read_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="nothing was read"):
        export.export(load_settings(), tmp_path / "out")
