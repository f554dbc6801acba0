"""The command that makes the answer network."""

import hashlib
import json

import pytest

from digitocr.training import answers


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_it_draws_trains_exports_and_prints_figures(tmp_path, capsys):
    output = tmp_path / "out" / "answers.onnx"
    size = ("--pages", "3", "--aside", "1", "--epochs", "1", "--batch-size", "16")
    folders = ("--data", tmp_path / "none", "--work", tmp_path / "work", "--output", output)
    assert answers.main([str(part) for part in (*folders, *size)]) == 0
    told = capsys.readouterr()
    assert "epoch 1" in told.err
    assert "struck, seen so above" in told.out
    card = json.loads(output.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
