"""What the workers of a cluster are asked, and how they answer; :mod:`digitocr.inbox.cluster` is the runner's side."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from digitocr.errors import DigitocrError, ModelError, TemplateError
from digitocr.inbox.reading import Read
from digitocr.inbox.workers import read_and_note
from digitocr.networks.registry import cards_of, name_of
from digitocr.records import SecondReading, Source

Answer = tuple[str, str, bytes]
"""Address of a worker; why it cannot read, '' if it can; and pickled, what it read."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is asked for.

    Attributes
    ----------
    read : callable
    misfit : callable
        Says why this machine does not read as the runner does; '' if it does.
    sources : tuple of Source
    """

    read: Read
    misfit: Callable[[], str]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Says why the model of a machine is not that of the runner, '' if it is.

    Attributes
    ----------
    model : Path or None
        The shipped one if None.
    second_reader : SecondReading
    name : str
        Of the runner's, as :func:`digitocr.networks.registry.name_of` gives it.
    """

    model: Path | None
    second_reader: SecondReading
    name: str

    def __call__(self) -> str:
        """Compare the two."""
        found = _named(self.model, self.second_reader)
        return "" if found == self.name else f"its model is {found}, that of the runner {self.name}"


@cache
def _named(model: Path | None, second_reader: SecondReading) -> str:
    return name_of(*cards_of(model, second_reader))


def function() -> Callable[[str, bytes], Answer]:
    """Return what a worker calls; being local, it is pickled by value, and arrives also where digitocr is missing.

    Returns
    -------
    callable
        Takes the version of the runner and a pickled :class:`Order`.
    """

    def read_chunk(version: str, order: bytes) -> Answer:
        from distributed import get_worker

        address = str(get_worker().address)
        try:
            import digitocr
        except ImportError:
            return address, "digitocr is not installed there", b""
        if digitocr.__version__ != version:
            return address, f"it has digitocr {digitocr.__version__}, the runner {version}", b""
        from digitocr.inbox.orders import answer

        return address, *answer(order)

    return read_chunk


def answer(order: bytes) -> tuple[str, bytes]:
    """Read a chunk on a worker.

    Parameters
    ----------
    order : bytes
        A pickled :class:`Order`.

    Returns
    -------
    why : str
        Why this worker cannot read as the runner does, '' if it can.
    answer : bytes
        Pickled readings and what was logged, or the error that ends the run.
    """
    asked: Order = pickle.loads(order)
    try:
        if why := asked.misfit():
            return why, b""
        return "", pickle.dumps(read_and_note(asked.read, asked.sources))
    except (ModelError, TemplateError) as error:  # the runner has checked its own
        return error.message, b""
    except DigitocrError as error:
        return "", pickle.dumps(error)
