"""When a number can be believed: what is counted of drawings."""

from digitocr.judge import Evidence
from digitocr.training.calibrate import Judged, of_drawings, threshold_for


def number(sure: float, *, right: bool, drawing: int) -> Judged:
    """A number whose posterior is all that counts."""
    return Judged(Evidence(sure, (), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (), 28.0), right, drawing)


def test_a_drawing_in_parts_is_as_sure_as_the_least_sure_and_right_if_all_are():
    parts = [number(-0.1, right=True, drawing=3), number(-2.0, right=False, drawing=3)]
    (one,) = of_drawings(parts, ())
    assert one.right is False
    assert abs(one.confidence - 0.1353) < 1e-3


def test_sure_parts_of_a_drawing_of_which_a_part_waits_do_not_raise_the_threshold():
    good = [number(-0.2, right=True, drawing=k) for k in range(50)]
    split = [number(-0.1, right=False, drawing=1000) for _ in range(9)]
    assert threshold_for([*good, *split], ()) > 0.9
    waiting = number(-3.0, right=False, drawing=1000)
    assert threshold_for([*good, *split, waiting], ()) < 0.82


def test_a_drawing_of_parts_side_by_side_counts_as_waiting():
    (one,) = of_drawings([Judged(number(-0.01, right=True, drawing=2).evidence, True, 2, near=True)], ())
    assert one.confidence == 0
