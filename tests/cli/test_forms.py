"""``digitocr form`` and ``template``: from a specification to figures on labelled pages."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitocr.cli.app import app

EXAMPLES = Path(__file__).parents[2] / "examples" / "forms"


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


@pytest.fixture
def head_count(tmp_path, monkeypatch):
    """A folder with the form of the tutorial and a filled-in page."""
    monkeypatch.chdir(tmp_path)
    assert call("form", "make", EXAMPLES / "count.yaml", "-o", "forms/head_count.pdf").exit_code == 0
    shutil.copy(EXAMPLES / "page1.jpg", tmp_path)
    return tmp_path


class TestMake:
    def test_paths_of_the_three_files_are_printed(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = call("form", "make", EXAMPLES / "count.yaml", "-o", "f.pdf")
        assert done.stdout.split() == ["f.pdf", "f.yaml", "f.png"]
        assert all(Path(name).is_file() for name in done.stdout.split())


class TestShow:
    def test_the_picture_is_named_after_the_page(self, head_count):
        done = call("template", "show", "forms/head_count.yaml", "page1.jpg")
        first, second = done.stdout.splitlines()
        assert first == "page1.fields.png"
        assert second.startswith("alignment error: ")
        assert Path("page1.fields.png").is_file()


class TestJudge:
    def test_fields_are_counted_and_wrong_ones_are_listed(self, head_count):
        truth = "file,field,text\npage1.jpg,men,2\npage1.jpg,women,9\ngone.jpg,men,1\n"
        Path("truth.csv").write_text(truth)
        done = call("template", "test", "forms", "truth.csv")
        assert done.exit_code == 0
        assert "head_count: 1 pages, 1 of 2 fields right" in done.stdout
        assert "page1.jpg\t1\twomen\tread '3'\tstands '9'" in done.stdout
        assert done.stderr.startswith("gone.jpg: ")

    def test_a_table_without_the_columns_is_a_mistake(self, head_count):
        Path("truth.csv").write_text("file,text\npage1.jpg,2\n")
        assert call("template", "test", "forms", "truth.csv").exit_code == 2
