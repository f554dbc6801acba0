"""Splits of labelled digits: each digit takes part in all of them."""

from collections import Counter

import numpy as np
import pytest

from digitocr.training.datasets.digits import Dataset, Digits
from digitocr.training.datasets.splits import absent, spread, with_test_part


def numbered(labels):
    """Pictures that say which one they are."""
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    return Digits(images, np.array(labels, np.uint8))


SORTED = numbered(np.repeat(np.arange(10), 20))


class TestSpread:
    def test_every_stretch_of_sorted_digits_holds_each_in_proportion(self):
        found = spread(SORTED, 3)
        for start in range(0, 200, 40):
            counts = Counter(found.labels[start : start + 40].tolist())
            assert set(counts) == set(range(10))
            assert all(3 <= count <= 5 for count in counts.values())

    @pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
    def test_digits_from_the_end_are_of_all_kinds_even_if_one_is_rare(self, share):
        labels = np.repeat(np.arange(10), [500, *[20] * 9])
        held = round(share * len(labels))
        found = spread(numbered(labels), 1).labels[-held:]
        assert set(found.tolist()) == set(range(10))

    def test_pictures_keep_their_labels_and_a_seed_its_order(self):
        first, again, other = spread(SORTED, 4), spread(SORTED, 4), spread(SORTED, 5)
        assert (first.images[:, 0, 0] // 20 == first.labels).all()
        assert sorted(first.images[:, 0, 0].tolist()) == list(range(200))
        assert first.images.tobytes() == again.images.tobytes() != other.images.tobytes()


class TestWithTestPart:
    def test_a_fifth_of_each_digit_is_held_out(self):
        data = with_test_part(Dataset("mine", SORTED, None))
        assert Counter(data.test.labels.tolist()) == dict.fromkeys(range(10), 4)
        assert Counter(data.train.labels.tolist()) == dict.fromkeys(range(10), 16)

    def test_no_picture_is_in_both_parts_and_none_is_lost(self):
        data = with_test_part(Dataset("mine", SORTED, None))
        both = [*data.train.images[:, 0, 0].tolist(), *data.test.images[:, 0, 0].tolist()]
        assert sorted(both) == list(range(200))

    def test_the_same_pictures_are_held_out_in_any_order(self):
        one = with_test_part(Dataset("mine", SORTED, None)).test
        other = with_test_part(Dataset("mine", spread(SORTED, 9), None)).test
        assert set(one.images[:, 0, 0].tolist()) == set(other.images[:, 0, 0].tolist())

    def test_a_test_part_of_the_source_stays(self):
        data = Dataset("mine", SORTED, SORTED.part(slice(0, 5)))
        assert with_test_part(data) is data

    def test_of_very_few_pictures_none_is_held_out(self):
        few = numbered([0, 0, 1, 1])
        assert with_test_part(Dataset("mine", few, None)).test is None
        three = with_test_part(Dataset("mine", numbered([0, 0, 0, 1]), None))
        assert three.test.labels.tolist() == [0]


class TestAbsent:
    def test_digits_without_a_picture_are_named(self):
        assert absent(numbered([0, 1, 2, 3, 4, 5, 6])) == "7, 8, 9"
        assert absent(SORTED) == ""
