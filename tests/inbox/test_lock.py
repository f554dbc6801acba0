import fcntl
import json
import os

import permissions
import pytest

from digitocr.errors import BusyError, OutputError
from digitocr.inbox import card, lock
from digitocr.inbox.scan import scan


class TestOnlyRunner:
    def test_a_second_one_learns_who_the_first_is(self, tmp_path):
        with (
            lock.only_runner(tmp_path / "state", None, "reading here"),
            pytest.raises(BusyError, match=rf"reading here \(process {os.getpid()} on") as caught,
            lock.only_runner(tmp_path / "state", None, "me too"),
        ):
            pass
        assert caught.value.exit_status == 3

    def test_an_inbox_has_one_runner_whatever_their_state_folders(self, tmp_path):
        folder = tmp_path / "inbox"
        folder.mkdir()
        with (
            lock.only_runner(tmp_path / "one", folder, ""),
            pytest.raises(BusyError, match="inbox"),
            lock.only_runner(tmp_path / "two", folder, ""),
        ):
            pass
        assert list(folder.iterdir()) == []

    def test_it_can_be_taken_again(self, tmp_path):
        for _ in range(2):
            with lock.only_runner(tmp_path / "state", None, ""):
                pass

    def test_the_state_folder_is_for_its_owner_only(self, tmp_path):
        with lock.only_runner(tmp_path / "state", None, ""):
            assert (tmp_path / "state").stat().st_mode & 0o077 == 0

    def test_an_inbox_that_is_missing_is_not_held(self, tmp_path):
        with lock.only_runner(tmp_path / "state", tmp_path / "nowhere", "retrying"):
            assert lock.holder(tmp_path / "state")["purpose"] == "retrying"
        assert lock.holder(tmp_path / "state") == {}

    def test_a_state_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError), lock.only_runner(tmp_path / "file" / "state", None, ""):
            pass


def without_flock(*_):
    """Stands for a share whose locks hold on one machine only."""


class TestCard:
    @pytest.fixture(autouse=True)
    def inbox(self, tmp_path, monkeypatch):
        monkeypatch.setattr(fcntl, "flock", without_flock)
        monkeypatch.setattr(card, "BEAT_S", 0.02)
        monkeypatch.setattr(card, "SILENT_S", 0.5)
        self.inbox = tmp_path / "inbox"
        self.inbox.mkdir()
        return self.inbox

    def left_behind(self, **who):
        found = {
            "pid": 2**22 + 1,
            "host": os.uname().nodename,
            "purpose": "reading",
            "since": "",
            "token": "1",
        }
        (self.inbox / card.NAME).write_text(json.dumps(found | who))

    def test_another_machine_is_refused_where_locks_do_not_reach_it(self, tmp_path):
        with (
            lock.only_runner(tmp_path / "one", self.inbox, "reading there"),
            pytest.raises(BusyError, match=rf"reading there \(process {os.getpid()} on .* holds the inbox"),
            lock.only_runner(tmp_path / "two", self.inbox, ""),
        ):
            pass
        assert list(self.inbox.iterdir()) == []

    @pytest.mark.parametrize("who", [{}, {"host": "elsewhere"}, {"pid": os.getpid()}, {"pid": "none"}])
    def test_one_that_a_kill_left_behind_is_taken_over(self, tmp_path, who):
        self.left_behind(**who)
        with lock.only_runner(tmp_path / "one", self.inbox, "reading here"):
            assert "reading here" in (self.inbox / card.NAME).read_text()
        assert list(self.inbox.iterdir()) == []

    def test_a_cut_off_one_as_well(self, tmp_path):
        (self.inbox / card.NAME).write_text("{")
        with lock.only_runner(tmp_path / "one", self.inbox, ""):
            pass
        assert list(self.inbox.iterdir()) == []

    def test_an_inbox_that_cannot_be_written_has_none(self, tmp_path):
        self.inbox.chmod(0o555)
        with permissions.enforced(), lock.only_runner(tmp_path / "one", self.inbox, ""):
            assert list(self.inbox.iterdir()) == []
        self.inbox.chmod(0o755)

    def test_it_is_no_input(self, tmp_path):
        with lock.only_runner(tmp_path / "one", self.inbox, ""):
            assert scan(self.inbox) == ([], [])


class TestHolder:
    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"host": "elsewhere"'])
    def test_a_damaged_card_names_no_one(self, tmp_path, text):
        (tmp_path / "run.holder.json").write_text(text)
        assert lock.holder(tmp_path) == {}

    def test_of_another_machine_it_cannot_be_checked(self, tmp_path):
        (tmp_path / "run.holder.json").write_text('{"host": "elsewhere", "pid": 1}')
        assert lock.holder(tmp_path)["host"] == "elsewhere"
