import json
import os

import permissions
from maintenance import call, ledger_of

from digitocr.inbox import lock
from digitocr.inbox.heartbeat import Heartbeat


class TestStatus:
    def test_it_says_what_waits_and_what_was(self, work):
        work.put("a.jpg", "1?")
        work.put("bad.jpg", "BAD")
        work.run()
        work.put("b.jpg", "2")
        seen = json.loads(call("status", "--json").stdout)
        assert (seen["inbox"], seen["review"], seen["failed"], seen["runs"]) == (1, 1, 1, 1)
        assert seen["files"] == {"done": 1, "failed": 1}
        assert (seen["last_run"]["done"], seen["holder"]) == (1, {})
        assert seen["free"]["results"] > 0
        shown = call("status").stdout
        assert "1 done, 1 failed" in shown
        assert "no one" in shown

    def test_it_names_who_runs(self, work):
        work.run()
        with lock.only_runner(work.folder / ".digitocr", None, "reading here"):
            assert "reading here, process" in call("status").stdout

    def test_it_says_who_watches_and_when_he_last_looked(self, work):
        heartbeat = Heartbeat(work.folder / ".digitocr", work.inbox)
        assert "watching    no one" in call("status").stdout
        heartbeat.beat()
        seen = json.loads(call("status", "--json").stdout)["watcher"]
        assert (seen["pid"], seen["folder"]) == (os.getpid(), str(work.inbox))
        assert seen["since"] <= seen["looked"]
        assert f"looked at {work.inbox} at {seen['looked']}" in call("status").stdout
        heartbeat.end()
        assert "watching    no one" in call("status").stdout

    def test_a_watcher_ends_although_its_state_can_only_be_read(self, work):
        work.run()
        state = work.folder / ".digitocr"
        heartbeat = Heartbeat(state, work.inbox)
        heartbeat.beat()
        state.chmod(0o500)
        try:
            with permissions.enforced():
                heartbeat.end()
        finally:
            state.chmod(0o700)

    def test_a_card_that_outlived_its_writer_names_no_one(self, work):
        work.run()
        card = work.folder / ".digitocr" / "run.holder.json"
        card.write_text(
            json.dumps({"pid": 2**22 + 1, "host": os.uname().nodename, "purpose": "", "since": ""})
        )
        assert lock.holder(work.folder / ".digitocr") == {}

    def test_before_anything_was_read_it_makes_nothing(self, work):
        assert call("status").exit_code == 0
        assert [path.name for path in work.folder.iterdir()] == ["inbox"]

    def test_it_only_looks_so_a_state_folder_that_cannot_be_written_is_no_obstacle(self, work):
        work.put("a.jpg", "1?")
        work.run()
        state = work.folder / ".digitocr"
        state.chmod(0o500)
        with permissions.enforced():
            seen = json.loads(call("status", "--json").stdout)
        state.chmod(0o700)
        assert (seen["review"], seen["files"]) == (1, {"done": 1})

    def test_a_run_with_nothing_to_do_is_not_counted(self, work):
        work.run()
        with ledger_of(work) as opened:
            assert opened.runs(1) == []
