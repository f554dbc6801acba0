import cv2
import pytest
from form_spec import SPEC
from typer.testing import CliRunner

from digitocr.cli import app as command
from digitocr.forms import template_file


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
    assert done.stdout.startswith("head.fields.png\nprint lies 0.")


def test_a_template_that_is_there_is_not_overwritten(form):
    done = call("template", "detect", "head.png")
    assert done.exit_code == 2
    assert "head.yaml is there already" in done.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("template", "detect", "none.png"), "cannot read none.png"),
        (("template", "detect", "spec.yaml", "-o", "x.yaml"), "cannot read spec.yaml"),
        (("template", "detect", "white.png"), "no place to write on was found on white.png"),
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
