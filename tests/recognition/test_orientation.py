"""Which way up a page is; with the shipped model in tests/test_pipeline.py."""

from types import SimpleNamespace

from digitocr.recognition.orientation import best_turn


def way_up(merit, *, confirmed=False, column=False):
    """What is known of a way up a sheet may be."""
    return SimpleNamespace(merit=merit, is_confirmed=confirmed, is_column=column, is_in_rows=True)


def test_a_sheet_whose_text_is_confirmed_is_not_turned_but_waits():
    upright = way_up(1.0, confirmed=True)
    assert best_turn(upright, [way_up(9.0)]) == (upright, True)
    assert best_turn(upright, [way_up(0.1)]) == (upright, False)


def test_a_sheet_that_reads_much_better_turned_is_turned_and_a_near_tie_waits():
    upright, turned = way_up(1.0), way_up(9.0)
    assert best_turn(upright, [turned]) == (turned, False)
    assert best_turn(upright, [way_up(1.2)]) == (upright, True)
    column = way_up(9.0, column=True)
    assert best_turn(upright, [column]) == (column, True)
