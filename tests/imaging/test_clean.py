"""Page to sheet."""

import cv2
import numpy as np
import pytest
from reading_path import binarize_within, clean, turned

from digitocr.records import Box, Page
from digitocr.training.examples import EXAMPLES


def paper(height=120, width=420, text="2385", thickness=3, size=2.0):
    grey = np.full((height, width), 235, np.uint8)
    cv2.putText(grey, text, (30, height - 30), cv2.FONT_HERSHEY_SIMPLEX, size, 30, thickness, cv2.LINE_AA)
    return grey


def overlap(a, b):
    """Intersection over union; a field may have been shrunk."""
    a = cv2.resize(a.astype(np.uint8), b.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return np.logical_and(a, b).sum() / max(1, np.logical_or(a, b).sum())


def test_ink_is_found():
    grey = paper()
    sheet = clean(Page(1, grey))
    assert overlap(sheet.ink, grey < 130) > 0.85


@pytest.mark.parametrize("depth", [0.3, 0.5, 0.7])
def test_a_shadow_changes_little(depth):
    grey = paper(300, 600)
    ramp = np.clip(np.linspace(1, 1 - depth, grey.shape[1]), 0, 1)
    sheet = clean(Page(1, (grey * ramp).astype(np.uint8)))
    assert overlap(sheet.ink, grey < 130) > 0.8


@pytest.mark.parametrize("chalk", [False, True])
def test_a_stroke_as_broad_as_a_tiny_picture_allows_is_ink(chalk):
    grey = np.full((30, 33), 233, np.uint8)
    cv2.line(grey, (19, 24), (8, 10), 163, 12, cv2.LINE_AA)
    ink = clean(Page(1, 255 - grey if chalk else grey)).ink
    assert ink.mean() == pytest.approx((grey < 198).mean(), abs=0.05)


def test_light_on_dark_reads_as_dark_on_light():
    grey = paper()
    assert overlap(clean(Page(1, 255 - grey)).ink, clean(Page(1, grey)).ink) > 0.9


def test_plain_paper_has_no_ink():
    noise = np.random.default_rng(0).normal(200, 3, (300, 300)).clip(0, 255).astype(np.uint8)
    assert clean(Page(1, noise)).ink.mean() < 0.002


def test_rulings_go_and_strokes_stay():
    grey = paper(160, 500)
    ruled = grey.copy()
    for y in (20, 100, 150):
        ruled[y : y + 2] = np.minimum(ruled[y : y + 2], 90)
    sheet = clean(Page(1, ruled))
    strokes = grey < 130
    assert overlap(sheet.ink, strokes) > 0.75
    assert sheet.ink[20:22].mean() < 0.05
    count = cv2.connectedComponents(sheet.ink.astype(np.uint8))[0] - 1
    assert count <= 6


def test_a_box_around_a_number_goes():
    grey = paper(160, 420)
    cv2.rectangle(grey, (8, 12), (400, 150), 60, 2)
    sheet = clean(Page(1, grey))
    assert not sheet.ink[10:16].any(axis=0).mean() > 0.1


@pytest.mark.parametrize("angle", [-12, -5, 4, 11])
def test_skew_is_taken_out(angle):
    page = np.full((900, 1200), 235, np.uint8)
    for row in range(6):
        cv2.putText(
            page, "5 2 7 4 3 8 2", (200, 180 + 110 * row), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 30, 4, cv2.LINE_AA
        )
    turn = cv2.getRotationMatrix2D((600, 450), angle, 1)
    skewed = cv2.warpAffine(page, turn, (1200, 900), borderValue=235)
    sheet = clean(Page(1, skewed))
    rows = sheet.ink.any(axis=1).astype(int)
    assert (np.diff(rows) == 1).sum() >= 6, "rows of ink are apart again"


def test_paper_on_a_desk_is_straightened_and_boxes_find_back():
    desk = np.full((1200, 1600), 60, np.uint8)
    sheet_grey = paper(500, 800, "4 7 1", 6, 4)
    corners = np.float32([[300, 200], [1300, 260], [1250, 1000], [250, 900]])
    forward = cv2.getPerspectiveTransform(np.float32([[0, 0], [800, 0], [800, 500], [0, 500]]), corners)
    cv2.warpPerspective(sheet_grey, forward, (1600, 1200), desk, borderMode=cv2.BORDER_TRANSPARENT)
    sheet = clean(Page(1, desk))
    assert sheet.ink.mean() < 0.1
    edge = min(sheet.ink.shape) // 20
    ys, xs = np.nonzero(sheet.ink[edge:-edge, edge:-edge])
    box = Box(int(xs.min()) + edge, int(ys.min()) + edge, int(np.ptp(xs)), int(np.ptp(ys)))
    on_page = sheet.box_on_page(box, desk.shape)
    truth = cv2.perspectiveTransform(np.float32([[[30, 380]], [[30, 470]], [[420, 470]]]), forward).reshape(
        -1, 2
    )
    assert abs(on_page.x - truth[:, 0].min()) < 40
    assert abs(on_page.bottom - truth[:, 1].max()) < 40


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_turning_keeps_the_way_back(quarters):
    page = Page(1, paper())
    upright, other = clean(page), turned(page, quarters)
    box, same = (sheet.box_on_page(whole(sheet.ink), page.grey.shape) for sheet in (other, upright))
    assert box == same


def whole(ink):
    ys, xs = np.nonzero(ink)
    return Box(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_one_on_its_side_is_no_ruling(quarters):
    grey = np.full((60, 140), 240, np.uint8)
    for x in (20, 80, 110):
        cv2.putText(grey, "3", (x, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 60, 2, cv2.LINE_AA)
    cv2.line(grey, (60, 20), (58, 46), 60, 2, cv2.LINE_AA)
    scanned = Page(1, np.ascontiguousarray(np.rot90(grey, -quarters)))
    assert np.array_equal(turned(scanned, quarters).ink, clean(Page(1, grey)).ink)


@pytest.mark.parametrize("shape", [(8, 8), (9, 400), (400, 9), (28, 28), (45, 160)])
def test_any_size(shape):
    sheet = clean(Page(1, np.full(shape, 200, np.uint8)))
    assert not sheet.ink.any()


@pytest.mark.parametrize("bar", [(slice(0, 100), slice(215, 235)), (slice(4, 24), slice(20, 160))])
def test_a_black_bar_does_not_make_writing_look_faint(bar):
    image = np.full((100, 240), 240, np.uint8)
    for x in (30, 80, 130):
        cv2.putText(image, "5", (x, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 110, 2, cv2.LINE_AA)
    alone = clean(Page(1, image)).ink
    image[bar] = 10
    beside = clean(Page(1, image)).ink
    assert beside[25:, :200].sum() >= 0.8 * alone[25:, :200].sum()


def test_a_pale_digit_among_dark_ones_stays():
    image = np.full((100, 300), 240, np.uint8)
    for x, dark in ((20, 40), (80, 40), (140, 105), (200, 40)):
        cv2.putText(image, "3", (x, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.6, dark, 5, cv2.LINE_AA)
    ink = clean(Page(1, image)).ink
    assert ink[:, 140:175].sum() >= 0.8 * ink[:, 80:115].sum()


def test_paper_in_the_shade_on_a_dark_desk_is_no_blackboard():
    drawing = EXAMPLES["notes.jpg"][1](np.random.default_rng(24))
    assert np.median(drawing.image) < 110
    sheet = clean(Page(1, drawing.image))
    size = sheet.ink.shape[::-1]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    written = cv2.warpPerspective((drawing.owner > 0).astype(np.uint8), sheet.to_page, size, flags=flags) > 0
    assert sheet.ink[written].mean() > 0.7


def test_chalk_on_a_large_board_is_inverted():
    image = np.full((600, 800), 40, np.uint8)
    cv2.putText(image, "375", (150, 350), cv2.FONT_HERSHEY_SIMPLEX, 6, 220, 20, cv2.LINE_AA)
    sheet = clean(Page(1, image))
    assert np.median(sheet.grey) > 200
    assert 0.02 < sheet.ink.mean() < 0.2


def test_a_dark_photo_of_a_table_is_no_blackboard():
    y, x = np.mgrid[:566, :517]
    light = 40 + 150 * np.exp(-(((x - 120) / 160) ** 2 + ((y - 470) / 140) ** 2))
    table = np.full((566, 517), 100, np.uint8)
    for at in range(20, 560, 85):
        cv2.line(table, (20, at), (500, at), 40, 6)
    for at in range(20, 510, 96):
        cv2.line(table, (at, 20), (at, 540), 40, 6)
    cv2.putText(table, "6", (425, 180), cv2.FONT_HERSHEY_SIMPLEX, 2, 35, 5)
    sheet = clean(Page(1, (light * table / 100).clip(0, 255).astype(np.uint8)))
    assert 0.002 < sheet.ink.mean() < 0.1


def test_strokes_as_broad_as_the_light_are_ink():
    grey = np.full((28, 28), 168, np.uint8)
    cv2.ellipse(grey, (16, 19), (6, 5), 0, 0, 360, 110, 5)
    cv2.line(grey, (10, 17), (17, 2), 110, 6)
    ink = clean(Page(1, cv2.GaussianBlur(grey, (0, 0), 1.8))).ink
    assert 0.15 < ink.mean() < 0.7


@pytest.mark.parametrize("pencil", [120, 170])
def test_pencil_beside_a_black_border_is_ink(pencil):
    grey = np.full((110, 100), 210, np.uint8)
    cv2.putText(grey, "7", (30, 85), cv2.FONT_HERSHEY_SIMPLEX, 2.5, pencil, 4, cv2.LINE_AA)
    strokes = grey < 200
    cv2.rectangle(grey, (2, 2), (97, 107), 10, 9)
    assert overlap(clean(Page(1, grey)).ink, strokes) > 0.6


def pale_form():
    """A form with black print between rows of fields, pale digits in every second field and paler guides in all."""
    flat = np.full((640, 640), 245, np.uint8)
    fields = np.zeros(flat.shape, np.bool_)
    written = np.zeros(flat.shape, np.bool_)
    for row in range(8):
        top = 80 * row
        flat[top : top + 14] = 10
        for column in range(8):
            left = 80 * column
            inside = np.s_[top + 22 : top + 74, left + 8 : left + 72]
            fields[inside] = True
            cv2.rectangle(flat, (left + 20, top + 28), (left + 60, top + 70), 222, 2)
            if column % 2:
                digit = np.zeros(flat.shape, np.uint8)
                cv2.putText(digit, str(row), (left + 28, top + 64), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 4)
                written |= digit > 0
    flat[written] = 130
    return flat, fields, written


def test_black_print_between_fields_does_not_outshine_pale_writing_in_them():
    flat, fields, written = pale_form()
    _, ink = binarize_within(flat, fields)
    assert ink[written].mean() > 0.95
    assert ink[fields & ~written].mean() < 0.01


def test_where_nothing_is_written_no_ink_is_told():
    _, ink = binarize_within(np.full((300, 300), 240, np.uint8), np.ones((300, 300), np.bool_))
    assert not ink.any()
