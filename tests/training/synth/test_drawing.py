"""Drawings: the same for a seed, with truth that agrees with the pixels."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitocr.training.synth import form_pages, inks, number_sheets, photos, printing
from digitocr.training.synth.amounts import amount, amount_tokens
from digitocr.training.synth.cells import cell, form_field
from digitocr.training.synth.drawing import STRUCK, Drawing, owned_boxes
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.lines import line
from digitocr.training.synth.pen import Token, write
from digitocr.training.synth.strokes import Sources

OWN = Sources()
SEEDS = st.integers(0, 2**31 - 1)
FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


def small_page(rng: np.random.Generator, sources: Sources) -> Drawing:
    return form_pages.page(rng, sources, shape=(842, 595))


def small_photo(rng: np.random.Generator, sources: Sources) -> Drawing:
    return photos.photo(rng, sources, longest=500)


KINDS = {"line": line, "cell": cell, "field": form_field, "page": small_page, "photo": small_photo}


def check_truth(drawing: Drawing) -> None:
    """Owner map, boxes, counts and texts must tell the same."""
    assert drawing.image.dtype == np.uint8
    assert drawing.owner.dtype == np.int16
    assert drawing.owner.shape == drawing.image.shape
    height, width = drawing.image.shape
    boxes = owned_boxes(drawing.owner)
    assert set(boxes) <= {*range(-len(drawing.signs), 0), *range(1, len(drawing.digits) + 1)}
    for index, digit in enumerate(drawing.digits, start=1):
        assert boxes[index] == (digit.box, digit.pixels)
        ys, xs = np.nonzero(drawing.owner == index)
        assert (digit.box.x, digit.box.y) == (xs.min(), ys.min())
        assert (digit.box.right, digit.box.bottom) == (xs.max() + 1, ys.max() + 1)
        assert digit.pixels == len(ys) > 0
        assert 0 <= digit.box.x < digit.box.right <= width
        assert 0 <= digit.box.y < digit.box.bottom <= height
    for index, number in enumerate(drawing.numbers):
        own = [d for d in drawing.digits if d.number == index]
        assert "".join(str(d.label) for d in own) == number.text
        assert number.overwritten == any(d.overwritten for d in own)
        for d in own:
            assert number.box.union(d.box) == number.box
    assert len(drawing.rows) == len(drawing.numbers)
    assert drawing.text.replace("|", "") == "".join(n.text for n in drawing.numbers)
    if drawing.colour is not None:
        assert drawing.colour.shape == (height, width, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_drawing(kind: str) -> None:
    one, other = (KINDS[kind](np.random.default_rng(7), OWN) for _ in range(2))
    third = KINDS[kind](np.random.default_rng(8), OWN)
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.owner, other.owner)
    assert (one.digits, one.signs, one.numbers) == (other.digits, other.signs, other.numbers)
    assert not np.array_equal(one.image, third.image)


@pytest.mark.parametrize("kind", ["line", "cell", "field"])
@FEW
@given(seed=SEEDS)
def test_truth_agrees_with_pixels(kind: str, seed: int) -> None:
    check_truth(KINDS[kind](np.random.default_rng(seed), OWN))


@pytest.mark.parametrize("seed", range(12))
def test_truth_of_photos_agrees_with_pixels(seed: int) -> None:
    drawing = small_photo(np.random.default_rng(seed), OWN)
    check_truth(drawing)
    assert drawing.colour is not None


@pytest.mark.parametrize("seed", range(3))
def test_truth_of_pages_agrees_with_pixels(seed: int) -> None:
    drawing = small_page(np.random.default_rng(seed), OWN)
    check_truth(drawing)
    assert len(drawing.numbers) > 2


@FEW
@given(seed=SEEDS, text=st.text("0123456789", min_size=1, max_size=9), damage=st.floats(0, 1.5))
def test_a_line_shows_the_digits_asked_for(seed: int, text: str, damage: float) -> None:
    drawing = line(np.random.default_rng(seed), OWN, text=text, damage=damage)
    assert drawing.text == text
    assert [d.label for d in drawing.digits] == [int(c) for c in text]
    centres = [d.box.centre[0] for d in drawing.digits]
    # slanted neighbours may lean over each other, never change places
    assert all(b > a - 0.5 * drawing.image.shape[0] for a, b in pairwise(centres))
    assert 15 <= drawing.image.shape[0] <= 200


@FEW
@given(seed=SEEDS)
def test_digits_of_a_line_can_be_seen(seed: int) -> None:
    drawing = line(np.random.default_rng(seed), OWN)
    for index, digit in enumerate(drawing.digits, start=1):
        ink = drawing.image[drawing.owner == index]
        box = digit.box
        around = drawing.image[box.y : box.bottom, box.x : box.right]
        paper = around[drawing.owner[box.y : box.bottom, box.x : box.right] == 0]
        if len(paper) > 5:
            assert np.percentile(paper, 75) - np.median(ink) > 10


def test_blank_cells_and_cells_with_signs_say_nothing_is_to_be_read() -> None:
    drawings = [cell(np.random.default_rng(seed), OWN) for seed in range(120)]
    empty = [d for d in drawings if not d.text]
    assert 10 < len(empty) < 60
    assert any(d.signs for d in empty)
    assert any(not d.signs for d in empty)
    assert all(not (d.owner > 0).any() for d in empty)
    assert {d.image.shape[0] for d in drawings} >= {28}


def test_overwritten_digits_are_flagged_and_the_old_one_is_a_sign() -> None:
    drawings = [draw(np.random.default_rng(seed), OWN) for draw in (form_field, line) for seed in range(120)]
    over = [d for d in drawings if d.overwritten]
    assert over
    assert all(
        d.signs[digit.over].kind[:-1] == STRUCK for d in over for digit in d.digits if digit.over is not None
    )
    assert not any(s.kind.startswith(STRUCK) for d in drawings if not d.overwritten for s in d.signs)


def test_fields_have_crosses_dashes_and_blanks() -> None:
    drawings = [form_field(np.random.default_rng(seed), OWN) for seed in range(150)]
    assert {s.kind for d in drawings for s in d.signs} >= {"x", "-"}
    assert any(not d.text for d in drawings)


def test_lines_have_marks_neighbours_and_touching_digits() -> None:
    drawings = [line(np.random.default_rng(seed), OWN) for seed in range(300)]
    kinds = {s.kind for d in drawings for s in d.signs}
    assert kinds >= {".", ",", "-", "=", ".-", "edge"}
    assert {len(d.text) for d in drawings} >= set(range(1, 9))

    def touch(d: Drawing) -> bool:
        one, other = d.owner[:, :-1], d.owner[:, 1:]
        return bool(((one > 0) & (other > 0) & (one != other)).any())

    assert 0.05 < np.mean([touch(d) for d in drawings]) < 0.6


@FEW
@given(seed=SEEDS)
def test_amounts_and_their_marks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    text = amount(rng)
    assert 1 <= len(text) <= 9
    assert text.isdigit()
    tokens = amount_tokens(rng, text)
    assert "".join(t.label for t in tokens if t.digit) == text


def test_photos_come_in_all_turns_and_keep_their_truth() -> None:
    scene = number_sheets.rows_scene(np.random.default_rng(3), OWN, (200, 400), rows=("71", "204"))
    seen = [photos.photograph(np.random.default_rng(4), scene, desk=True, turn=turn) for turn in range(4)]
    assert [d.turn for d in seen] == [0, 1, 2, 3]
    assert {d.text for d in seen} == {"71|204"}
    for turn, drawing in enumerate(seen):
        assert np.array_equal(np.rot90(seen[0].owner, turn), drawing.owner)
        check_truth(drawing)


def test_every_kind_of_print_is_drawn_without_other_fonts() -> None:
    drawing = form_pages.page(np.random.default_rng(1), OWN, shape=(1123, 794), colour=True)
    assert drawing.colour is not None
    assert drawing.image.std() > 5
    assert all(isinstance(p, Path) for p in printing.fonts_found())


def test_owned_boxes_of_an_empty_map() -> None:
    assert owned_boxes(np.zeros((3, 4), np.int16)) == {}


def test_inks_are_colours() -> None:
    assert all(len(ink) == 3 and all(0 <= v <= 255 for v in ink) for ink in inks.INKS.values())


def test_zeros_may_be_small_and_linked() -> None:
    def heights(size: float) -> dict[str, float]:
        rng = np.random.default_rng(5)
        hand = draw_hand(rng, Sources(), zero_size=size, zero_aspect=1.4, slant=0.0, gap=0.3, join_zeros=0.0)
        written = write(rng, [Token(digit) for digit in "7007"], hand, 60.0)
        boxes = {name: box for name, (box, _) in owned_boxes(written.owner).items()}
        return {"7": boxes[1].height, "0": boxes[2].height}

    usual, small = heights(1.0), heights(0.6)
    assert small["0"] < 0.75 * usual["0"]
    assert small["7"] == pytest.approx(usual["7"], abs=3)
