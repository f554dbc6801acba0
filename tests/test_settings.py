from pathlib import Path

import pytest

from digitocr.errors import UsageError
from digitocr.settings import load_settings


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_contract():
    s = load_settings()
    assert [str(p) for p in (s.inbox, s.results, s.review, s.state)] == [
        "inbox",
        "results",
        "review",
        ".digitocr",
    ]
    assert s.threshold is None
    assert s.prefect


def test_flags_outweigh_variables_and_these_the_file(monkeypatch):
    Path("digitocr.toml").write_text('threshold = 0.1\njobs = 3\nresults = "from-file"\n')
    monkeypatch.setenv("DIGITOCR_THRESHOLD", "0.2")
    monkeypatch.setenv("DIGITOCR_JOBS", "2")
    s = load_settings({"threshold": 0.3, "results": None})
    assert (s.threshold, s.jobs, s.results) == (0.3, 2, Path("from-file"))


def test_a_file_named_is_read_instead_of_the_default_one(tmp_path):
    Path("digitocr.toml").write_text("jobs = 3\n")
    other = tmp_path / "other.toml"
    other.write_text("jobs = 5\n")
    assert load_settings(config=other).jobs == 5


def test_dot_env_is_not_read():
    Path(".env").write_text("DIGITOCR_JOBS=7\n")
    assert load_settings({"jobs": None}).jobs != 7


def test_variables_of_others_do_no_harm(monkeypatch):
    monkeypatch.setenv("DIGITOCR_DATA", "/somewhere")
    assert load_settings()


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().jobs = 2


@pytest.mark.parametrize(
    ("flags", "toml", "named"),
    [
        ({"threshold": 1.5}, "", "threshold = 1.5 from the command line"),
        ({"jobs": 0}, "", "jobs = 0"),
        ({}, "jobs = 'many'", "jobs = 'many' from the settings file"),
        ({}, "thresold = 0.5", "no setting 'thresold'"),
        ({}, "jobs = = 1", "digitocr.toml"),
    ],
)
def test_what_cannot_be_used_is_named(flags, toml, named):
    Path("digitocr.toml").write_text(toml)
    with pytest.raises(UsageError, match=named) as caught:
        load_settings(flags)
    assert caught.value.exit_status == 2


def test_a_variable_that_cannot_be_used_is_named(monkeypatch):
    monkeypatch.setenv("DIGITOCR_THRESHOLD", "high")
    with pytest.raises(UsageError, match="threshold = 'high' from DIGITOCR_THRESHOLD"):
        load_settings()


def test_a_settings_file_that_is_not_there_is_a_mistake():
    with pytest.raises(UsageError, match=r"gone\.toml"):
        load_settings(config=Path("gone.toml"))
