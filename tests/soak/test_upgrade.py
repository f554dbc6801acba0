"""A project folder of an earlier release goes on with this one: nothing read again, nothing lost, tables equal."""

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digitocr.inbox.verify import verify
from digitocr.review.rules import Rules
from digitocr.review.service import open_review
from digitocr.settings import load_settings
from digitocr.store.ledger import Ledger
from digitocr.web.app import make_app

RELEASES = sorted(Path(__file__).with_name("fixtures").glob("release-*"))
HOME = "http://127.0.0.1:8000"
BY_PEOPLE = ("correction", "decision")


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def project(request, tmp_path, monkeypatch):
    """The project folder of a release, in the working folder; its ledger holds the name of that folder."""
    folder = tmp_path / "project"
    shutil.copytree(request.param / "project", folder)
    (folder / "inbox").mkdir(exist_ok=True)
    state = (folder / "state").rename(folder / ".digitocr")
    script = (state / "ledger.sql").read_text(encoding="utf-8").replace("@PROJECT@", str(folder))
    (state / "ledger.sql").unlink()
    with closing(sqlite3.connect(state / "ledger.sqlite")) as db:
        db.executescript(script)
    monkeypatch.chdir(folder)
    return folder


def call(*command, status=0):
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-m", *command], env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def process(*flags):
    return json.loads(call("flows.process_folder", "--no-prefect", "--json", *flags))


def tables(project):
    """Return all tables by their names."""
    folders = ("results", "other", "review")
    return {
        p.relative_to(project): p.read_bytes() for name in folders for p in (project / name).rglob("*.csv")
    }


def as_released(name, table):
    """Return a table without what has another meaning now.

    What waits of a file was counted in digits, and is in numbers; what a person confirmed was `corrected`; and numbers
    had no value.
    """
    rows = csv.DictReader(table.decode().replace("confirmed", "corrected").splitlines())
    new = "review" if name.name == "files.csv" else "value"
    return [{column: cell for column, cell in row.items() if column != new} for row in rows]


def all_released(tables):
    return {name: as_released(name, table) for name, table in tables.items()}


def rows_of(name):
    with Path(name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def select(project, sql):
    with closing(sqlite3.connect(project / ".digitocr" / "ledger.sqlite")) as db:
        return db.execute(sql).fetchall()


def said(project):
    """Return what people said, column by column."""
    return {table: select(project, f"SELECT * FROM {table} ORDER BY id") for table in BY_PEOPLE}


def has_read(project):
    return select(project, "SELECT id, processed_at FROM file ORDER BY id")


def test_every_table_of_the_fixture_has_rows(project):
    names = [name for (name,) in select(project, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert [name for name in names if not select(project, f"SELECT 1 FROM {name} LIMIT 1")] == []


def test_nothing_is_read_again_and_no_table_changes(project):
    before, words, read = tables(project), said(project), has_read(project)
    assert process()["files"] == 0
    counts = process("scans", "--results", "other")
    assert (counts["files"], counts["unchanged"]) == (2, 2)
    assert all_released(tables(project)) == all_released(before)
    assert all("value" in row for row in rows_of("results/numbers.csv"))
    assert said(project) == words
    assert has_read(project) == read


def test_known_content_is_not_read_under_another_name(project):
    shutil.copy("scans/field.png", "scans/copy.png")
    counts = process("scans", "--results", "other")
    assert (counts["files"], counts["unchanged"], counts["duplicates"]) == (3, 2, 1)


def test_tables_that_are_written_again_are_the_same(project):
    before, words = tables(project), said(project)
    with closing(sqlite3.connect(".digitocr/ledger.sqlite")) as db, db:
        db.execute("UPDATE file SET stale = 1 WHERE reading IS NOT NULL")
        db.execute("UPDATE job SET published = 0")
    for name in before:
        if name.name not in ("queue.csv", "audit.csv") and ".old" not in name.parts:
            name.write_text("lost")
    (project / "results" / "files.csv").unlink()
    process()
    process("scans", "--results", "other")  # as the last time: in the queue the last job's rows stand first
    now = tables(project)
    assert [name for name in now if as_released(name, now[name]) != as_released(name, before[name])] == []
    assert said(project) == words


def test_what_was_typed_before_is_taken_over(project):
    words = said(project)
    (typed,) = [row for row in rows_of("review/queue.csv") if row["correction"] or row["number_correction"]]
    assert json.loads(call("flows.apply_review", "--json")) == {"applied": 1, "settled": 1, "refused": 0}
    *before, (*_, kind, old, new, _, _) = said(project)["correction"]
    assert before == words["correction"]
    assert (kind, old, new) == ("digit", typed["digit"], typed["correction"])
    rows = {(row["number"], row["position"]): row for row in rows_of("results/page2.jpg.digits.csv")}
    assert rows[typed["number"], typed["position"]]["digit"] == typed["correction"]


def test_review_goes_on_where_it_was(project):
    words, settings = said(project), load_settings()
    review = open_review(settings, Rules(second_share=1.0, audit_share=0.5))
    app = make_app(review, settings, host_person="ann")
    with TestClient(app, base_url=HOME, client=("127.0.0.1", 1), headers={"origin": HOME}) as page:
        assert "audit" in page.get("/").text.casefold()
        looks = {}
        for look in (None, "second", "third", "audit"):
            body = {"session": "1" * 32, "who": "zoe", "count": 20, "look": look}
            for task in page.post("/api/next", json=body).json()["tasks"]:
                looks.setdefault(task["look"], []).append(task)
        assert {"first", "second", "third", "audit"} == set(looks)
        for look, tasks in looks.items():
            for name in ("number-0.png", "around.jpg"):
                assert page.get(f"/picture/{tasks[0]['place']}/{name}").status_code == 200
            one = {key: tasks[0][key] for key in ("place", "look", "last_word", "read_at")} | {"text": "4321"}
            body = {"token": f"after-{look:>8}".replace(" ", "0"), "session": "1" * 32, "who": "zoe"}
            assert page.post("/api/decide", json=body | {"decisions": [one]}).json()["refused"] == []
    after = said(project)
    for table in BY_PEOPLE:
        assert after[table][: len(words[table])] == words[table]
    assert len(after["decision"]) == len(words["decision"]) + 4


def test_the_ledger_and_the_disk_agree_as_before_once_the_tables_have_their_values(project):
    process()
    (line,) = call("digitocr", "ledger", "verify", status=1).splitlines()
    assert line == f"{Path('archive/sub/drawn2.png')}: never read, or changed since"
    with Ledger(project / ".digitocr" / "ledger.sqlite") as ledger:
        assert verify(load_settings(), ledger) == [line]


def test_reviewed_files_can_be_forgotten_and_read_again(project):
    words = said(project)
    names = ("notes.jpg", "sub/drawn0.png", "sub/chalk.jpg")
    call("digitocr", "ledger", "forget", *names)
    call("digitocr", "corrections", "put-back")
    (project / "inbox" / "sub").mkdir()
    for name in names:
        shutil.copy(project / "archive" / name, project / "inbox" / name)
    counts = process()
    assert (counts["files"], counts["done"]) == (3, 3)
    assert said(project) == words
    assert select(project, "PRAGMA foreign_key_check") == []
