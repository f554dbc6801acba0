import cv2
import numpy as np
import pytest
from form_spec import SPEC
from typer.testing import CliRunner

from digitocr.cli import app as command
from digitocr.forms import sketch, template_file
from digitocr.forms.registration import Registration
from digitocr.forms.sketch import MARGIN_PX
from digitocr.forms.template import Field, Template
from digitocr.records import Box


def call(*args):
    return CliRunner().invoke(command.app, [str(a) for a in args])


@pytest.fixture
def form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    assert call("form", "make", "spec.yaml", "-o", "head.pdf").stdout.split() == [
        "head.pdf",
        "head.yaml",
        "head.png",
    ]
    return tmp_path


def test_a_template_is_made_from_a_picture_and_shown_over_it(form):
    done = call("template", "detect", "head.png", "-o", "first.yaml")
    assert done.exit_code == 0
    assert done.stdout.split("\n")[:3] == ["first.yaml", "first.features.npz", "first.fields.png"]
    template = template_file.load(form / "first.yaml")
    assert template.features == (form / "first.features.npz").relative_to(form) or template.features.exists()
    assert len(template.fields) >= 6
    assert cv2.imread("first.fields.png").shape[:2] == template.size[::-1]
    done = call("template", "show", "first.yaml", "head.pdf")
    assert done.exit_code == 0
    assert done.stdout.startswith("head.fields.png\nalignment error: 0.")


def test_a_template_that_is_there_is_not_overwritten(form):
    done = call("template", "detect", "head.png")
    assert done.exit_code == 2
    assert "head.yaml exists already" in done.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("template", "detect", "none.png"), "cannot read none.png"),
        (("template", "detect", "spec.yaml", "-o", "x.yaml"), "cannot read spec.yaml"),
        (("template", "detect", "white.png"), "no boxes or lines to write on were found on white.png"),
        (("template", "detect", "head.png", "-o", "x.yml"), "end it in .yaml"),
        (("template", "show", "head.yaml", "white.png"), "white.png is not of the form head_count"),
        (("template", "show", "spec.yaml", "head.png"), "spec.yaml:1: 'form' is not a known key"),
        (("form", "make", "none.yaml"), "cannot read none.yaml"),
    ],
)
def test_a_mistake_of_the_user_is_told_without_a_traceback(form, args, told):
    cv2.imwrite("white.png", cv2.imread("head.png") | 255)
    done = call(*args)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


class TestOccupied:
    def test_writing_may_exceed_its_field(self):
        (box,) = sketch.occupied((Field("a", Box(50, 60, 30, 20)),))
        assert box == Box(50 - MARGIN_PX, 60 - MARGIN_PX, 30 + 2 * MARGIN_PX, 20 + 2 * MARGIN_PX)


class TestDrawings:
    WHITE = np.full((300, 400), 255, np.uint8)
    CELLS = (Box(100, 100, 40, 50), Box(140, 100, 40, 50))
    FIELD = Field("field1", Box(100, 100, 80, 50), cells=CELLS)

    def test_fields_are_drawn_over_the_reference(self):
        drawn = sketch.annotated(self.WHITE, (self.FIELD,))
        assert drawn.shape == (300, 400, 3)
        assert (drawn[120, 138:143] < 255).any(), "the border between two cells"
        assert (drawn[200:] == 255).all()

    def test_fields_are_drawn_over_a_page_where_they_lie_on_it(self):
        shifted = Registration(
            np.array([[1.0, 0, 30], [0, 1, 20], [0, 0, 1]]),
            np.zeros((25, 25, 2), np.float32),
            (400, 300),
            residual=0.0,
            quality=1.0,
            found=np.zeros(0, np.bool_),
        )
        drawn = sketch.overlaid(self.WHITE, Template("t", (400, 300), (self.FIELD,)), shifted)
        assert (drawn[145, 128:133] < 255).any(), "the left side of the field"
        assert (drawn[145, 20:125] == 255).all()
