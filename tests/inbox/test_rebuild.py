"""The ledger lost, older or foreign: nothing is overwritten, and it can be made again."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from maintenance import call, disagreements, ledger_of
from workplace import Workplace

from digitocr.errors import LedgerError, UsageError
from digitocr.inbox.rebuild import rebuild
from digitocr.store.ledger import Ledger, Outcome
from digitocr.store.published import Shown
from digitocr.store.restored import Restored


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project in which files were read, failed and were corrected."""
    folder = tmp_path_factory.mktemp("made")
    with contextlib.chdir(folder):
        make(Workplace(folder))
    return folder


@pytest.fixture
def read(made, work):
    """A copy of it."""
    shutil.copytree(made, work.folder, dirs_exist_ok=True)
    return work


def make(work):
    for name, text in {
        "a.jpg": "107 33",
        "b.jpg": "5?",
        "sub/=c.jpg": "44? 8",
        "twin.jpg": "107 33",
        "bad.jpg": "BAD",
        "half.tif": "HALF 7",
        "empty.jpg": "EMPTY",
    }.items():
        work.put(name, text)
    work.run()
    work.put("a.jpg", "2?")
    work.run()
    correct(work, "b.jpg", "6")


def correct(work, file, text):
    path = work.folder / "review" / "queue.csv"
    lines = path.read_text().splitlines()
    typed = [f"{line}{text}" if f",{file}," in line else line for line in lines]
    path.write_text("\n".join(typed) + "\n")
    assert call("apply").exit_code == 0


def shown(work):
    """Return all tables and crops."""
    folders = (work.folder / "results", work.folder / "review")
    return {
        path.relative_to(work.folder).as_posix(): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and ".ledger" not in path.parts
    }


def lose(work):
    shutil.rmtree(work.folder / ".digitocr")


class TestNotice:
    @pytest.mark.parametrize("how", ["deleted", "emptied", "of an earlier release"])
    def test_a_new_ledger_overwrites_nothing(self, read, how):
        before = shown(read)
        if how == "emptied":
            for path in (read.folder / ".digitocr").glob("ledger*"):
                path.write_bytes(b"")
        else:
            lose(read)
        if how == "of an earlier release":
            shutil.rmtree(read.folder / "results" / ".ledger")
        read.put("new.jpg", "3")
        for _ in range(2):
            with pytest.raises(LedgerError, match="ledger rebuild"):
                read.run()
        assert call("apply").exit_code == 3
        assert "trouble     the tables in results were written with another ledger" in call("status").stdout
        assert call("ledger", "forget", "*").exit_code == 3
        assert shown(read) == before
        assert read.names("inbox") == ["new.jpg"]

    def test_nor_does_an_older_one(self, read, tmp_path):
        assert call("ledger", "backup", "copy.sqlite").exit_code == 0
        read.put("new.jpg", "3")
        read.run()
        before = shown(read)
        lose(read)
        (read.folder / ".digitocr").mkdir()
        shutil.copy("copy.sqlite", read.folder / ".digitocr" / "ledger.sqlite")
        with pytest.raises(LedgerError, match="later state"):
            read.run()
        assert shown(read) == before

    def test_one_of_the_last_edition_goes_on(self, read):
        assert call("ledger", "backup", "copy.sqlite").exit_code == 0
        lose(read)
        (read.folder / ".digitocr").mkdir()
        shutil.copy("copy.sqlite", read.folder / ".digitocr" / "ledger.sqlite")
        assert read.run().files == 0
        assert disagreements(read) == []

    def test_empty_results_are_no_ones(self, work):
        work.put("a.jpg", "1")
        work.run(results="other")
        (work.folder / "results").mkdir()
        (work.folder / "results" / "files.csv").write_text("file,sha256\n")
        work.put("b.jpg", "2")
        assert work.run().done == 1


class TestMoved:
    def test_a_project_goes_on_where_it_was_moved_to(self, read, monkeypatch):
        other = read.folder.parent / f"{read.folder.name}-moved"
        read.folder.rename(other)
        monkeypatch.chdir(other)
        read.folder, read.inbox = other, other / "inbox"
        read.put("new.jpg", "3")
        assert read.run().done == 1
        assert len(read.table("results/files.csv")) == 9
        assert disagreements(read) == []
        with ledger_of(read) as ledger:
            assert ledger.folders(1) == (other / "inbox",)

    def test_so_do_results_that_were_moved_alone_but_not_a_copy_of_them(self, read):
        shutil.copytree("results", "copy")
        with pytest.raises(LedgerError, match="a copy of"):
            read.run(results="copy")
        shutil.rmtree("copy")
        Path("results").rename("tables")
        read.put("new.jpg", "3")
        read.run(results="tables")
        assert len(read.table("tables/files.csv")) == 9

    def test_the_absolute_paths_of_an_earlier_release_are_known(self, read):
        with sqlite3.connect(read.folder / ".digitocr" / "ledger.sqlite") as db:
            db.execute("UPDATE job SET results = ?", (str(read.folder / "results"),))
            db.execute("UPDATE run SET folder = ?", (str(read.inbox),))
        shutil.rmtree(read.folder / "results" / ".ledger")
        read.put("new.jpg", "3")
        assert read.run().done == 1
        assert len(read.table("results/files.csv")) == 9


class TestRebuild:
    def test_tables_queue_and_corrections_are_the_same(self, read):
        before = shown(read)
        with ledger_of(read) as ledger:
            corrections = ledger.corrections.all(1)
            known = [(k.file, k.source, k.sha256, k.status, k.model) for k in ledger.known(1) if k.pages]
        lose(read)
        done = rebuild(read.settings())
        assert (done.files, done.corrections, done.without_reading, done.unknown) == (8, 1, 0, [])
        assert shown(read) == before
        with ledger_of(read) as ledger:
            assert [(c.new, c.who, c.at) for _, c in ledger.corrections.all(1)] == [
                (c.new, c.who, c.at) for _, c in corrections
            ]
            again = [(k.file, k.source, k.sha256, k.status, k.model) for k in ledger.known(1) if k.pages]
            assert again == known
        assert disagreements(read) == []
        read.put("again.jpg", "107 33")
        assert read.run().duplicates == 1
        correct(read, "sub/=c.jpg", "94")
        assert "94" in {row["text"] for row in read.table("results/numbers.csv")}

    def test_what_was_read_but_not_published_before_the_end_is_in_it(self, read):
        rows = (read.folder / "results" / "files.csv").read_text().splitlines(keepends=True)
        (read.folder / "results" / "files.csv").write_text("".join(rows[:-3]))
        before = shown(read)
        lose(read)
        rebuild(read.settings())
        assert len(read.table("results/files.csv")) > len(rows) - 4
        assert shown(read)["results/numbers.csv"] == before["results/numbers.csv"]

    def test_results_of_an_earlier_release_keep_their_tables_and_can_be_read_again(self, read):
        before = shown(read)
        lose(read)
        shutil.rmtree(read.folder / "results" / ".ledger")
        done = rebuild(read.settings())
        assert done.without_reading == 6
        after = shown(read)
        for name in ("results/files.csv", "results/numbers.csv", "review/audit.csv"):
            assert after[name] == before[name]
        assert read.run(reprocess="changed").failed == 0
        assert shown(read)["review/queue.csv"] == before["review/queue.csv"]
        assert {row["text"] for row in read.table("results/numbers.csv")} >= {"6", "107"}

    def test_a_ledger_that_is_there_is_kept(self, read):
        (read.folder / ".digitocr" / "ledger.sqlite").write_bytes(b"damaged" * 1000)
        assert call("ledger", "rebuild").exit_code == 0
        assert len(list((read.folder / ".digitocr").glob("ledger.sqlite.before-*"))) >= 1
        assert disagreements(read) == []

    def test_files_of_the_archive_that_no_table_names_are_told(self, read):
        read.put("lost.jpg", "1", read.folder / "archive")
        assert "archive/lost.jpg is in no table" in call("ledger", "rebuild").stdout

    def test_without_results_there_is_nothing_to_make_it_from(self, work):
        with pytest.raises(UsageError, match="no results"):
            rebuild(work.settings())


def test_a_backup_is_a_ledger_that_only_its_owner_may_read(read):
    assert call("ledger", "backup", "copy.sqlite").exit_code == 0
    assert Path("copy.sqlite").stat().st_mode & 0o777 == 0o600
    with Ledger(Path("copy.sqlite"), read_only=True) as copy, ledger_of(read) as ledger:
        assert list(copy.known(1)) == list(ledger.known(1))
    assert call("ledger", "backup", "nowhere/copy.sqlite").exit_code == 3


def test_what_the_tables_show_is_known_before_they_are_written_again(work):
    with Ledger(work.folder / "ledger.sqlite") as ledger:
        job = ledger.job(work.folder / "results")
        restored = Restored(ledger.database)
        for file in ("b.jpg", "a.jpg"):
            restored.add(job, file, file, "", Outcome("empty"), "")
        restored.finish(job)
        assert ledger.published.begin(job) == Shown("b.jpg", "", stand=False)
