"""The example pictures."""

import csv
from pathlib import Path

import cv2
import numpy as np

from digitocr.training.examples import EXAMPLES, draw_example, main

FOLDER = Path(__file__).parents[2] / "examples"


def test_examples_are_drawn_with_their_truth(tmp_path: Path) -> None:
    main([str(tmp_path)])
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [r["file"] for r in rows] == sorted(EXAMPLES)
    for row in rows:
        assert row["text"].replace("|", "").isdigit()
        assert cv2.imread(str(tmp_path / row["file"])) is not None
    sizes = [p.stat().st_size for p in tmp_path.iterdir()]
    assert max(sizes) < 150_000
    assert sum(sizes) < 700_000


def test_committed_examples_have_the_truth_they_are_drawn_with() -> None:
    with (FOLDER / "truth.csv").open(encoding="utf-8", newline="") as stream:
        truth = {row["file"]: row["text"] for row in csv.DictReader(stream)}
    assert truth == {name: draw_example(name).text for name in EXAMPLES}


def test_examples_come_from_our_own_skeletons_alone() -> None:
    for name in EXAMPLES:
        drawing = draw_example(name)
        assert all(d.variant.startswith("own/") for d in drawing.digits)
        assert not drawing.overwritten
        assert np.ptp(drawing.image) > 60
