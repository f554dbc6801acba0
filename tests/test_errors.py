"""Errors: how they print, what they advise, and the exit status of the command they end."""

import pytest

from digitocr import errors
from digitocr.errors import (
    BusyError,
    DamagedImageError,
    DigitocrError,
    ExitStatus,
    InputError,
    ModelError,
    OutputError,
    UsageError,
)


def raises(error):
    def command():
        raise error

    return command


class TestExitStatus:
    def test_scripts_rely_on_these_numbers(self):
        assert {status.name: status.value for status in ExitStatus} == {
            "OK": 0,
            "SOME_FAILED": 1,
            "USAGE": 2,
            "CANNOT_GO_ON": 3,
            "INTERRUPTED": 130,
        }


class TestGuarded:
    @pytest.mark.parametrize(
        ("error", "status"),
        [(UsageError, 2), (ModelError, 2), (BusyError, 3), (OutputError, 3), (InputError, 1)],
    )
    def test_an_error_prints_its_hint_and_gives_its_status(self, capsys, error, status):
        assert errors.guarded(raises(error("it went wrong", hint="do this"))) == status
        assert capsys.readouterr().err == "error: it went wrong\nhint: do this\n"

    def test_ctrl_c_gives_130(self, capsys):
        assert errors.guarded(raises(KeyboardInterrupt())) == 130
        assert "run again" in capsys.readouterr().err

    def test_a_closed_pipe_ends_without_a_traceback(self, monkeypatch, tmp_path):
        with (tmp_path / "stderr").open("w") as stream:
            monkeypatch.setattr("sys.stderr", stream)
            assert errors.guarded(raises(BrokenPipeError())) == 1
            assert stream.closed

    def test_a_module_that_reading_does_not_need_may_be_missing(self, capsys):
        missing = ModuleNotFoundError("No module named 'keras.saving'", name="keras.saving")
        assert errors.guarded(raises(missing)) == 2
        assert "pip install ." in capsys.readouterr().err

    def test_bugs_are_not_hidden(self):
        with pytest.raises(ModuleNotFoundError):
            errors.guarded(raises(ModuleNotFoundError("No module named 'numpy'", name="numpy")))
        with pytest.raises(ZeroDivisionError):
            errors.guarded(raises(ZeroDivisionError()))

    def test_the_status_of_the_command_is_passed_on(self):
        assert errors.guarded(lambda: 7) == 7


class TestDigitocrError:
    def test_the_class_advises_where_no_hint_is_given(self):
        assert str(DamagedImageError("broken")) == "broken (scan or copy it again)"
        assert str(DamagedImageError("broken", hint="do this")) == "broken (do this)"
        assert str(DigitocrError("broken")) == "broken"


class TestAdviceOn:
    def test_a_code_finds_the_advice_of_its_class(self):
        assert errors.advice_on("damaged") == DamagedImageError.advice

    @pytest.mark.parametrize("code", ["busy", "bogus", ""])
    def test_a_code_without_advice(self, code):
        assert errors.advice_on(code) == ""


def test_every_code_is_used_once():
    kinds = [DigitocrError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    ours = [kind.code for kind in kinds if kind.__module__ == "digitocr.errors"]
    assert len(set(ours)) == len(ours)
