import cv2
import numpy as np
import pytest
from form_spec import SPEC

from digitocr.errors import TemplateError, UsageError
from digitocr.forms import layout, printing, template_file
from digitocr.forms.markers import DICTIONARY


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("form")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    pdf, template, picture = printing.make(folder / "spec.yaml", folder / "head.pdf")
    return pdf, template_file.load(template), cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)


def test_the_template_beside_the_form_is_that_of_its_layout(made):
    pdf, template, picture = made
    form = layout.load(pdf.with_name("spec.yaml"))
    assert template.fields == form.template.fields
    assert template.reference == pdf.with_suffix(".png")
    assert picture.shape == template.size[::-1]


def test_frames_are_printed_exactly_where_the_template_says(made):
    _, template, picture = made
    for field in template.fields:
        for box in field.cells or (field.box,):
            left = picture[box.y + 10 : box.bottom - 10, box.x - 6 : box.x + 7].mean(axis=0)
            top = picture[box.y - 6 : box.y + 7, box.x + 10 : box.right - 10].mean(axis=1)
            for edge in (left, top):
                assert centre(edge) == pytest.approx(6, abs=0.1)
            assert picture[box.y + 4 : box.bottom - 4, box.x + 4 : box.right - 4].min() == 255


def centre(edge):
    dark = 255 - edge
    return float((dark * np.arange(dark.size)).sum() / dark.sum()) + 0.5


def test_markers_are_found_exactly_where_the_template_says(made):
    _, template, picture = made
    options = cv2.aruco.DetectorParameters()
    options.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(DICTIONARY), options)
    corners, ids, _ = detector.detectMarkers(picture)
    found = {int(i): np.reshape(c, (4, 2)) + 0.5 for i, c in zip(np.ravel(ids), corners, strict=True)}
    assert len(template.markers) == len(found) == 4
    for marker in template.markers:
        b = marker.box
        square = [[b.x, b.y], [b.right, b.y], [b.right, b.bottom], [b.x, b.bottom]]
        assert np.abs(found[marker.id] - square).max() < 0.2


def test_the_same_form_is_the_same_file(made, tmp_path):
    pdf, _, _ = made
    again, _, _ = printing.make(pdf.with_name("spec.yaml"), tmp_path / "head.pdf")
    assert again.read_bytes() == pdf.read_bytes()


def test_a_picture_has_the_resolution_that_is_asked_for(made):
    pdf, _, _ = made
    assert printing.render(pdf.read_bytes(), 100).shape == (1170, 827)


def test_the_specification_is_never_overwritten(tmp_path):
    spec = tmp_path / "head.yaml"
    spec.write_text(SPEC)
    with pytest.raises(UsageError, match="would overwrite"):
        printing.make(spec, tmp_path / "head.pdf")
    assert spec.read_text() == SPEC


def test_a_form_that_is_no_pdf_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"end it in \.pdf"):
        printing.make(tmp_path / "none.yaml", tmp_path / "head.png")


def test_a_specification_that_is_not_there_is_told(tmp_path):
    with pytest.raises(TemplateError, match="cannot read"):
        printing.make(tmp_path / "none.yaml", tmp_path / "head.pdf")
