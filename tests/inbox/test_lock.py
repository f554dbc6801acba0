import os

import pytest

from digitocr.errors import BusyError, OutputError
from digitocr.inbox import lock


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


class TestHolder:
    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"host": "elsewhere"'])
    def test_a_damaged_card_names_no_one(self, tmp_path, text):
        (tmp_path / "run.holder.json").write_text(text)
        assert lock.holder(tmp_path) == {}

    def test_of_another_machine_it_cannot_be_checked(self, tmp_path):
        (tmp_path / "run.holder.json").write_text('{"host": "elsewhere", "pid": 1}')
        assert lock.holder(tmp_path)["host"] == "elsewhere"
