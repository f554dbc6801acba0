import json
import logging
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from digitocr.inbox import notices
from digitocr.inbox.events import Settled
from digitocr.inbox.job import Hooks


def settled(file="a.jpg", **values):
    shown = {"status": "done", "code": "", "error": "", "numbers": 3, "review": 1} | values
    return Settled(run=1, file=file, sha256="0", pages=1, digits=9, seconds=0.1, model="m", **shown)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(notices, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(notices, "LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr(logging.getLogger("digitocr"), "propagate", True)  # to caplog


@contextmanager
def listening(*answers):
    """Yield the address of a server that answers so, and then with 204, and what was posted to it."""
    answers, posted = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret", posted
        server.shutdown()


class TestLine:
    @pytest.mark.parametrize(
        ("values", "line", "level"),
        [
            ({}, "a.jpg: 3 numbers, 1 for review", logging.INFO),
            ({"status": "failed", "error": "damaged"}, "a.jpg: damaged", logging.ERROR),
            ({"status": "duplicate", "error": "of:b.jpg"}, "a.jpg: duplicate of b.jpg", logging.INFO),
            (
                {"status": "partial", "error": "page 2 is damaged"},
                "a.jpg: 3 numbers, 1 for review; page 2 is damaged",
                logging.WARNING,
            ),
        ],
    )
    def test_it_says_what_became_of_the_file(self, values, line, level):
        assert (str(settled(**values)), settled(**values).level) == (line, level)


class TestNotices:
    def test_a_run_posts_each_file(self, work):
        work.put("a.jpg", "107 3?")
        work.put("b.jpg", "BAD")
        with listening() as (url, posted), notices.notices(url) as told:
            work.run(hooks=Hooks(settled=told))
        found = {one["file"]: (one["status"], one["code"], one["numbers"], one["review"]) for one in posted}
        assert found == {"a.jpg": ("done", "", 2, 1), "b.jpg": ("failed", "damaged", 0, 0)}

    def test_one_that_is_not_taken_is_tried_again(self):
        with listening(503, 500) as (url, posted), notices.notices(url) as told:
            told(settled())
        assert [one["file"] for one in posted] == ["a.jpg"] * 3

    def test_a_program_that_is_away_is_not_asked_thrice_for_every_file_and_its_address_is_not_told(
        self, caplog
    ):
        with listening(*[500] * 5) as (url, posted), notices.notices(url) as told:
            for name in "abcde":
                told(settled(name))
        assert [one["file"] for one in posted] == [*"aaabc", *"de"]
        assert [record.getMessage() for record in caplog.records] == [
            "a notice was not taken: it was answered with 500",
            "3 notices were not taken; results and ledger are complete",
        ]

    def test_a_command_gets_it_on_standard_input_and_no_shell_sees_it(self, tmp_path):
        script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
        out = tmp_path / "told"
        with notices.notices(f'"{sys.executable}" -c "{script}" {out}') as told:
            told(settled("$(touch gone); `x`.jpg"))
            told(settled("b.jpg"))
        files = [json.loads(line)["file"] for line in out.read_text().splitlines()]
        assert files == ["$(touch gone); `x`.jpg", "b.jpg"]

    def test_a_command_that_is_not_there_costs_a_line(self, caplog):
        with notices.notices("no-such-program-here") as told:
            told(settled())
        assert "no-such-program-here" in caplog.text
        assert "Traceback" not in caplog.text

    def test_what_hangs_is_left_at_the_end(self, monkeypatch, caplog):
        monkeypatch.setattr(notices, "TIMEOUT_S", 0.3)
        monkeypatch.setattr(notices, "LAST_WAIT_S", 0.1)
        with notices.notices(f'"{sys.executable}" -c "import time; time.sleep(60)"') as told:
            for name in "abc":
                told(settled(name))
        assert "3 notices were not taken" in caplog.text
