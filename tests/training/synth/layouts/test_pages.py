"""Pages of all layouts: the same for a seed, with a truth that agrees with the pixels."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitocr.training.synth.drawing import owned_boxes
from digitocr.training.synth.ground import Ground, classes, instances
from digitocr.training.synth.layouts.files import layouts
from digitocr.training.synth.layouts.language import (
    Choice,
    Field,
    Layout,
    Over,
    Paper,
    Paragraph,
    Range,
    Rows,
    Table,
)
from digitocr.training.synth.layouts.language import Column as C
from digitocr.training.synth.layouts.pages import filled_sheet, layout_page
from digitocr.training.synth.strokes import InkString, Sources

OWN = Sources()
EVERY = (*layouts(), *layouts(held_out=True))
FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


def drawn(layout, seed, longest=420, damage=1.0):
    return layout_page(np.random.default_rng(seed), OWN, layout, longest=longest, damage=damage)


def simple(*blocks, **paper):
    none = Over(watermark=0, stamp=0, serial=0, note=0, hidden=0)
    fixed = {"view": Choice(("scan",)), "em": Range(0.02, 0.02)} | paper
    return Layout(name="simple", blocks=blocks, paper=Paper(**fixed), over=none, corrected=0)


def check_truth(drawing):
    """Owner map, ground, boxes and texts must tell the same."""
    assert drawing.kind in ("page", "photo")
    assert drawing.image.shape == drawing.owner.shape == drawing.ground.shape
    boxes = owned_boxes(drawing.owner)
    assert set(boxes) <= {*range(-len(drawing.signs), 0), *range(1, len(drawing.digits) + 1)}
    found = classes(drawing)
    for index, digit in enumerate(drawing.digits, start=1):
        assert boxes[index] == (digit.box, digit.pixels)
        assert (found[drawing.owner == index] == Ground.DIGIT).all()
    for index, number in enumerate(drawing.numbers):
        own = [d for d in drawing.digits if d.number == index]
        assert own
        assert "".join(str(d.label) for d in own) == number.text
        assert set(np.unique(drawing.owner[instances(drawing) == index + 1])) == {
            i for i, d in enumerate(drawing.digits, start=1) if d.number == index
        }
    assert set(np.unique(found)) <= set(Ground)
    assert set(np.unique(drawing.ground)) <= {Ground.PAPER, Ground.PRINT, Ground.RULE, Ground.OUTSIDE}


@pytest.mark.parametrize("layout", EVERY, ids=lambda one: one.name)
def test_every_layout_draws_pages_whose_truth_agrees_with_their_pixels(layout):
    for seed in range(2):
        check_truth(drawn(layout, seed, longest=340))


@FEW
@given(seed=st.integers(0, 2**31 - 1), layout=st.sampled_from(EVERY), damage=st.floats(0, 1.5))
def test_truth_agrees_at_any_size_and_damage(seed, layout, damage):
    check_truth(drawn(layout, seed, longest=int(250 + seed % 300), damage=damage))


@pytest.mark.parametrize("layout", EVERY[::5], ids=lambda one: one.name)
def test_the_same_seed_draws_the_same_page(layout):
    one, other, third = (drawn(layout, seed) for seed in (5, 5, 6))
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.owner, other.owner)
    assert np.array_equal(one.ground, other.ground)
    assert (one.digits, one.signs, one.numbers) == (other.digits, other.signs, other.numbers)
    assert one.image.shape != third.image.shape or not np.array_equal(one.image, third.image)


def test_print_is_dark_where_the_ground_says_so_and_holds_digits():
    layout = simple(Paragraph(lines=Range(8, 8), width=Range(1, 1)))
    drawing = drawn(layout, 3, longest=700, damage=0)
    printed = drawing.ground == Ground.PRINT
    assert printed.sum() > 500
    assert np.median(drawing.image[drawing.ground == Ground.PAPER]) - np.median(drawing.image[printed]) > 60
    assert not drawing.numbers
    assert not drawing.signs


def test_a_table_has_rules_numbers_in_rows_and_words_that_are_not_read():
    columns = (C(holds=Choice(("words",)), width=Range(3, 3)), C(holds=Choice(("count",)), filled=1.0))
    layout = simple(
        Table(columns=columns, rows=Range(6, 6), height=Range(2.5, 2.5), used=Range(1, 1), header=0, total=0)
    )
    drawing = drawn(layout, 1, longest=800, damage=0)
    assert (drawing.ground == Ground.RULE).sum() > 1000
    assert len(drawing.numbers) == 6
    assert list(drawing.rows) == sorted(set(drawing.rows))
    assert {sign.kind for sign in drawing.signs} == {"word"}


def test_cells_hold_one_digit_each_of_one_number():
    layout = simple(Field(style=Choice(("cells",)), digits=Range(5, 5), filled=1.0, height=Range(3, 3)))
    numbers = [drawn(layout, seed, longest=700).numbers for seed in range(6)]
    assert all(len(found) == 1 and 1 <= len(found[0].text) <= 5 for found in numbers)


def test_corrected_numbers_are_struck_out_or_written_over():
    rows = Rows(of=(Choice(("number",)),), rows=Range(8, 8), digits=Range(3, 3), size=Range(2, 2))
    sheets = [
        filled_sheet(
            np.random.default_rng(seed), OWN, replace(simple(rows), corrected=1.0), longest=900
        ).scene
        for seed in range(3)
    ]
    kinds = {kind for scene in sheets for kind in scene.signs}
    assert {"crossed out", "strike"} <= kinds
    assert any(overwritten for scene in sheets for _, _, overwritten, _ in scene.numbers)


def test_strings_of_real_ink_are_set_in_with_their_digits():
    mask, owner = np.zeros((20, 40), np.uint8), np.zeros((20, 40), np.int16)
    for k, left in enumerate((2, 24), start=1):
        mask[:, left : left + 12], owner[:, left : left + 12] = 255, k
    string = InkString("42", mask, owner, 20.0)
    rows = Rows(of=(Choice(("number",)),), rows=Range(3, 3), size=Range(3, 3), digits=Range(2, 2))
    sources = replace(OWN, strings=(string,))
    pages = [
        layout_page(np.random.default_rng(seed), sources, simple(rows), longest=350) for seed in range(30)
    ]
    for page in pages:
        check_truth(page)
    assert any(page.numbers and {number.text for number in page.numbers} == {"42"} for page in pages)


def test_chalk_is_lighter_than_its_board():
    (board,) = (one for one in layouts() if one.name == "chalkboard")
    for drawing in (drawn(board, seed, longest=500) for seed in range(4)):
        ink = drawing.image[drawing.owner != 0]
        assert np.median(ink) > np.median(drawing.image[classes(drawing) == Ground.PAPER]) + 20


@pytest.mark.soak
def test_digits_are_from_a_dozen_to_more_than_a_hundred_pixels_high():
    boards = [one for one in EVERY if one.name in ("whiteboard", "chalkboard")]
    sizes = []
    for layout, seed in [*((one, 2) for one in EVERY), *((one, seed) for one in boards for seed in range(3))]:
        sheet = filled_sheet(np.random.default_rng(seed), OWN, layout)
        sizes += [box.height for name, (box, _) in owned_boxes(sheet.scene.owner).items() if name > 0]
    assert np.percentile(sizes, 2) <= 14
    assert max(sizes) > 120
