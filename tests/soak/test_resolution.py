"""The whole of what tests/test_resolution.py samples."""

from scanned_crops import compare

from digitocr.pipeline import load_reader


def test_two_pixels_more_or_less_change_at_most_one_text_in_fifty():
    differ, against = compare(load_reader(threads=1), 1000, seed=18)
    assert against == 0
    assert differ <= 20
