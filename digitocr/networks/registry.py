"""Which model reads: the one in the settings, else the last promoted one, else the shipped one.

Promoted models are kept in the state folder under the hash of their content and never deleted. A file lists them in the
order of promotion; the last is in use, and removing it from the list puts back the one before.
"""

from __future__ import annotations

from pathlib import Path

from digitocr import atomic
from digitocr.errors import ModelError, UsageError
from digitocr.networks.card import ModelCard, SecondCard, read_card, shipped_model
from digitocr.networks.runtime import compiled_file
from digitocr.networks.second_reader import second_in_use
from digitocr.records import SecondReading
from digitocr.settings import Settings

_LIST = "promoted.txt"


def model_in_use(settings: Settings) -> Path | None:
    """Return the model that reads with these settings.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Path or None
        None for the shipped model.
    """
    if settings.model is not None:
        return settings.model
    names = _names(_folder(settings))
    return _folder(settings) / names[-1] if names else None


def cards_of(model: Path | None, second_reader: SecondReading) -> tuple[ModelCard, SecondCard | None]:
    """Return the cards of what reads with a model.

    Parameters
    ----------
    model : Path or None
        The shipped one if None.
    second_reader : SecondReading

    Returns
    -------
    card : ModelCard
    second : SecondCard or None
        None without the second reader.

    Raises
    ------
    ModelError
        If the model cannot be used.
    """
    path = model or shipped_model()
    card = read_card(path)
    return card, None if second_reader is SecondReading.NEVER else second_in_use(path, card)


def name_of(card: ModelCard, second: SecondCard | None) -> str:
    """Return the name and hash of a model, and the hash of its second reader.

    Parameters
    ----------
    card : ModelCard
    second : SecondCard or None

    Returns
    -------
    str
    """
    return f"{card.name}@{card.sha256[:12]}" + (f"+second@{second.head_sha256[:12]}" if second else "")


def promote(settings: Settings, model: Path) -> Path:
    """Keep a copy of a model in the state folder and use it from now on.

    Parameters
    ----------
    settings : Settings
    model : Path
        A ``.keras`` file with its card beside it.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    ModelError
        If the model, its card or its line reader cannot be used.
    """
    folder = _folder(settings)
    card = read_card(model)
    target = folder / card.sha256[:12] / model.name
    parts = [model.with_suffix(".json"), model]
    if card.line_reader:
        line_reader = model.with_name(card.line_reader)
        if not line_reader.is_file():
            raise ModelError(f"the model {model} has no line reader {line_reader.name} beside it")
        parts.append(line_reader)
    others = [compiled_file(part) for part in parts[1:]] + [
        model.with_name(name) for name in card.second_files
    ]
    for part in [*parts, *(path for path in others if path.is_file())]:
        atomic.copy(part, target.with_name(part.name))
    read_card(target)
    names = [*_names(folder), target.relative_to(folder).as_posix()]
    atomic.write(folder / _LIST, "".join(f"{name}\n" for name in names).encode())
    return target


def put_back(settings: Settings) -> Path:
    """Undo the last promotion.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    Path
        The model that is in use from now on.

    Raises
    ------
    UsageError
        If no model was promoted.
    """
    folder = _folder(settings)
    names = _names(folder)
    if not names:
        raise UsageError("no model was promoted; the shipped one is in use")
    atomic.write(folder / _LIST, "".join(f"{name}\n" for name in names[:-1]).encode())
    return folder / names[-2] if len(names) > 1 else shipped_model()


def _folder(settings: Settings) -> Path:
    return settings.state / "models"


def _names(folder: Path) -> list[str]:
    try:
        lines = (folder / _LIST).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [line for line in lines if line]
