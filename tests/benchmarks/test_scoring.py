"""The benchmark's own scorer: by hand on small cases, and against the reference scorer where present."""

import importlib.util
import os
import random
from pathlib import Path

import pytest
from fake_results import KINDS, Fake, fill

from benchmarks.scoring import Share, align, calibration_error, families
from benchmarks.truth import Half, family, in_mean, read_truth

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("DIGITOCR_DATA", ROOT.parent / "shared/data"))
REFERENCE = DATA.parent / "tools/score.py"


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
    assert (got.extra_accepted, got.extra_review, got.extra_rows) == (1.0, 1.0, 2.0)


def test_families_go_by_the_begin_of_a_name_and_small_ones_are_joined(tmp_path):
    fake = Fake(tmp_path)
    for i in range(12):
        fake.want(f"golf{i}.png", "1")
        fake.want(f"sub/c1_2014_{i}.png", "1")
    for name in ("rare_1.png", "7.png"):
        fake.want(name, "1")
    fake.finish()
    groups = families(fake.scored().answers)
    assert {name: len(files) for name, files in groups.items()} == {"c1_2014": 12, "golf": 12, "other": 2}
    assert list(groups)[-1] == "other"
    assert family("sub/c1_2014_3.png") == "c1_2014"
    assert in_mean({"golf": 12, "other": 2}) == ["golf"]
    assert in_mean({"other": 2}) == ["other"]


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


def assert_same(got, wanted):
    assert got.answers == wanted.pop("answers")
    wanted.pop("set")
    for name, value in wanted.items():
        mine = getattr(got, name)
        if isinstance(mine, Share):
            mine = mine.value if name in ("wrong", "whole") else mine.value or 0.0
        assert mine == (value if value is None else pytest.approx(value)), name


@pytest.mark.skipif(not REFERENCE.exists(), reason="no reference scorer next to DIGITOCR_DATA")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_reference_scorer(tmp_path, kind, seed):
    spec = importlib.util.spec_from_file_location("reference_scorer", REFERENCE)
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    fake = Fake(tmp_path, kind)
    fill(fake, random.Random(seed))
    fake.finish()
    for half in (None, *Half):
        arguments = str(fake.results), str(fake.set), half and half.value
        got = fake.scored(half)
        wanted, _ = reference.score(*arguments)
        assert_same(got.figures(), wanted | {"extra_rows": reference.extra_rows(*arguments)})
        groups = reference.by_family(*arguments)
        assert list(got.families()) == [name for name, _ in groups]
        for part, (_, group) in zip(got.families().values(), groups, strict=True):
            assert_same(part.figures(), group)
