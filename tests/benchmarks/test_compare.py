"""Two results folders compared: random results against themselves and against perturbed copies."""

import random
import shutil

import pytest
from fake_results import Fake, fill

from benchmarks import compare as command
from benchmarks.compare import compare, compare_tables
from benchmarks.paired import ALL, MEAN, MEASURES, figures_of
from benchmarks.truth import Half

SEED = 7


@pytest.fixture(params=["line", "page"])
def fake(tmp_path, request):
    """Results of 60 files in two large families and a small one."""
    fake = Fake(tmp_path, request.param)
    fill(fake, random.Random(SEED))
    fake.finish()
    return fake


@pytest.fixture
def after(fake):
    return shutil.copytree(fake.results, fake.results.parent / "after")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def write_lines(folder, reads, truth="12"):
    """Write a set of one-number files and what was read of each: (text, status)."""
    fake = Fake(folder)
    for i, (text, status) in enumerate(reads):
        fake.want(f"a{i}.png", truth)
        fake.read(f"a{i}.png", (text, 0.9, status, (0, 0)))
    fake.finish()
    return fake


def test_a_folder_is_equal_to_itself(fake, after, capsys):
    found = compare(fake.results, after, fake.set)
    assert not found.tables.differ
    assert not found.answers
    assert not found.faults()
    for of in found.figures.values():
        for change in of.values():
            assert (change.difference, change.low, change.high) == (0, 0, 0)
    assert command.main([str(fake.results), str(after), "--set", str(fake.set)]) == 0
    assert "equal byte for byte" in capsys.readouterr().out


def test_figures_are_those_of_the_scorer(fake, after):
    found, scored = compare(fake.results, after, fake.set), fake.scored()
    of, got = found.figures[ALL], scored.figures()
    for name in ("exact", "whole", "accepted", "wrong", "missing"):
        assert of[name].before == pytest.approx(getattr(got, name).value)
    assert of["silent"].before == pytest.approx(got.silent)
    if fake.kind == "page":
        for name in ("extra_accepted", "extra_rows"):
            assert of[name.replace("_", " ")].before == pytest.approx(getattr(got, name))
        assert of["extra for review"].before == pytest.approx(got.extra_review)
    families = [part.figures().exact.value for name, part in scored.families().items() if name != "other"]
    assert found.figures[MEAN]["exact"].before == pytest.approx(sum(families) / len(families))


def test_times_and_model_are_told_apart_from_what_was_read(fake, after):
    edit(after / "files.csv", ",0.1", ",0.2")
    tables = compare_tables(fake.results, after)
    assert (tables.differ, tables.model) == ((), ())
    for folder, model in ((fake.results, "a"), (after, "b")):
        edit(folder / "files.csv", "seconds", "model")
        edit(folder / "files.csv", ",0.1" if model == "a" else ",0.2", f",{model}")
    tables = compare_tables(fake.results, after)
    assert (tables.differ, tables.model) == ((), ("files.csv",))


def test_tables_that_differ_or_are_missing_are_named(fake, after):
    first, second = sorted(after.glob("*.numbers.csv"))[:2]
    first.unlink()
    second.write_text(second.read_text() + "x\n")
    (after / ".old").mkdir()
    (after / ".old/kept.csv").touch()
    assert compare_tables(fake.results, after).differ == (first.name, second.name)


def test_each_kind_of_change_is_counted(tmp_path):
    cases = {  # read before, read after, what that is
        ("12", "review", "12", "accepted"): {"newly accepted"},
        ("12", "accepted", "12", "review"): {"no longer accepted"},
        ("13", "review", "12", "review"): {"better"},
        ("12", "review", "13", "review"): {"worse"},
        ("13", "review", "14", "review"): {"other, both wrong"},
        ("12", "accepted", "13", "accepted"): {"worse", "newly wrong accepted", "newly silent"},
        ("13", "accepted", "12", "accepted"): {"better", "no longer wrong accepted", "less silent"},
        ("12", "accepted", "12", "accepted"): set(),
    }
    before = write_lines(tmp_path / "before", [case[:2] for case in cases])
    after = write_lines(tmp_path / "after", [case[2:] for case in cases])
    found = compare(before.results, after.results, before.set)
    assert found.counts[ALL].pop("answers") == len(cases)
    assert found.counts[ALL].pop("changed") == len(cases) - 1
    for name, count in found.counts[ALL].items():
        assert count == sum(name in kinds for kinds in cases.values()), name


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        (("12", "review"), ("13", "review"), ["exact"]),
        (("12", "accepted"), ("12", "review"), ["accepted"]),
        (("12", "accepted"), ("13", "accepted"), ["exact", "wrong", "silent"]),
        (("13", "review"), ("12", "accepted"), []),
    ],
)
def test_a_loss_beyond_the_interval_is_a_fault_and_one_answer_is_not(tmp_path, capsys, before, after, faults):
    old = write_lines(tmp_path / "before", [before] * 40)
    for changed, expected in ((10, faults), (1, [])):
        new = write_lines(tmp_path / f"after-{changed}", [after] * changed + [before] * (40 - changed))
        assert compare(old.results, new.results, old.set).faults() == expected
        status = command.main([str(old.results), str(new.results), "--set", str(old.set)])
        assert status == bool(expected)
    assert "a0.png " not in capsys.readouterr().out


def test_the_interval_is_that_of_pairs_and_the_same_each_time(tmp_path):
    old = write_lines(tmp_path / "before", [("12", "accepted")] * 200)
    new = write_lines(tmp_path / "after", [("13", "accepted")] * 20 + [("12", "accepted")] * 180)
    first, again = (figures_of(old.scored(), new.scored())[ALL]["exact"] for _ in range(2))
    assert first == again
    # a share of 0.1 of 200 has a standard error of 0.021
    assert first.difference == pytest.approx(-0.1)
    assert first.low == pytest.approx(-0.1 - 1.96 * 0.0212, abs=0.01)
    assert first.high == pytest.approx(-0.1 + 1.96 * 0.0212, abs=0.01)


def test_answers_are_shown_of_the_looking_half_alone(tmp_path, capsys):
    old = write_lines(tmp_path / "before", [("12", "review")] * 30)
    new = write_lines(tmp_path / "after", [("13", "review")] * 30)
    arguments = [str(old.results), str(new.results), "--set", str(old.set), "--show"]
    command.main(arguments)
    lines = [line for line in capsys.readouterr().out.splitlines() if "→ 13 " in line]
    files = {line.split()[0] for line in lines}
    assert files == {f"a{i}.png" for i in range(30) if Half.of(f"a{i}.png") is Half.LOOK}
    assert "truth=12 12 for review → 13 for review: worse" in lines[0]


def test_a_folder_may_hold_the_results_of_many_sets(fake, after, tmp_path, capsys):
    for name, results in (("one", fake.results), ("two", after)):
        shutil.copytree(results, tmp_path / name / "set" / "results")
    assert command.main([str(tmp_path / "one"), str(tmp_path / "two"), "--set", str(fake.set)]) == 0
    capsys.readouterr()
    with pytest.raises(SystemExit, match="no results of set"):
        command.main([str(tmp_path / "one"), str(tmp_path / "none"), "--set", str(fake.set)])
    with pytest.raises(SystemExit):
        command.main([str(fake.results), str(after), "--set", str(tmp_path)])
    assert "no truth.csv" in capsys.readouterr().err


def test_every_measure_has_a_name_of_its_own():
    assert len({m.name for m in MEASURES}) == len(MEASURES)
