"""Thresholds for a wanted rate of errors."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitocr.errors import UsageError
from digitocr.training.calibrate.acceptance import Outcome, choose, read_truth

EXAMPLES = Path(__file__).parents[3] / "examples"

found_numbers = st.lists(
    st.builds(Outcome, st.integers(0, 20).map(lambda k: k / 20), st.booleans(), st.booleans()), max_size=60
)


@given(found_numbers, st.floats(0.01, 0.5))
def test_what_is_accepted_keeps_to_the_target_and_no_lower_threshold_would(found, target):
    chosen = choose(found, target)
    taken = [one for one in found if one.confidence >= chosen.threshold and not one.held_back]
    assert len(taken) == chosen.accepted
    assert sum(not one.right for one in taken) == chosen.wrong <= target * max(len(taken), 1)
    for lower in {one.confidence for one in found if one.confidence < chosen.threshold}:
        more = [one for one in found if one.confidence >= lower and not one.held_back]
        wrong = sum(not one.right for one in more)
        assert len(more) == chosen.accepted or wrong > target * len(more)


def test_certainty_grows_with_the_numbers():
    few, many = (choose([Outcome(0.99, True)] * count, 0.01) for count in (50, 5000))
    assert few.wrong == many.wrong == 0
    assert many.at_most < 0.001 < few.at_most


def test_truth_of_several_numbers(tmp_path):
    (tmp_path / "truth.csv").write_text("file,text\na.png,12|3 45\nb.png,\n", encoding="utf-8")
    assert read_truth(tmp_path) == {"a.png": ["12", "3", "45"], "b.png": []}


@pytest.mark.parametrize("content", ["", "name,value\na,1\n"])
def test_a_table_of_another_form_is_refused(tmp_path, content):
    (tmp_path / "truth.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="file and text"):
        read_truth(tmp_path)


def test_a_table_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "truth.csv").write_bytes("file,text\nété.png,1\n".encode("latin-1"))
    with pytest.raises(UsageError, match="cannot read"):
        read_truth(tmp_path)


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "digitocr", "threshold", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.soak
def test_the_command_on_the_examples():
    done = command("--labelled", EXAMPLES, "--target-error", "0.05", "--json")
    assert done.returncode == 0, done.stderr
    chosen = json.loads(done.stdout)
    with (EXAMPLES / "truth.csv").open(encoding="utf-8") as stream:
        assert chosen["numbers"] >= sum(1 for _ in csv.DictReader(stream))
    assert chosen["wrong"] <= math.floor(0.05 * chosen["accepted"])


def test_a_missing_table_is_a_mistake_of_the_user(tmp_path):
    done = command("--labelled", tmp_path)
    assert done.returncode == 2
    assert "truth.csv" in done.stderr
    assert "Traceback" not in done.stderr
