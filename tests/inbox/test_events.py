import json
import logging

from digitocr.cli import console
from digitocr.inbox import scan


class TestLog:
    def test_a_line_of_json_for_each_file_with_run_and_hash(self, work):
        console.set_up(quiet=False, verbose=False)
        try:
            console.log_to(work.folder / "logs" / "run.jsonl")
            content = scan.digest(work.put("a.jpg", "1"))
            work.put("bad.jpg", "BAD")
            work.run()
        finally:
            for handler in logging.getLogger("digitocr").handlers[:]:
                logging.getLogger("digitocr").removeHandler(handler)
                handler.close()
        lines = [json.loads(line) for line in (work.folder / "logs" / "run.jsonl").read_text().splitlines()]
        events = {line["file"]: line for line in lines if "file" in line}
        assert (events["a.jpg"]["sha256"], events["a.jpg"]["run"], events["a.jpg"]["status"]) == (
            content,
            1,
            "done",
        )
        assert (events["bad.jpg"]["status"], events["bad.jpg"]["code"]) == ("failed", "damaged")
        assert all({"time", "level", "message"} <= set(line) for line in lines)
