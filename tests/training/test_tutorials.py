"""The tutorials' figures: what is finished is kept, and becomes the tables."""

from dataclasses import replace
from pathlib import Path

import pytest

from digitocr.errors import OutputError
from digitocr.training import tutorials


def test_the_table_is_made_of_what_is_finished(tmp_path):
    run = tutorials.Run(tutorials.ROWS[0], 1, tmp_path)
    assert run.card is None
    card = {"metrics": {"test_accuracy": 0.98, "test_loss": 0.07}, "parameters": 101770, "core_seconds": 12}
    run.finish(card)
    assert run.card == card
    text = tutorials.figures([run], [])
    assert "| 98.00 % (98.00 to 98.00) | 0.0700 | 101,770 | 12 | 1 |" in text
    document = tmp_path / "t.md"
    document.write_text("before\n<!-- figures -->\nstale\n<!-- /figures -->\nafter\n")
    tutorials.write_figures(document, text)
    written = document.read_text()
    assert written.startswith("before")
    assert written.endswith("after\n")
    assert "stale" not in written


def test_a_run_made_by_another_command_is_made_again(tmp_path):
    run = tutorials.Run(tutorials.ROWS[0], 1, tmp_path)
    row = replace(run.row, command=f"{run.row.command} --epochs 1")
    tutorials.Run(row, 1, tmp_path).finish({})
    assert run.card is None


def test_a_document_without_a_place_for_the_tables_is_left_alone(tmp_path):
    document = tmp_path / "t.md"
    document.write_text("no marks")
    with pytest.raises(OutputError, match="no place"):
        tutorials.write_figures(document, "tables")
    assert document.read_text() == "no marks"


@pytest.mark.soak
def test_a_command_that_fails_is_reported_with_the_end_of_its_log(tmp_path):
    with pytest.raises(OutputError, match="no folder"):
        tutorials.call(["models", str(tmp_path / "none")], tmp_path / "log.txt", {})


def test_a_study_is_of_one_seed_and_its_models(tmp_path):
    arguments = tutorials.study_arguments(tmp_path, 2)
    assert arguments[:2] == ["rotations", str(tmp_path / "conv32-64-64-2.keras")]
    assert tutorials.finished_study(tmp_path, 2) is None


def test_the_document_holds_the_rows_and_commands_of_the_table():
    document = (Path(__file__).parents[2] / "docs" / "tutorials.md").read_text(encoding="utf-8")
    for row in tutorials.ROWS:
        assert f"| {row.text} | {row.published} |" in document
        assert f"python -m digitocr train {row.command}\n" in document
