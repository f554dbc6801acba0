"""The class of every pixel, and the number it belongs to."""

import numpy as np

from digitocr.records import Box
from digitocr.training.synth.drawing import Drawing, DrawnDigit, DrawnNumber, DrawnSign
from digitocr.training.synth.form_pages import page
from digitocr.training.synth.ground import Ground, classes, instances
from digitocr.training.synth.lines import line
from digitocr.training.synth.photos import photo, photograph
from digitocr.training.synth.printing import blank_print
from digitocr.training.synth.sheets import blank_sheet
from digitocr.training.synth.strokes import Sources


def test_handwriting_comes_before_what_lies_beneath():
    box = Box(0, 0, 1, 1)
    owner = np.array([[0, 1, 2, 3, -1, 0]], np.int16)
    ground = np.array([[3, 3, 4, 0, 4, 5]], np.uint8)
    digits = tuple(DrawnDigit(7, box, number, 1, None, "") for number in (0, 0, 1))
    numbers = tuple(DrawnNumber(text, box, None, overwritten=False) for text in ("77", "7"))
    signs = (DrawnSign("-", box, 1),)
    image = np.zeros((1, 6), np.uint8)
    drawing = Drawing(image, owner, digits, signs, numbers, (0, 0), "page", ground=ground)
    assert classes(drawing).tolist() == [[3, 1, 1, 1, 2, 5]]
    assert instances(drawing).tolist() == [[0, 1, 1, 2, 0, 0]]


def test_without_a_ground_all_else_is_paper():
    drawing = line(np.random.default_rng(1), Sources(), text="407")
    assert set(np.unique(classes(drawing))) <= {Ground.PAPER, Ground.DIGIT, Ground.WRITING}
    assert len(np.unique(instances(drawing))) == 2


def test_a_photo_carries_the_ground_and_knows_the_desk():
    def taken(*, desk):
        rng = np.random.default_rng(3)
        scene = blank_sheet(rng, (200, 300), colour=True, bright=(240, 240))
        printing = blank_print((200, 300), None)
        printing.block(Box(100, 80, 60, 40))
        scene.ground = np.where(printing.lines > 0, Ground.PRINT, Ground.PAPER).astype(np.uint8)
        scene.paper[printing.lines > 0] = 20
        return photograph(np.random.default_rng(4), scene, desk=desk, damage=0.3, turn=1)

    on_desk, closer = taken(desk=True), taken(desk=False)
    assert on_desk.ground.shape == on_desk.image.shape
    assert (on_desk.ground == Ground.OUTSIDE).mean() > 0.05
    assert not (closer.ground == Ground.OUTSIDE).any()
    for drawing in (on_desk, closer):
        dark = drawing.image < 80
        printed = drawing.ground == Ground.PRINT
        assert dark[printed].mean() > 0.9


def test_forms_photos_and_pages_tell_print_from_lines():
    rng = np.random.default_rng(5)
    drawings = [page(rng, Sources(), shape=(900, 640)), photo(rng, Sources(), longest=500)]
    printed = [classes(drawing) for drawing in drawings]
    assert {Ground.PRINT, Ground.RULE, Ground.DIGIT} <= set(np.unique(printed[0]))
    assert drawings[0].image[printed[0] == Ground.PAPER].mean() > 1.3 * np.mean(
        drawings[0].image[printed[0] == Ground.PRINT]
    )
    assert drawings[1].ground is not None
