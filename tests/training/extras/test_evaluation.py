"""Figures of a model whose every answer is known."""

import numpy as np
import pytest

from digitocr.training.datasets.digits import Digits
from digitocr.training.extras.evaluation import Evaluation, as_dict, report, turned_test

pytest.importorskip("sklearn")


def evaluated():
    """Twenty digits, each of the ten twice; one 9 is read as a 4, all with 91 %."""
    labels = np.tile(np.arange(10, dtype=np.uint8), 2)
    read = labels.copy()
    read[9] = 4
    logs = np.log(np.full((20, 10), 0.01) + 0.9 * np.eye(10)[read]).astype(np.float32)
    return Evaluation("m", Digits(np.zeros((20, 28, 28), np.uint8), labels), logs)


def test_figures_of_known_answers():
    told = as_dict(evaluated())
    assert told["accuracy"] == 0.95
    assert told["confusion"][9][4] == 1
    assert np.trace(told["confusion"]) == 19
    assert told["per_digit"]["9"]["recall"] == 0.5
    assert told["per_digit"]["4"]["precision"] == pytest.approx(2 / 3, abs=1e-6)
    assert told["calibration_error"] == pytest.approx(0.04, abs=1e-6)
    assert told["loss"] == pytest.approx(-(19 * np.log(0.91) + np.log(0.01)) / 20, abs=1e-5)


def test_the_report_has_a_row_for_every_digit():
    rows = [line.split() for line in report(evaluated()).splitlines() if line.strip()]
    assert [row[0] for row in rows[1:11]] == list("0123456789")
    assert rows[10][1:] == ["1.0000", "0.5000", "0.6667", "2"]


def test_without_turns_the_test_digits_stay_as_they_are():
    digits = evaluated().digits
    assert turned_test(digits, ()) is digits
    assert len(turned_test(digits, (90.0,))) == 2 * len(digits)
