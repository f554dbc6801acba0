"""One tree of errors; each class carries the exit status a command ends with and a hint what to do next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ClassVar


class DigitocrError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    message : str
        What happened, and to which file.
    hint : str, optional
        What to do next; without it the advice of the class.

    Attributes
    ----------
    code : str
        A short stable name of the kind of error, as written into tables and logs.
    advice : str
        What to do next about any error of this kind.
    exit_status : int
        What a command ends with when this error reaches it (see CONTRACT: 1 files, 2 usage, 3 cannot go on).
    """

    code: ClassVar[str] = "error"
    advice: ClassVar[str] = ""
    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.advice

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(DigitocrError):
    """The command was called with arguments or settings that cannot be used."""

    code = "usage"
    exit_status = 2


class ModelError(DigitocrError):
    """A model file or its card is missing, damaged or of another shape than the program needs."""

    code = "model"
    exit_status = 2


class TemplateError(DigitocrError):
    """The template or the specification of a form cannot be used; the message names file and line."""

    code = "template"
    exit_status = 2


class RegistrationError(DigitocrError):
    """A page is of no form that is known, or too little of it can be seen."""

    code = "registration"
    exit_status = 1


class InputError(DigitocrError):
    """A file cannot be read; the batch goes on without it."""

    code = "unreadable"
    exit_status = 1


class UnsupportedFormatError(InputError):
    """The bytes are of no format that is read here."""

    code = "unsupported-format"
    advice = "JPEG, PNG, BMP, WebP, TIFF, GIF, HEIC and PDF are read, told by their content"


class EmptyFileError(InputError):
    """The file has no bytes."""

    code = "empty-file"
    advice = "scan or copy it again"


class DamagedImageError(InputError):
    """The bytes begin like a picture but cannot be decoded to the end."""

    code = "damaged"
    advice = "scan or copy it again"


class ImageSizeError(InputError):
    """The picture has too few or too many pixels, or needs more memory than it may take."""

    code = "image-size"
    advice = "scan with another resolution"


class FileSizeError(InputError):
    """The file has more bytes or pages than are read."""

    code = "file-size"
    advice = "split it, or raise max_bytes or max_pages in the settings"


class TooSlowError(InputError):
    """Decoding took longer than it may."""

    code = "too-slow"
    advice = "save it again with another program, or raise max_seconds in the settings"


class LockedFileError(InputError):
    """The file is encrypted."""

    code = "encrypted"
    advice = "save it without a password"


class FileAccessError(InputError):
    """The file vanished or may not be opened."""

    code = "no-access"
    advice = "check that it is there and may be read"


class NameRefusedError(InputError):
    """The system takes no file under a name made from this one's."""

    code = "name"
    advice = "give it a shorter name without special signs"


class BusyError(DigitocrError):
    """Another run holds the inbox."""

    code = "busy"
    exit_status = 3


class OutputError(DigitocrError):
    """Results cannot be written: no space, no permission, a damaged state folder."""

    code = "output"
    exit_status = 3


def advice_on(code: str) -> str:
    """Return what to do next about errors of this code, '' where nothing general can be said."""
    kinds: list[type[DigitocrError]] = [DigitocrError]
    for kind in kinds:
        if kind.code == code and kind.advice:
            return kind.advice
        kinds.extend(kind.__subclasses__())
    return ""


INTERRUPTED = 130


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit status; a mistake of the user ends in a message, not a traceback."""
    try:
        return command()
    except DigitocrError as error:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was read is kept, run again to go on\n")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone
        sys.stderr.close()
        return 1
