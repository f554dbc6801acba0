import re
from pathlib import Path

import cv2

from digitocr.forms import layout, printing, template_file
from digitocr.forms.form_print import load_form_print
from digitocr.forms.registration import RegistrationView, register

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "forms.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples" / "forms"


def test_the_tutorial_shows_the_specification_of_the_examples():
    assert re.search(r"```yaml\n(form: .*?)```", DOCS, re.S)[1] == (EXAMPLES / "count.yaml").read_text(
        encoding="utf-8"
    )


def test_the_tutorial_tells_every_key_of_a_field():
    told = set(re.findall(r"`(\w+)`", DOCS))
    assert told >= {*template_file.FIELD_KEYS, *layout.FIELD_KEYS}


def test_the_example_pages_are_of_the_example_form(tmp_path):
    _, template, _ = printing.make(EXAMPLES / "count.yaml", tmp_path / "form.pdf")
    form = load_form_print(template_file.load(template))
    for page in sorted(EXAMPLES.glob("*.jpg")):
        grey = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
        assert register(RegistrationView(grey), form).residual < 2
