"""How a run ended, for people."""

from dataclasses import replace

import pytest
from terminal import Terminal

from digitocr.cli.report import MOST_NUMBERS, print_numbers, report
from digitocr.records import Status


def doubtful(result):
    """Put every digit in doubt."""
    (page,) = result.pages
    numbers = tuple(
        replace(
            number,
            status=Status.REVIEW,
            digits=tuple(replace(d, status=Status.REVIEW) for d in number.digits),
        )
        for number in page.numbers
    )
    return replace(result, pages=(replace(page, numbers=numbers),))


@pytest.fixture
def shown(work, monkeypatch):
    """Run in the workplace, and return what a terminal shows of it."""
    monkeypatch.setenv("COLUMNS", "80")

    def run():
        summary = work.run()
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout", terminal := Terminal())
            report(summary, work.settings())
        return terminal.getvalue()

    return run


class TestReport:
    def test_few_numbers_are_shown_themselves(self, work, shown):
        work.put("a.jpg", "107 3?")
        text = shown()
        assert "a.jpg 107 0.9800 accepted" in " ".join(text.split())
        assert "not sure enough" in text

    def test_many_are_left_to_the_tables(self, work, shown):
        work.put("a.jpg", " ".join(map(str, range(100, 101 + MOST_NUMBERS))))
        assert "accepted" not in shown()

    def test_a_file_gets_no_numbers_either(self, work, capsys):
        work.put("a.jpg", "107")
        report(work.run(), work.settings())
        assert "107" not in capsys.readouterr().out

    def test_only_numbers_of_this_run_are_shown(self, work, shown):
        work.put("a.jpg", "107")
        work.run()
        assert "107" not in shown(), "nothing was read"

    def test_a_second_run_says_what_is_there(self, work, capsys):
        work.put("a.jpg", "107 3?")
        work.run()
        report(work.run(), work.settings())
        lines = [line.strip("│┃ ").split() for line in capsys.readouterr().out.splitlines()]
        assert ["numbers", "│", "0", "│", "2"] in lines
        assert ["for", "review", "│", "0", "│", "1"] in lines

    def test_the_next_step_names_the_folders(self, work, capsys):
        work.put("a.jpg", "3?")
        flags = {"results": "my tables", "state": "s"}
        report(work.run(**flags), work.settings(**flags))
        assert "digitocr review --results 'my tables' --state s`" in capsys.readouterr().out

    def test_without_anything_to_settle_there_is_no_next_step(self, work, capsys):
        work.put("a.jpg", "107")
        report(work.run(), work.settings())
        assert "next:" not in capsys.readouterr().out

    def test_failed_files_are_pointed_out(self, work, capsys):
        work.put("a.jpg", "BAD")
        report(work.run(), work.settings())
        assert "digitocr ledger list --status failed`" in capsys.readouterr().out

    def test_how_fast_it_was(self, work, capsys):
        work.put("a.jpg", "1")
        report(replace(work.run(), files=7, seconds=3.5), work.settings())
        assert "3.5 s (2 files/s)" in capsys.readouterr().out

    def test_numbers_wait_and_not_their_digits(self, work):
        read = work.reader._read
        work.reader._read = lambda source: doubtful(read(source))
        work.put("a.jpg", "12 345")
        assert work.run().review == 2
        assert len(work.table("review/queue.csv")) == 5
        assert work.table("results/files.csv")[0]["review"] == "2"


ROW = {
    "file": "a.jpg", "page": "1", "field": "", "text": "",
    "confidence": "0.1", "status": "review", "reasons": "unreadable",
}  # fmt: skip


class TestPrintNumbers:
    def test_unreadable_ink_is_a_question_mark_and_empty_columns_are_left_out(self, capsys):
        print_numbers([ROW])
        header, _, row = (
            line.strip().split(maxsplit=4) for line in capsys.readouterr().out.strip().splitlines()
        )
        assert header == ["file", "number", "confidence", "status", "why"]
        assert row == ["a.jpg", "?", "0.1", "review", "no digit could be made out"]

    def test_the_page_is_shown_if_there_are_several(self, capsys):
        print_numbers([ROW, ROW | {"page": "2"}])
        assert "page" in capsys.readouterr().out
