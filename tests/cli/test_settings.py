"""``digitocr settings``: every setting, its value and where it comes from."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digitocr.cli.app import app


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def call(*args):
    return CliRunner().invoke(app, ["settings", *args])


def test_a_line_names_value_and_origin(monkeypatch):
    Path("digitocr.toml").write_text("workers = 3\n")
    monkeypatch.setenv("DIGITOCR_THRESHOLD", "0.9")
    lines = {name: rest for name, *rest in (line.split("\t") for line in call().stdout.splitlines())}
    assert lines["workers"][:2] == ["3", "digitocr.toml"]
    assert lines["threshold"][:2] == ["0.9", "DIGITOCR_THRESHOLD"]
    assert lines["templates"][:2] == ["none", "default"]


def test_json_has_the_same():
    Path("other.toml").write_text("workers = 3\n")
    found = json.loads(call("--json", "--config", "other.toml").stdout)
    assert found["workers"] == {"value": 3, "origin": "other.toml"}
    assert found["inbox"]["value"] == "inbox"


def test_a_mistake_is_named_with_its_place_and_the_likely_name():
    Path("digitocr.toml").write_text("thresold = 0.9\n")
    done = call()
    assert done.exit_code == 2
    assert "digitocr.toml: there is no setting 'thresold'; did you mean 'threshold'?" in done.stderr
    assert "hint: `digitocr settings`" in done.stderr
