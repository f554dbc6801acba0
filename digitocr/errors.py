"""Errors: one tree of classes, each with a code, advice on what to do next, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum
from typing import ClassVar


class ExitStatus(IntEnum):
    """How a command ends; scripts rely on these numbers.

    Attributes
    ----------
    OK
        Everything was read, also if numbers wait for review.
    SOME_FAILED
        Some files failed, or only some of their pages were read.
    USAGE
        The arguments, the settings or the model cannot be used.
    CANNOT_GO_ON
        The command could not start or continue: another run holds the inbox, the disk is full.
    INTERRUPTED
        Ctrl-C or SIGTERM.
    """

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    CANNOT_GO_ON = 3
    INTERRUPTED = 130


class DigitocrError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    message : str
        What happened, to which file.
    hint : str, optional
        What to do next; by default the advice of the class.

    Attributes
    ----------
    code : str
        Stable short name of the kind of error, written into tables and logs.
    advice : str
        What to do next about errors of this kind.
    exit_status : ExitStatus
        Exit status of a command that this error ends.
    """

    code: ClassVar[str] = "error"
    advice: ClassVar[str] = ""
    exit_status: ClassVar[ExitStatus] = ExitStatus.CANNOT_GO_ON

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.advice

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(DigitocrError):
    """Arguments or settings cannot be used."""

    code = "usage"
    exit_status = ExitStatus.USAGE


class ModelError(DigitocrError):
    """A model file or its card is missing, damaged, or does not fit the program."""

    code = "model"
    exit_status = ExitStatus.USAGE


class TemplateError(DigitocrError):
    """A template or a form specification cannot be used; the message names file and line.

    Parameters
    ----------
    message : str
    hint : str, optional
    line : int, optional
        Line of the file in which it is wrong, counted from 1; 0 for the file as a whole.
    why : str, optional
        What is wrong there, without file and line; by default the message.
    """

    code = "template"
    exit_status = ExitStatus.USAGE

    def __init__(self, message: str, *, hint: str = "", line: int = 0, why: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.why = why or message


class RegistrationError(DigitocrError):
    """A page matches no known form, or shows too little of it."""

    code = "registration"
    exit_status = ExitStatus.SOME_FAILED


class InputError(DigitocrError):
    """A file cannot be read; the run goes on without it."""

    code = "unreadable"
    exit_status = ExitStatus.SOME_FAILED


class UnsupportedFormatError(InputError):
    """The content is in no supported format."""

    code = "unsupported-format"
    advice = "use JPEG, PNG, BMP, WebP, TIFF, GIF, HEIC or PDF; the content counts, not the name"


class EmptyFileError(InputError):
    """The file has no bytes."""

    code = "empty-file"
    advice = "scan or copy it again"


class DamagedImageError(InputError):
    """The content begins like a picture but cannot be decoded to the end."""

    code = "damaged"
    advice = "scan or copy it again"


class ImageSizeError(InputError):
    """The picture has too few or too many pixels."""

    code = "image-size"
    advice = "scan at another resolution"


class FileSizeError(InputError):
    """The file has more bytes or pages than the limit."""

    code = "file-size"
    advice = "split it, or raise max_bytes or max_pages in the settings"


class TooSlowError(InputError):
    """Decoding or reading took longer than the limit."""

    code = "too-slow"
    advice = "save it again with another program, or raise max_seconds or max_reading_seconds in the settings"


class CrowdedError(InputError):
    """A page or a file holds more than may be read."""

    code = "crowded"
    advice = "split it, or raise max_candidates, max_digits or max_crops in the settings"


class MemoryLimitError(InputError):
    """Decoding a page takes more memory than it may, or reading it more than there is."""

    code = "memory"
    advice = (
        "save it again with another program or at a lower resolution, raise max_memory in the settings,"
        " or use fewer workers"
    )


class LockedFileError(InputError):
    """The file is encrypted."""

    code = "encrypted"
    advice = "save it without a password"


class FileAccessError(InputError):
    """The file has vanished or cannot be opened."""

    code = "no-access"
    advice = "check that it is there and can be read"


class ReplacedError(InputError):
    """A file has other content by now."""

    code = "replaced"
    advice = "the next run reads it"


class NotMovedError(InputError):
    """A file cannot be moved to its place."""

    code = "not-moved"
    advice = "let digitocr write in the folder it lies in and in the one it goes to; the next run moves it"


class NameRefusedError(InputError):
    """The system refuses a file name that was made from this file's name."""

    code = "name"
    advice = "give it a shorter name without special characters"


class BusyError(DigitocrError):
    """Another run holds the inbox."""

    code = "busy"
    exit_status = ExitStatus.CANNOT_GO_ON


class WorkerError(DigitocrError):
    """A process that reads files cannot be started, or a cluster cannot be reached."""

    code = "worker"
    advice = "close other programs to make memory available, or read with --workers 1; nothing was lost"


class PrefectError(DigitocrError):
    """Prefect's server cannot be reached."""

    code = "prefect"
    advice = "see that it runs, or read without it: --no-prefect; nothing was lost"


class OutputError(DigitocrError):
    """Results cannot be written: no space, no permission, a damaged state folder."""

    code = "output"
    exit_status = ExitStatus.CANNOT_GO_ON


class LedgerError(OutputError):
    """The ledger does not know the tables that it would replace: it is new, an older copy, or of other results."""

    code = "ledger"
    advice = (
        "`digitocr ledger rebuild` makes the ledger from the results; or name another folder with --results"
    )


def advice_on(code: str) -> str:
    """Return the advice on errors with this code.

    Parameters
    ----------
    code : str

    Returns
    -------
    str
        Empty if there is none.
    """
    kinds: list[type[DigitocrError]] = [DigitocrError]
    for kind in kinds:
        if kind.code == code and kind.advice:
            return kind.advice
        kinds.extend(kind.__subclasses__())
    return ""


NOT_FOR_READING = frozenset({"tensorflow", "keras", "pandas", "skimage", "prefect", "sqlalchemy"})
"""Modules that an installation for reading alone lacks: training and the commands of Prefect import them."""


def guarded(command: Callable[[], int]) -> int:
    """Run a command; our own errors and Ctrl-C become messages on standard error, not tracebacks.

    So does a module that an installation for reading alone lacks.

    Parameters
    ----------
    command : callable
        Returns an exit status.

    Returns
    -------
    int
        An exit status.

    Raises
    ------
    ModuleNotFoundError
        If any other module is missing, which is a bug.
    """
    try:
        return command()
    except DigitocrError as error:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        return error.exit_status
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in NOT_FOR_READING:
            raise
        sys.stderr.write(f"error: this needs {error.name}, and digitocr was installed for reading alone\n")
        sys.stderr.write("hint: install all of it: `pip install .` in its folder\n")
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what is finished is kept, run again to go on\n")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        sys.stderr.close()
        return ExitStatus.SOME_FAILED
