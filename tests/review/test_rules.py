import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitocr.review.rules import Rules, interval, is_answer, person
from digitocr.review.sampling import drawn

names = st.integers(0, 1 << 60).map(lambda i: f"r{i:x}")


@given(names, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_draw_holds_every_smaller_one(name, one, other):
    small, large = sorted((one, other))
    assert not drawn(name, "audit", small) or drawn(name, "audit", large)


def test_a_share_is_drawn_evenly_and_apart_from_other_draws():
    many = [f"r{i}" for i in range(20_000)]
    audit = {name for name in many if drawn(name, "audit", 0.1)}
    second = {name for name in many if drawn(name, "second", 0.1)}
    assert 1850 < len(audit) < 2150
    assert 130 < len(audit & second) < 270  # as chance would have it: 200


@settings(deadline=None)  # the first call imports scipy
@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(max(n, 1)))))
def test_the_interval_holds_the_estimate_and_narrows(case):
    wrong, count = case
    low, high = interval(wrong, count)
    assert 0 <= low <= wrong / count <= high <= 1
    more_low, more_high = interval(4 * wrong, 4 * count)
    assert more_high - more_low <= high - low + 1e-12


# R's binom.test
@pytest.mark.parametrize(
    ("wrong", "count", "low", "high"),
    [(0, 100, 0.0, 0.03621669), (1, 100, 0.0002531460, 0.0544593850), (5, 50, 0.03327509, 0.21813537),
     (10, 10, 0.69150289, 1.0)],
)  # fmt: skip
def test_the_interval_is_that_of_the_books(wrong, count, low, high):
    assert interval(wrong, count) == pytest.approx((low, high), abs=1e-7)


def test_the_interval_covers_as_often_as_it_says():
    from scipy.stats import binom

    for rate in (0.002, 0.01, 0.05):
        covered = sum(
            binom.pmf(wrong, 400, rate) for wrong in range(401)
            if interval(wrong, 400)[0] <= rate <= interval(wrong, 400)[1]
        )  # fmt: skip
        assert covered >= 0.95


def test_fields_are_always_read_twice():
    rules = Rules(second_share=0, second_fields=frozenset({"total"}))
    assert rules.wants_second("r1", "total")
    assert not rules.wants_second("r1", "")


@given(st.text())
def test_names_are_one_line_of_some_length(text):
    name = person(text)
    assert len(name) <= 60
    assert name.isprintable()
    assert person(name).strip() == name.strip()


@pytest.mark.parametrize("text", ["", "7 ", "١", "1.", "--", "1" * 41, "a"])
def test_what_is_no_answer(text):
    assert not is_answer(text)
