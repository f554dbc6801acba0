"""``digitocr review`` and ``corrections``: flags reach the room that does the work, and its outcome is printed."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from digitocr.cli.app import app
from digitocr.networks import registry
from digitocr.networks.classifier import shipped_model
from digitocr.review import export
from digitocr.web import server


def call(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


class TestReview:
    @pytest.fixture
    def served(self, monkeypatch):
        """The arguments with which the page is served, without serving it."""
        seen = []
        monkeypatch.setattr(server, "serve", lambda *args: seen.append(args) or 0)
        return seen

    def test_flags_reach_the_page(self, work, served, monkeypatch):
        monkeypatch.setenv("DIGITOCR_REVIEW_TOKEN", "s3cret")
        flags = (
            "--results",
            "out",
            "--review",
            "queue",
            "--state",
            "state",
            "--host",
            "0.0.0.0",
            "--port",
            4321,
        )
        rules = ("--audit", 0.02, "--second", 0.1, "--second-field", "total", "--second-field", "date")
        assert call("review", *flags, *rules, "--no-browser").exit_code == 0
        ((settings, seen, host, port, token, opens),) = served
        assert [path.name for path in (settings.results, settings.review, settings.state)] == [
            "out",
            "queue",
            "state",
        ]
        assert (seen.audit_share, seen.second_share) == (0.02, 0.1)
        assert seen.second_fields == {"total", "date"}
        assert (host, port, token) == ("0.0.0.0", 4321, "s3cret")
        assert opens("http://127.0.0.1") is None

    def test_by_default_one_accepted_number_in_a_hundred_is_audited_on_this_machine(self, work, served):
        assert call("review").exit_code == 0
        ((_, rules, host, port, token, opens),) = served
        assert (rules.audit_share, rules.second_share, rules.second_fields) == (0.01, 0, frozenset())
        assert (host, port, token, opens) == ("127.0.0.1", 0, "", server.open_browser)

    @pytest.mark.parametrize("flag", [("--audit", 1.1), ("--second", -0.1), ("--port", 65536)])
    def test_values_out_of_range_are_refused(self, work, served, flag):
        assert call("review", *flag).exit_code == 2
        assert served == []


class TestExport:
    @pytest.mark.parametrize(
        ("left_out", "line"),
        [
            ((), "12 digits, 3 of them corrected\n"),
            (("blot",), "12 digits, 3 of them corrected, 1 left out (left-out.csv says why)\n"),
        ],
    )
    def test_counts_are_printed(self, work, monkeypatch, left_out, line):
        done = SimpleNamespace(digits=12, corrections=3, left_out=left_out)
        folders = []
        monkeypatch.setattr(export, "export", lambda settings, folder: folders.append(folder.name) or done)
        assert call("corrections", "export", "mine").stdout == line
        assert folders == ["mine"]

    def test_before_anything_was_read_it_is_a_mistake(self, work):
        done = call("corrections", "export", "mine")
        assert done.exit_code == 2
        assert "nothing was read" in done.stderr


class TestPutBack:
    def test_the_model_before_reads_from_now_on(self, work):
        settings = work.settings()
        promoted = registry.promote(settings, shipped_model())
        assert registry.model_in_use(settings) == promoted
        assert call("corrections", "put-back").stdout == f"{shipped_model()} reads from now on\n"
        assert registry.model_in_use(settings) is None

    def test_without_a_promoted_model_it_is_a_mistake(self, work):
        done = call("corrections", "put-back")
        assert done.exit_code == 2
        assert "no model was promoted" in done.stderr
