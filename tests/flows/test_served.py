import pytest

from digitocr.errors import UsageError
from flows import served


@pytest.fixture
def _announced(monkeypatch):
    monkeypatch.setenv(served.VARIABLE, "")  # put back at the end
    served.announce("scans", {"results": "tables", "threshold": 0.9})


def test_a_run_that_no_one_serves_takes_what_it_is_given(monkeypatch):
    monkeypatch.delenv(served.VARIABLE, raising=False)
    assert served.asked({"results": "x"}, "c.toml", "other") == served.Asked(
        "other", {"results": "x"}, "c.toml"
    )


@pytest.mark.usefixtures("_announced")
class TestServed:
    def test_its_folders_are_those_of_the_process_that_serves_it(self):
        asked = served.asked({"threshold": 0.5})
        assert (asked.folder, asked.config) == ("scans", None)
        assert asked.flags == {"results": "tables", "threshold": 0.5}

    @pytest.mark.parametrize(
        "given",
        [
            {"flags": {"inbox": "/home"}},
            {"flags": {"log_file": "/etc/x"}},
            {"flags": {"keep_archive_days": 0}},
            {"flags": None, "config": "/tmp/x.toml"},
            {"flags": None, "folder": "/home"},
        ],
    )
    def test_the_api_cannot_name_others(self, given):
        with pytest.raises(UsageError, match="from Prefect's API"):
            served.asked(**given)
