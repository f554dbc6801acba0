"""One tree of errors; each class carries the exit status a command ends with and a hint what to do next."""

from __future__ import annotations

from typing import ClassVar


class DigitocrError(Exception):
    """Root of all errors of this package.

    Parameters
    ----------
    message : str
        What happened, and to which file.
    hint : str, optional
        What to do next.

    Attributes
    ----------
    code : str
        A short stable name of the kind of error, as written into tables and logs.
    exit_status : int
        What a command ends with when this error reaches it (see CONTRACT: 1 files, 2 usage, 3 cannot go on).
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

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


class InputError(DigitocrError):
    """A file cannot be read; the batch goes on without it."""

    code = "unreadable"
    exit_status = 1


class UnsupportedFormatError(InputError):
    """The bytes are of no picture format that is read here."""

    code = "unsupported-format"


class EmptyFileError(InputError):
    """The file has no bytes."""

    code = "empty-file"


class DamagedImageError(InputError):
    """The bytes begin like a picture but cannot be decoded to the end."""

    code = "damaged"


class ImageSizeError(InputError):
    """The picture has too few or too many pixels."""

    code = "image-size"


class FileAccessError(InputError):
    """The file vanished or may not be opened."""

    code = "no-access"


class BusyError(DigitocrError):
    """Another run holds the inbox."""

    code = "busy"
    exit_status = 3


class OutputError(DigitocrError):
    """Results cannot be written: no space, no permission, a damaged state folder."""

    code = "output"
    exit_status = 3
