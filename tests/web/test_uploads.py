import asyncio
import csv
import io

import openpyxl
import pytest
from fake_reader import drawn
from reviewers import review_of
from starlette.testclient import TestClient

from digitocr.errors import UsageError
from digitocr.results import publish
from digitocr.store.ledger import Ledger
from digitocr.web import uploads
from digitocr.web.app import make_app

HOME = "http://127.0.0.1:8000"
OCTETS = {"content-type": "application/octet-stream", "origin": HOME}


def client(work, token="", *, takes_files=True, **settings):
    served = make_app(review_of(work), work.settings(**settings), token=token, takes_files=takes_files)
    return TestClient(served, base_url=HOME, client=("127.0.0.1", 5000), headers={"origin": HOME})


@pytest.fixture
def page(work):
    work.run()
    with client(work) as client_:
        yield client_


def put(page, name, content=b"5 123?", **headers):
    return page.put("/api/upload", params={"name": name}, content=content, headers=OCTETS | headers)


def states(page, *names):
    files = page.post("/api/uploaded", json={"names": list(names)}).json()["files"]
    return [(one["state"], one.get("said", "")) for one in files]


class TestUploading:
    def test_a_file_is_taken_read_and_shown_and_its_tables_go_into_a_spreadsheet(self, work, page):
        assert put(page, "a.png", drawn("5 123?")).json() == {"file": "a.png"}
        assert put(page, "bad.png", b"BAD").json() == {"file": "bad.png"}
        assert states(page, "a.png", "bad.png") == [("waits", ""), ("waits", "")]
        work.run()
        assert states(page, "a.png", "bad.png", "other.png") == [
            ("done", "2 numbers, 1 for review"), ("failed", "cannot be decoded"), ("gone", ""),
        ]  # fmt: skip
        text = page.get("/file/1").text
        assert all(f'<td class="read">{number}</td>' in text for number in ("5", "123"))
        assert 'href="/pages?file=1"' in text
        assert page.get("/file/1/page-1.jpg").content.startswith(b"\xff\xd8")
        assert 'data-retry="2"' in page.get("/file/2").text
        for address, table in (
            ("/tables/numbers.csv.xlsx", "numbers.csv"),
            ("/file/1/digits.xlsx", "a.png.digits.csv"),
        ):
            book = openpyxl.load_workbook(io.BytesIO(page.get(address).content))
            with (work.folder / "results" / table).open(newline="", encoding="utf-8") as stream:
                rows = list(csv.reader(stream))
            assert [[cell.value or "" for cell in row] for row in book.active.rows] == rows

    def test_a_name_that_is_taken_is_not_overwritten(self, work, page):
        assert [put(page, "a.png", content).json()["file"] for content in (b"1", b"2")] != ["a.png"] * 2
        assert {path.read_bytes() for path in work.inbox.glob("a*.png")} == {b"1", b"2"}

    @pytest.mark.parametrize(
        "name", ["../../x.png", "..\\x.png", "C:\\scans\\x.png", "/etc/x.png", "x.png\0"]
    )
    def test_of_a_path_the_last_part_counts(self, work, page, name):
        assert put(page, name).json() == {"file": "x.png"}
        assert work.names(".")[-1:] != ["x.png"]
        assert [path.name for path in work.inbox.iterdir()] == ["x.png"]

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "..",
            "a/",
            ".htaccess",
            "Thumbs.db",
            "a.png.part",
            "README.md",
            "a.png.error.json",
            "x" * 250,
        ],
    )
    def test_what_would_never_be_read_is_refused(self, work, page, name):
        assert put(page, name).status_code == 400
        assert list(work.inbox.iterdir()) == []

    def test_names_are_text_on_the_page_and_in_the_spreadsheet(self, work, page):
        hostile = "=1+1<img src=x onerror=alert(1)>.png"
        put(page, hostile, drawn("5"))
        work.run()
        assert "<img src=x" not in page.get("/file/1").text
        book = openpyxl.load_workbook(io.BytesIO(page.get("/tables/numbers.csv.xlsx").content))
        assert (book.active["A2"].value, book.active["A2"].data_type) == (hostile, "s")


class TestLimits:
    def test_a_file_that_is_too_large_leaves_nothing(self, work):
        work.run()
        with client(work, max_bytes=10) as page:
            assert put(page, "a.png", b"x" * 11).status_code == 413
            assert put(page, "b.png", b"x" * 10).status_code == 200
        assert work.names("inbox") == ["b.png"]

    def test_no_more_wait_than_the_settings_allow(self, work):
        work.run()
        with client(work, max_waiting=2) as page:
            assert [put(page, f"{i}.png").status_code for i in range(4)] == [200, 200, 400, 400]

    def test_what_stops_arriving_leaves_nothing(self, work, monkeypatch):
        monkeypatch.setattr(uploads, "PAUSE_S", 0.05)

        async def endless():
            yield b"x"
            await asyncio.sleep(9)
            yield b"x"

        with pytest.raises(UsageError, match="stopped arriving"):
            asyncio.run(uploads.take(work.settings(), "a.png", endless()))
        assert list(work.inbox.iterdir()) == []


class TestAccess:
    def test_without_the_token_or_from_another_site_nothing_is_taken(self, work):
        work.run()
        with client(work, token="0123456789abcdef01234567") as page:
            assert put(page, "a.png").status_code == 403
            page.get("/", params={"token": "0123456789abcdef01234567"})
            assert put(page, "a.png", origin="http://evil.example").status_code == 403
            assert work.names("inbox") == []
            assert put(page, "a.png").status_code == 200

    def test_the_review_page_alone_takes_no_files(self, work):
        work.run()
        with client(work, takes_files=False) as page:
            assert put(page, "a.png").status_code in (404, 405)
            assert "Add files" not in page.get("/").text

    @pytest.mark.parametrize(
        "path", ["/file/9", "/file/9/page-1.jpg", "/file/1/page-9.jpg", "/tables/../x.xlsx", "/tables/x.xlsx"]
    )
    def test_what_is_not_there(self, work, page, path):
        put(page, "a.png", drawn("5"))
        work.run()
        assert page.get(path).status_code == 404


def test_a_project_without_a_file_can_be_served(work):
    from flows import serve

    serve.prepare(work.settings())
    with Ledger(work.settings().ledger) as ledger:
        assert publish.known_shelf(work.settings(), ledger)
