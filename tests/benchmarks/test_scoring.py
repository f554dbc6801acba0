"""The benchmark's own scorer: by hand on small cases, and against the reference scorer where present."""

import csv
import importlib.util
import os
import random
from pathlib import Path

import pytest

from benchmarks.scoring import Figures, Half, Results, Share, align, calibration_error, figures, read_truth

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DIGITOCR_DATA", ROOT.parent / "shared/data"))
REFERENCE = Path(os.environ.get("DIGITOCR_SCORER", DATA.parent / "tools/score.py"))

KINDS = {  # the columns of truth.csv
    "line": ("file", "text"),
    "photo": ("file", "text", "n_digits", "rotation_cw_deg", "medium", "tags"),
    "page": ("file", "field", "text", "x", "y", "width", "height", "note"),
}


def write_table(path, rows, columns=()):
    columns = columns or list(rows[0] if rows else ["file"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


class Fake:
    """Results tables and a truth, written row by row."""

    def __init__(self, folder, kind="line"):
        self.set, self.results = folder / "set", folder / "results"
        self.kind, self.truth, self.files = kind, [], []

    def want(self, file, text, **more):
        self.truth.append({"file": f"images/{file}", "text": text, **more})

    def read(self, file, *numbers, status="done"):
        """Write what was read: ``(text, confidence, status, (x, y))`` per number, 10 pixels a digit."""
        self.files.append({"file": file, "status": status, "seconds": "0.1"})
        if status == "failed":
            return
        digit_rows, number_rows = [], []
        for i, (text, confidence, state, (x, y)) in enumerate(numbers, start=1):
            base = {"file": file, "page": 1, "number": i, "y": y, "height": 10, "status": state}
            width = 10 * max(1, len(text))
            number_rows.append(base | {"text": text, "confidence": confidence, "x": x, "width": width})
            for j, digit in enumerate(text):
                place = {"position": j + 1, "x": x + 10 * j, "width": 10}
                digit_rows.append(base | place | {"digit": digit, "confidence": confidence})
        write_table(self.results / f"{file}.digits.csv", digit_rows)
        write_table(self.results / f"{file}.numbers.csv", number_rows)

    def finish(self):
        write_table(self.results / "files.csv", self.files)
        write_table(self.set / "truth.csv", self.truth, KINDS[self.kind])

    def figures(self, half=None) -> Figures:
        self.finish()
        results, truths = Results(self.results), read_truth(self.set, half)
        return figures([results.answer(t) for t in truths], results.outside(truths))


def test_accepted_answers_that_are_right_cost_nothing(tmp_path):
    fake = Fake(tmp_path)
    fake.want("a.png", "107")
    fake.read("a.png", ("107", 0.99, "accepted", (0, 0)))
    got = fake.figures()
    assert got.exact == got.whole == got.accepted == Share(1, 1)
    assert got.wrong == got.missing == Share(0, 1)
    assert got.der == got.silent == 0.0


def test_a_parted_number_is_exact_but_not_whole(tmp_path):
    fake = Fake(tmp_path)
    fake.want("a.png", "1234")
    fake.read("a.png", ("12", 0.9, "accepted", (0, 0)), ("34", 0.9, "accepted", (50, 0)))
    got = fake.figures()
    assert (got.exact.hits, got.whole.hits) == (1, 0)


def test_wrong_digits_are_silent_only_where_nobody_is_asked(tmp_path):
    fake = Fake(tmp_path)
    for file, state in (("a.png", "accepted"), ("b.png", "review")):
        fake.want(file, "12")
        fake.read(file, ("15", 0.8, state, (0, 0)))
    got = fake.figures()
    assert got.silent == pytest.approx(1 / 4)
    assert got.wrong == Share(1, 1)
    assert got.accepted == Share(1, 2)


def test_nothing_wanted_and_nothing_read_is_exact_but_a_failed_file_is_not(tmp_path):
    fake = Fake(tmp_path)
    for file, status in (("a.png", "empty"), ("b.png", "failed")):
        fake.want(file, "")
        fake.read(file, status=status)
    got = fake.figures()
    assert (got.exact, got.failed) == (Share(1, 2), Share(1, 2))
    assert got.accepted == Share(0, 0)


def test_numbers_outside_every_box_are_extra(tmp_path):
    fake = Fake(tmp_path, "page")
    fake.want("p.png", "7", field="a", x=0, y=0, width=20, height=20)
    fake.want("p.png", "3", field="unmarked", x="", y="", width="", height="")
    fake.read(
        "p.png",
        ("7", 0.9, "accepted", (2, 2)),
        ("8", 0.9, "accepted", (100, 100)),
        ("9", 0.2, "review", (200, 100)),
        ("", 0.2, "review", (300, 100)),
    )
    got = fake.figures()
    assert got.answers == 1
    assert (got.extra_accepted, got.extra_review) == (1.0, 1.0)


def test_corrected_tables_are_refused(tmp_path):
    fake = Fake(tmp_path)
    fake.want("a.png", "1")
    fake.read("a.png", ("1", 0.9, "corrected", (0, 0)))
    with pytest.raises(ValueError, match="corrected by a person"):
        fake.figures()


def test_halves_part_a_set(tmp_path):
    fake = Fake(tmp_path)
    for i in range(40):
        fake.want(f"{i}.png", "1")
    fake.finish()
    look, count = (read_truth(fake.set, half) for half in Half)
    assert len(look) + len(count) == 40
    assert min(len(look), len(count)) > 5
    assert not {t.file for t in look} & {t.file for t in count}


def test_align_names_digits_that_are_wrong_or_too_many():
    assert align("", "12") == (2, [], 2)
    assert align("129", "12") == (1, [2], 0)
    assert align("19", "12") == (1, [1], 0)


def test_interval_of_nothing_is_everything():
    assert Share(0, 0).value is None
    assert Share(0, 0).interval() == (0.0, 1.0)
    low, high = Share(0, 100).interval()
    assert low == 0.0
    assert high == pytest.approx(0.037, abs=1e-3)


def test_calibration_error_of_overconfidence():
    assert calibration_error([(1.0, False)] * 30) == pytest.approx(1.0)
    assert calibration_error([]) == 0.0


def spoil(rng, text):
    """Misread: digits replaced, lost and added."""
    read = []
    for digit in text:
        chance = rng.random()
        if chance > 0.1:
            read.append(digit if chance > 0.2 else rng.choice("0123456789"))
        if rng.random() < 0.05:
            read.append(rng.choice("0123456789"))
    return "".join(read)


def fill(fake, rng):
    """Write a set of random answers, some of them misread, parted, unread, failed or outside the boxes."""
    for i in range(60):
        file, numbers = f"{i}.png", []
        for k in range(rng.randint(1, 4) if fake.kind == "page" else 1):
            text = "".join(rng.choices("0123456789", k=rng.choice((0, 1, 3, 6))))
            marked = text[:2] + "|" + text[2:] if fake.kind == "photo" and len(text) > 2 else text
            box = {}
            if fake.kind == "page":
                x = "" if rng.random() < 0.1 else 0
                box = {"field": f"f{k}", "x": x, "y": 40 * k, "width": 100, "height": 30}
            fake.want(file, marked, **box)
            read, cut = spoil(rng, text), rng.randint(0, 8)
            for part in (read[:cut], read[cut:]):
                if part or rng.random() < 0.1:
                    state = rng.choice(("accepted", "accepted", "review"))
                    place = rng.choice((0, 0, 0, 120)), 40 * k + 5
                    numbers.append((part, round(rng.random(), 4), state, place))
        status = rng.choice(("done", "done", "done", "done", "partial", "failed"))
        if rng.random() < 0.95:
            fake.read(file, *numbers, status=status if numbers else "empty")


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference scorer (DIGITOCR_SCORER)")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_reference_scorer(tmp_path, kind, seed):
    spec = importlib.util.spec_from_file_location("reference_scorer", REFERENCE)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    fake = Fake(tmp_path, kind)
    fill(fake, random.Random(seed))
    for half in (None, *Half):
        got = fake.figures(half)
        wanted, _ = reference.score(str(fake.results), str(fake.set), half and half.value)
        assert got.answers == wanted.pop("answers")
        wanted.pop("set")
        for name, value in wanted.items():
            mine = getattr(got, name)
            if isinstance(mine, Share):
                mine = mine.value if name in ("wrong", "whole") else mine.value or 0.0
            assert mine == (value if value is None else pytest.approx(value)), name
