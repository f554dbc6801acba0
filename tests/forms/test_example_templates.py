from pathlib import Path

import pytest

from digitocr.forms import template_file

FOLDER = Path(__file__).parents[2] / "examples" / "templates"


def test_example_templates_can_be_told_apart():
    assert len(template_file.load_folder(FOLDER)) == 9


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_carries_its_features_and_no_picture(path):
    template = template_file.load(path)
    assert template.name == path.stem
    assert template.reference is None
    assert template.features.is_file()


def test_examples_hold_no_pictures():
    assert {path.suffix for path in FOLDER.iterdir()} <= {".yaml", ".npz"}
