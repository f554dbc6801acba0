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


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("https://ann:key@example.org:8443/hooks/key?token=key#key", "https://example.org:8443/…"),
        ("HTTPS://example.org", "HTTPS://example.org"),
        ("https://example.org?token=key", "https://example.org/…"),
        ("'/opt/my notes/tell' --token key", "/opt/my notes/tell …"),
        (" https://example.org/key", "https://example.org/…"),
        ("tell", "tell"),
    ],
)
def test_what_may_be_secret_is_not_shown(monkeypatch, told, shown):
    monkeypatch.setenv("DIGITOCR_ON_DONE", told)
    assert json.loads(call("--json").stdout)["on_done"] == {"value": shown, "origin": "DIGITOCR_ON_DONE"}
    assert f"on_done\t{shown}\tDIGITOCR_ON_DONE" in call().stdout


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
