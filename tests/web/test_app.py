import asyncio
import csv
import json
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
from fake_reader import drawn
from PIL import Image
from reviewers import Person, review_of
from samples import stored
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner
from workplace import Workplace

from digitocr.cli.app import app
from digitocr.inbox.lock import only_runner
from digitocr.io import sandbox
from digitocr.review.rules import Rules
from digitocr.web import guard
from digitocr.web.app import make_app
from digitocr.web.guard import COOKIE, Guard

HOME = "http://127.0.0.1:8000"
SESSION = "0" * 32
SAYING = f'{{"session": "{SESSION}", '
HOSTILE = "<img src=x onerror=alert(1)>' \" & =1+1.png"


def client(work, token="", base=HOME, address="127.0.0.1", rules=None):
    served = make_app(review_of(work, rules), work.settings(), token=token, host_person="ann")
    return TestClient(
        served, base_url=base, client=(address, 5000), headers={"origin": base}, follow_redirects=False
    )


@pytest.fixture
def read(work):
    work.put("a.png", drawn("5 123?"))
    work.put("b.png", drawn("4?"))
    work.run()
    return work


@pytest.fixture
def page(read):
    with client(read) as client_:
        yield client_


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A page that tests look at and do not change."""
    folder = tmp_path_factory.mktemp("still")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        work = Workplace(folder)
        work.put("a.png", drawn("5 123?"))
        work.run()
        with client(work) as client_:
            yield client_


def take(page, count=9, **more):
    body = {"session": SESSION, "who": "ann", "count": count} | more
    return page.post("/api/next", json=body).json()["tasks"]


def answered(app, receive):
    """Post to a guarded application; return the status of the answer."""
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"content-type", b"application/json"),
               (b"content-length", b"1"), (b"transfer-encoding", b"chunked")]  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": "/api/next", "query_string": b"", "headers": headers,
             "client": ("127.0.0.1", 1)}  # fmt: skip
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app)(scope, receive, send))
    return sent[0]["status"]


def children():
    return {
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid()
    }


def decide(page, task, token="token-000", who="ann", **said):
    one = {key: task[key] for key in ("place", "look", "last_word", "read_at")} | said
    return page.post("/api/decide", json={"token": token, "session": SESSION, "who": who, "decisions": [one]})


class TestPages:
    def test_they_load_nothing_from_elsewhere(self, still):
        files = ("style.css", "review.js", "wall.js", "pages.js", "item.js", "common.js", "icon.svg")
        for path in ("/", "/review", "/pages", "/wall?digit=7", *(f"/static/{file}" for file in files)):
            reply = still.get(path)
            assert reply.status_code == 200
            text = reply.text.replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text
            assert "https://" not in text
            assert "default-src 'none'" in reply.headers["content-security-policy"]
            assert reply.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
    def test_no_pages_of_the_framework(self, still, path):
        assert still.get(path).status_code == 404

    def test_the_front_page_counts(self, page):
        text = page.get("/").text
        assert "Review 2 numbers" in text
        assert "not sure enough" in text

    def test_failed_files_are_named_with_why(self, work):
        work.put("a.png", "1?")
        work.put("bad.png", "BAD")
        work.run()
        with client(work) as page:
            assert "cannot be decoded" in page.get("/").text

    def test_a_decision_is_in_the_tables_when_the_server_ends(self, read):
        with client(read) as page:
            task = take(page)[0]
            assert decide(page, task, digits={"1": "7"}).json() == {
                "refused": [], "settled": [], "waiting": 1, "newest": 1,
            }  # fmt: skip
        texts = {(r["file"], r["number"]): r["text"] for r in read.table("results/numbers.csv")}
        assert texts["a.png", "2"] == "723"
        assert [row["file"] for row in read.table("review/queue.csv")] == ["b.png"]

    def test_what_a_killed_server_left_undone_is_done_at_the_next_start(self, read):
        with review_of(read) as review:
            ann = Person(review)
            ann.accept(ann.take()[0])
        assert len(read.table("review/queue.csv")) == 2
        with client(read):
            pass
        assert [row["file"] for row in read.table("review/queue.csv")] == ["b.png"]

    def test_undo_and_what_the_slower_one_is_told(self, page):
        task = take(page)[0]
        decide(page, task, token="token-one", digits={"1": "7"})
        again = decide(page, task, token="token-two", digits={"1": "9"}).json()
        assert "ann" in again["refused"][0]["message"]
        undone = page.post("/api/undo", json={"token": "token-one", "undoing": "token-un1", "session": SESSION,
                                              "who": "ann"}).json()  # fmt: skip
        assert [t["place"] for t in undone["tasks"]] == [task["place"]]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/api/next", {"session": "x", "who": "", "count": 1}),
            ("/api/next", {"session": SESSION, "who": "", "count": 999}),
            ("/api/next", {"session": SESSION, "who": "", "count": 1, "order": "rowid; DROP TABLE item"}),
            ("/api/skip", {"session": SESSION, "place": "1-1-1; DROP TABLE item"}),
            ("/api/decide", {"token": "t" * 8, "session": SESSION, "who": "ann", "decisions": []}),
            ("/api/release", {"session": SESSION, "strange": 1}),
        ],
    )
    def test_what_no_page_of_ours_sends_is_refused(self, still, path, body):
        assert still.post(path, json=body).status_code == 422

    def test_no_decision_without_a_name(self, page):
        assert decide(page, take(page)[0], who=" \n", digits={"1": "7"}).status_code == 400


class TestFiles:
    @pytest.fixture
    def mixed(self, work):
        work.put("a.png", drawn("1?"))
        work.put("b.png", drawn("12"))
        work.put("[a]*.png", "BAD")
        work.put("other.png", "BAD 2")
        work.run()
        return work

    def test_all_are_listed_with_ways_on(self, mixed):
        with client(mixed) as page:
            text = page.get("/files").text
            for wanted in (
                "1 to review",
                "/pages?file=",
                "<td>cannot be decoded<small>damaged</small>",
                "data-retry",
                "/tables/numbers.csv",
            ):
                assert wanted in text
            failed = page.get("/files?status=failed").text
            assert ("other.png" in failed, "b.png" in failed) == (True, False)
            assert "b.png" in page.get("/files?text=b.").text
            assert "No such files" in page.get("/files", params={"text": "100%_'\""}).text
            assert page.get("/files?status=odd").status_code == 422

    def test_their_tables_are_there_to_be_saved(self, mixed):
        with client(mixed) as page:
            for address, path in (
                ("/tables/numbers.csv", "results/numbers.csv"), ("/tables/files.csv", "results/files.csv"),
                ("/tables/queue.csv", "review/queue.csv"), ("/file/2/digits.csv", "results/a.png.digits.csv"),
            ):  # fmt: skip
                reply = page.get(address)
                assert reply.content == (mixed.folder / path).read_bytes()
                assert "attachment" in reply.headers["content-disposition"]
            for address in (
                "/tables/audit.csv",
                "/tables/../ledger.sqlite",
                "/file/99/numbers.csv",
                "/file/1/numbers.csv",
            ):
                assert page.get(address).status_code == 404

    def test_a_failed_file_is_put_back_and_no_other(self, mixed):
        with client(mixed) as page:
            listed = page.get("/files?status=failed").text
            file = int(listed.partition("[a]*.png")[2].partition('data-retry="')[2].partition('"')[0])
            assert page.post("/api/retry", json={"file": file}).json() == {"files": ["[a]*.png"]}
            assert mixed.names("inbox") == ["[a]*.png"]
            assert (
                page.post("/api/retry", json={"file": file}).status_code == 400
            )  # it is no failed one any more
            assert page.post("/api/retry", json={"file": 99}).status_code == 404

    def test_while_a_run_holds_the_inbox_it_is_told(self, mixed):
        with client(mixed) as page, only_runner(mixed.settings().state, mixed.inbox, "a test"):
            reply = page.post("/api/retry", json={"file": 1})
            assert reply.status_code == 409

    def test_what_is_not_there_is_a_page_for_people(self, still):
        reply = still.get("/nowhere", headers={"accept": "text/html,*/*"})
        assert (reply.status_code, "To the overview" in reply.text) == (404, True)
        assert still.get("/nowhere").json() == {"message": "Not Found"}

    def test_menus_of_the_front_page_lead_to_what_waits(self, mixed):
        with client(mixed) as page:
            text = page.get("/").text
            assert '<option value="2">a.png (1)</option>' in text
            assert page.get("/pages?order=file&file=2").text.count('data-file="2"') == 1
            assert "data-file" not in page.get("/review?order=unsure&field=&file=").text

    def test_the_wall_opens_where_most_digits_wait(self, page):
        assert "Wall of" in page.get("/wall").text
        assert "All read as 1" in page.get("/wall").text


class TestPictures:
    def test_those_of_a_number(self, page):
        (place,) = (task["place"] for task in take(page) if task["file"] == "a.png")
        for name, kind in (("number-1.png", "png"), ("number-0.png", "png"), ("digit-2.png", "png"),
                           ("around.jpg", "jpeg"), ("page.jpg", "jpeg")):  # fmt: skip
            reply = page.get(f"/picture/{place}/{name}")
            assert (reply.status_code, reply.headers["content-type"]) == (200, f"image/{kind}")
            assert len(reply.content) > 100

    def test_a_folder_that_is_not_the_inbox(self, work):
        folder = work.folder / "scans"
        work.put("a.png", drawn("1?"), folder)
        work.run(folder)
        with client(work) as page:
            assert page.get("/picture/1-1-1/around.jpg").status_code == 200

    def test_a_file_that_is_gone_leaves_the_crop(self, read, page):
        shutil.rmtree(read.folder / "archive")
        assert page.get("/picture/1-1-2/number-1.png").status_code == 200
        reply = page.get("/picture/1-1-2/around.jpg")
        assert (reply.status_code, reply.json()["message"]) == (
            404, "a.png: no longer where it was read or archived",
        )  # fmt: skip

    def test_another_content_under_the_name_is_not_shown(self, read, page):
        (read.folder / "archive" / "a.png").write_bytes(drawn("99"))
        assert page.get("/picture/1-1-2/around.jpg").status_code == 404

    def test_a_file_that_ends_its_decoder_is_a_picture_less(self, read, page, monkeypatch):
        sound = sandbox.DECODER
        monkeypatch.setattr(sandbox, "DECODER", "import os; os.kill(os.getpid(), 11)")
        reply = page.get("/picture/1-1-2/around.jpg")
        assert (reply.status_code, reply.json()["message"]) == (
            404,
            "a.png: the decoder crashed on it (signal 11)",
        )
        assert page.get("/picture/1-1-2/number-1.png").status_code == 200  # the crop of the queue
        monkeypatch.setattr(sandbox, "DECODER", sound)
        assert page.get("/picture/2-1-1/around.jpg").status_code == 200

    def test_a_bomb_costs_no_more_than_the_limits(self, work):
        bomb = stored(Image.new("1", (20000, 20000)), "PNG") + b" 1?"
        work.put("a.png", bomb)
        work.put("b.png", drawn("1?"))
        work.run()
        with client(work) as page:
            reply = page.get("/picture/1-1-1/page.jpg")
            assert (reply.status_code, reply.json()["message"]) == (
                404,
                "a.png: 20000×20000 pixels are too many",
            )
            assert page.get("/picture/2-1-1/page.jpg").status_code == 200

    @pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes")
    def test_no_decoder_outlives_the_server(self, read):
        before = children()
        with client(read) as page:
            assert page.get("/picture/1-1-2/around.jpg").status_code == 200
            assert len(children() - before) == 1
        assert children() == before

    @pytest.mark.parametrize("place", ["9-1-1", "1-9-1", "1-1-9", "a-b-c", "1-1", "1-1-1-1", "..", "%2e%2e"])
    def test_what_is_no_number(self, still, place):
        assert still.get(f"/picture/{place}/around.jpg").status_code in (400, 404)

    @pytest.mark.parametrize(
        "name", ["digit-0.png", "digit-99.png", "number--1.png", "around.png", "../../x"]
    )
    def test_what_is_no_picture(self, still, name):
        assert still.get(f"/picture/1-1-2/{name}").status_code == 404


class TestOutside:
    @pytest.mark.parametrize(
        "path",
        [
            "/static/../app.py",
            "/static/..%2fapp.py",
            "/static/%2e%2e/%2e%2e/ledger.py",
            "/static//etc/passwd",
            "/..%2f..%2fetc/passwd",
            "/picture/..%2f..%2f..%2fetc%2fpasswd/around.jpg",
            "/.digitocr/ledger.sqlite",
            "/results/numbers.csv",
        ],
    )
    def test_no_path_leads_out(self, still, path):
        assert still.get(path).status_code in (400, 404)

    def test_a_name_in_the_ledger_that_leads_out_is_not_followed(self, read, page):
        (read.folder / "secret.png").write_bytes((read.folder / "archive" / "a.png").read_bytes())
        (read.folder / "archive" / "a.png").unlink()
        import sqlite3

        with sqlite3.connect(read.folder / ".digitocr" / "ledger.sqlite") as db:
            db.execute("UPDATE file SET file = '../secret.png', source = '../secret.png' WHERE id = 1")
        db.close()
        assert page.get("/picture/1-1-2/around.jpg").status_code == 404

    def test_a_link_that_leads_out_is_not_followed(self, read, page):
        outside = read.folder / "secret.png"
        (read.folder / "archive" / "a.png").rename(outside)
        (read.folder / "archive" / "a.png").symlink_to(outside)
        assert page.get("/picture/1-1-2/around.jpg").status_code == 404


class TestStrangers:
    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]", ""]
    )
    def test_a_name_that_is_not_ours(self, still, host):
        assert still.get("/", headers={"host": host}).status_code == 403

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "[::1]:8000", "127.0.0.1:1"])
    def test_names_that_are(self, still, host):
        assert still.get("/", headers={"host": host}).status_code == 200

    @pytest.mark.parametrize(
        "origin",
        [
            "http://evil.example",
            "null",
            "",
            "http://127.0.0.1:8001",
            "http://127.0.0.1:8000.evil.example",
            "http://",
        ],
    )
    def test_posting_from_another_site(self, still, origin):
        reply = still.post(
            "/api/next", json={"session": SESSION, "who": "a", "count": 1}, headers={"origin": origin}
        )
        assert (reply.status_code, reply.text) == (403, "posted from another site")

    def test_posting_without_saying_from_where(self, page):
        del page.headers["origin"]
        assert page.post("/api/skip", json={"session": SESSION, "place": "1-1-2"}).status_code == 403

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
    )
    def test_what_a_form_could_post(self, still, kind):
        body = json.dumps({"session": SESSION, "who": "a", "count": 1})
        reply = still.post("/api/next", content=body, headers={"content-type": kind})
        assert (reply.status_code, reply.text) == (403, "not JSON")

    def test_too_much(self, page):
        reply = page.post(
            "/api/next", content=b"[" + b" " * 2_000_000, headers={"content-type": "application/json"}
        )
        assert reply.status_code == 403

    def test_too_much_whatever_the_headers_say(self):
        async def app(scope, receive, send):
            raise AssertionError("it was passed on")

        fed = []

        async def receive():
            fed.append(100_000)
            return {"type": "http.request", "body": b" " * 100_000, "more_body": True}

        assert answered(app, receive) == 413
        assert sum(fed) < 2_000_000

    def test_too_slow(self, monkeypatch):
        monkeypatch.setattr(guard, "BODY_S", 0.05)
        assert answered(None, lambda: asyncio.sleep(60)) == 408

    @pytest.mark.parametrize(
        "body",
        [
            SAYING + '"who": "\\ud800", "count": 1}',
            SAYING + '"who": "a", "count": 1e999}',
            SAYING + '"who": "a", "count": 1, "\\udfff": 1}',
            SAYING + '"who": "a", "count": 1, "file": 9999999999999999999999}',
            "[" * 100_000,
            "1" * 10_000,
            "",
        ],
    )
    def test_odd_bodies_are_refused_in_a_line(self, still, body):
        reply = still.post("/api/next", content=body, headers={"content-type": "application/json"})
        assert reply.status_code in (400, 422)

    def test_a_websocket_is_closed(self, still):
        with pytest.raises(WebSocketDisconnect), still.websocket_connect("/"):
            pass

    def test_another_machine_without_a_token(self, read):
        with client(read, address="192.0.2.7") as page:
            assert page.get("/").status_code == 403


class TestToken:
    @pytest.fixture
    def page(self, read):
        with client(read, token="s3cret", base="http://192.0.2.1:8000", address="192.0.2.7") as page:
            yield page

    @pytest.mark.parametrize("path", ["/", "/review", "/static/review.js", "/picture/1-1-2/around.jpg"])
    def test_nothing_without_it(self, page, path):
        assert page.get(path).status_code == 403

    @pytest.mark.parametrize("token", ["", "S3CRET", "s3cret2", "é"])
    def test_nothing_with_another(self, page, token):
        assert page.get("/", params={"token": token}).status_code == 403
        page.cookies.set(f"{COOKIE}-8000", "wrong")
        assert page.get("/").status_code == 403
        assert page.post("/api/skip", json={"session": SESSION, "place": "1-1-2"}).status_code == 403

    def test_the_link_gives_a_cookie_and_takes_the_token_out_of_the_address(self, page):
        reply = page.get("/review?token=s3cret&order=unsure")
        assert (reply.status_code, reply.headers["location"]) == (303, "/review?order=unsure")
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert page.get("/review").status_code == 200
        assert take(page)

    def test_the_link_leads_to_no_other_site(self):
        scope = {"type": "http", "method": "GET", "path": "//evil.example/", "query_string": b"token=s3cret",
                 "headers": []}  # fmt: skip
        sent = []

        async def send(message):
            sent.append(message)

        asyncio.run(Guard(None, "s3cret")(scope, None, send))
        assert dict(sent[0]["headers"])[b"location"] == b"/evil.example/"

    def test_posting_from_another_site_with_the_cookie(self, page):
        page.cookies.set(f"{COOKIE}-8000", "s3cret")
        reply = page.post(
            "/api/skip", json={"session": SESSION, "place": "1-1-2"}, headers={"origin": "http://evil"}
        )
        assert reply.status_code == 403


@pytest.mark.skipif(os.name == "nt", reason="such names cannot be there")
def test_hostile_names_are_text(work):
    work.put(HOSTILE, drawn("1?"))
    work.put("bad" + HOSTILE, "BAD")
    work.run()
    with client(work) as page:
        text = page.get("/").text
        assert "<img" not in text
        assert "bad&lt;img src=x onerror=alert(1)&gt;" in text
        (task,) = take(page)
        assert task["file"] == HOSTILE  # as JSON; the script puts it in as text
        decide(page, task, who="=cmd()", text="7")
        assert page.get(f"/picture/{task['place']}/around.jpg").status_code == 200
        field = page.get("/review", params={"field": '"><script>alert(1)</script>'}).text
        assert "<script>alert" not in field
    with (work.folder / "review" / "audit.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["who"] == "'=cmd()"


def test_the_interval_is_on_the_front_page(work):
    work.put("a.png", drawn("11 22"))
    work.run()
    with client(work, rules=Rules(audit_share=1)) as page:
        import time

        while not (tasks := take(page, look="audit")):
            time.sleep(0.01)  # drawn beside the answering of requests
        decide(page, tasks[0], text="11")
        text = page.get("/").text
        assert "0 wrong of 1 accepted numbers" in text
        assert "0.00 to 97.50 %" in text


def test_it_runs_in_a_server_of_ones_own(read, monkeypatch):
    from digitocr.web import server

    monkeypatch.setenv("DIGITOCR_REVIEW_TOKEN", "s3cret")
    with TestClient(server.application(), base_url=HOME, follow_redirects=False) as page:
        assert page.get("/").status_code == 403
        assert page.get("/?token=s3cret").status_code == 303
        assert page.get("/").status_code == 200


def test_ctrl_c_is_answered_at_once(read, caplog):
    from digitocr.web import server

    def interrupt(_):
        os.kill(os.getpid(), signal.SIGINT)

    assert server.serve(read.settings(), Rules(), "127.0.0.1", 0, "", interrupt) == 0
    assert caplog.text.count("ending; ") == 1


class TestCommand:
    def call(self, *args):
        return CliRunner().invoke(app, ["review", "--no-browser", *args])

    def test_before_anything_was_read_it_is_a_mistake(self, work):
        done = self.call()
        assert done.exit_code == 2
        assert "nothing was read" in done.stderr

    def test_a_port_that_is_taken(self, read):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = self.call("--port", str(taken.getsockname()[1]))
        assert done.exit_code == 2
        assert "--port" in done.stderr

    def test_an_address_that_is_not_ours(self, read):
        assert self.call("--host", "192.0.2.1").exit_code == 2
