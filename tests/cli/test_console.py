import io

import pytest

from digitocr import errors
from digitocr.cli import console
from digitocr.errors import BusyError, InputError, ModelError, OutputError, UsageError


def raises(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status"),
    [(UsageError, 2), (ModelError, 2), (BusyError, 3), (OutputError, 3), (InputError, 1)],
)
def test_errors_are_told_with_what_to_do_and_end_in_their_status(capsys, error, status):
    assert errors.guarded(raises(error("it went wrong", hint="do this"))) == status
    assert capsys.readouterr().err == "error: it went wrong\nhint: do this\n"


def test_ctrl_c_ends_in_130(capsys):
    assert errors.guarded(raises(KeyboardInterrupt())) == 130
    assert "run again" in capsys.readouterr().err


def test_faults_of_ours_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        errors.guarded(raises(ZeroDivisionError()))


def test_progress_is_shown_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with console.progress(wanted=True) as advance:
        advance(0, 3)
        advance(2, 3)
    assert "2/3" in terminal.getvalue()


def test_progress_is_for_terminals(capsys):
    with console.progress(wanted=True) as advance:
        advance(1, 3)
    assert capsys.readouterr().err == ""
