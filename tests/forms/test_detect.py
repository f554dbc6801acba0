import cv2
import numpy as np
import pytest

from digitocr.forms import layout, printing
from digitocr.forms.detect import detect

SPEC = """\
form: f
title: A form
sections:
  - title: People
    columns: 2
    fields:
      men: {label: Men, cells: 3}
      women: {label: Women, cells: 3}
  - fields:
      house: {label: House, cells: 9}
      day: {label: Day, kind: date, format: DDMMYYYY}
      phone: {label: Phone, kind: digits, length: [6, 12], width: 90}
"""


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    path = tmp_path_factory.mktemp("form") / "spec.yaml"
    path.write_text(SPEC)
    laid_out = layout.load(path)
    return laid_out.template, printing.render(printing.draw(laid_out), printing.REFERENCE_DPI)


def boxes(found):
    """The boxes of fields as found, in pixels of the printed form."""
    scale = 1680 / found.grey.shape[1]
    return [np.array([f.box.x, f.box.y, f.box.right, f.box.bottom]) * scale for f in found.fields]


def test_every_field_of_a_printed_form_is_found_with_its_cells(form):
    template, picture = form
    found = detect(picture)
    there = boxes(found)
    for field in template.fields:
        b = field.box
        off = [np.abs(box - [b.x, b.y, b.right, b.bottom]).max() for box in there]
        assert min(off) <= 4
        assert len(found.fields[int(np.argmin(off))].cells) == len(field.cells)
    assert len(there) <= len(template.fields) + 1


def test_fields_are_numbered_in_reading_order(form):
    found = detect(form[1])
    assert [field.name for field in found.fields] == [f"field{i}" for i in range(1, len(found.fields) + 1)]
    tops = [field.box.y for field in found.fields]
    assert tops == sorted(tops)


def test_a_photographed_form_is_laid_flat(form):
    template, picture = form
    height, width = picture.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    seen = np.array([[260, 180], [1500, 240], [1600, 2100], [150, 2000]], dtype=np.float32)
    way = cv2.getPerspectiveTransform(corners, seen)
    photo = cv2.warpPerspective(picture // 2 + 100, way, (1800, 2300), borderValue=60)
    found = detect(photo)
    way_there = np.linalg.inv(way) @ found.to_page
    for field in template.fields:
        b = field.box
        off = []
        for other in found.fields:
            o = other.box
            ends = np.array([[[o.x, o.y], [o.right, o.bottom]]], dtype=np.float64)
            at = cv2.perspectiveTransform(ends, way_there).ravel()
            off.append(np.abs(at - [b.x, b.y, b.right, b.bottom]).max())
        assert min(off) <= 6


def test_lines_to_write_on_are_fields():
    picture = np.full((1400, 1000), 255, np.uint8)
    cv2.putText(picture, "Amount", (100, 400), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
    cv2.line(picture, (250, 405), (500, 405), 0, 2)
    (field,) = detect(picture).fields
    assert field.box.x * 0.7 == pytest.approx(250, abs=6)
    assert field.box.bottom * 0.7 > 405 > field.box.y * 0.7 + 20


def test_nothing_is_found_where_nothing_is():
    assert detect(np.full((800, 600), 255, np.uint8)).fields == ()


def test_cells_that_writing_cuts_into_pieces_are_completed(form):
    template, picture = form
    filled = picture.copy()
    cells = template.field("house").cells
    for cell in (cells[2], cells[3], cells[8]):
        x, y = (round(n) for n in cell.centre)
        cv2.line(filled, (x, cell.y), (x, cell.bottom), 0, 6)
        cv2.line(filled, (cell.x, y), (cell.right, y), 0, 6)
    found = detect(filled)
    assert 9 in {len(field.cells) for field in found.fields}
