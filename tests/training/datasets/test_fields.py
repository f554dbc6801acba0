"""Fields of drawn forms, with the truth for their cells."""

import numpy as np
import pytest

from digitocr.training.datasets.fields import drawn_forms, labelled_field
from digitocr.training.synth.strokes import Sources


@pytest.fixture(scope="module")
def fields():
    return [field for form in drawn_forms(11, 2, Sources()) for field in form]


def test_fields_with_ink_come_with_what_was_written(fields):
    assert len(fields) > 5
    for field in fields:
        digits = "".join(cell for cell in field.entry.cells if cell.isdigit())
        assert digits == field.entry.text


def test_whole_digits_are_labelled_with_their_value(fields):
    right = total = 0
    for field in fields:
        labels = labelled_field(field).labels
        for cell, text in enumerate(field.entry.cells):
            if text.isdigit():
                inside = [
                    int(label)
                    for candidate, label in zip(field.line.candidates, labels, strict=True)
                    if field.line.cells[candidate.first] == cell
                ]
                total += 1
                right += int(text) in inside
    assert total > 10
    assert right >= 0.95 * total


def test_spans_follow_the_digits_from_left_to_right(fields):
    known = [(f, spans) for f in fields if (spans := labelled_field(f).written) is not None]
    assert len(known) > 0.8 * len(fields)
    for field, spans in known:
        assert "".join(str(span.value) for span in spans) == field.entry.text
        lefts = [span.left for span in spans]
        assert lefts == sorted(lefts)
        assert all(0 <= span.left < span.right <= np.shape(field.line.labels)[1] for span in spans)
