"""The drawn sets are stored like the real ones, and the same each time."""

from dataclasses import replace

import pytest

from benchmarks.drawn_sets import DRAWN, TEMPLATE, draw_set
from benchmarks.scoring import scored
from benchmarks.sets import written
from benchmarks.truth import family, read_truth
from digitocr.forms.form_print import load_form_print
from digitocr.forms.template_file import load
from digitocr.pipeline import load_reader
from digitocr.records import Source

COUNT = {"drawn_crops": 4, "drawn_pages": 2, "drawn_forms": 1}


@pytest.fixture(params=DRAWN)
def folder(tmp_path, request):
    return draw_set(tmp_path / "first" / request.param, COUNT[request.param])


def test_a_drawn_set_is_the_same_each_time(folder, tmp_path):
    again = draw_set(tmp_path / "again" / folder.name, COUNT[folder.name])
    assert read_truth(folder) == read_truth(again)
    for path in (folder / "images").iterdir():
        assert path.read_bytes() == (again / "images" / path.name).read_bytes()


def test_every_picture_has_a_truth_and_every_kind_is_a_family(folder):
    truths = read_truth(folder)
    files = {path.name for path in (folder / "images").iterdir()}
    assert files == {truth.file for truth in truths}
    assert {family(file) for file in files} == set(DRAWN[folder.name].kinds or ["form"])
    assert any(truth.text for truth in truths)
    assert all((truth.box is None) == (folder.name == "drawn_crops") for truth in truths)


def test_a_drawn_form_is_found_by_its_print_and_read(tmp_path):
    folder = draw_set(tmp_path / "drawn_forms", 1)
    template = load(folder / TEMPLATE)
    assert not template.markers
    reader = replace(load_reader(threads=1), forms=(load_form_print(template),))
    readings = reader.read([Source(path, path.name) for path in (folder / "images").iterdir()])
    assert [page.template for page in readings[0].result.pages] == [template.name]
    (tmp_path / "tables").mkdir()
    got = scored(written(readings, tmp_path / "tables"), folder).figures()
    assert got.answers == len(template.fields)
    assert got.exact.value > 0.7
