"""The card beside a model file: what the model consists of, and how its scores become probabilities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from digitocr.errors import ModelError
from digitocr.networks.runtime import HINT

DEFAULT_MODEL = "digits.keras"
"""The shipped model, in the package ``digitocr._models`` (``models/`` in the source tree)."""

UNIT = "unit"
"""Scaling of a network that takes pictures in [0, 1] as they are."""

L2_COLUMNS = "l2-columns"
"""Scaling of a network that takes pictures whose columns are divided by their Euclidean norms."""

LOGITS, PROBABILITIES = "logits", "probabilities"
"""What a network may return."""

EARLIER_NAMES = (
    "logit_posterior", "logit_worst_digit", "logit_line_posterior", "logit_line_likelihood", "logit_ctc_path",
    "logit_line_ctc_path", "logit_text", "logit_ctc_text", "smallest_margin", "log_digits", "log_line_height",
    "log_clutter", "unevenness", "constant",
)  # fmt: skip
"""Names of the confidence weights that cards of the first release list without names, in their order."""


@dataclass(frozen=True, slots=True)
class SecondCard:
    """The second reader of a model, and what is calibrated for numbers that it has read, too.

    Attributes
    ----------
    base, head : str
        File names of the pre-trained network and of our head, beside the model.
    base_sha256, head_sha256 : str
    threshold : float
        Recommended acceptance threshold.
    text_weights : tuple of float
        As `ModelCard.text_weights`.
    number_confidence, cell_confidence, whole_confidence, page_confidence : mapping of str to float
        As those of `ModelCard`; the last two for crops that are read as a whole, and for numbers of pages: that such a
        one is right, if it is a number.
    page_number : mapping of str to float
        Weights of the same features for the probability that a place of a page holds a number.
    least_number : float
        Such a probability from which on it is taken for one.
    sure_alone : float
        Own confidence from which on ``unsure`` does not ask the second reader.
    """

    base: str
    base_sha256: str
    head: str
    head_sha256: str
    threshold: float
    text_weights: tuple[float, ...] = ()
    number_confidence: Mapping[str, float] = field(default_factory=dict)
    cell_confidence: Mapping[str, float] = field(default_factory=dict)
    whole_confidence: Mapping[str, float] = field(default_factory=dict)
    page_confidence: Mapping[str, float] = field(default_factory=dict)
    page_number: Mapping[str, float] = field(default_factory=dict)
    least_number: float = 0.0
    sure_alone: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The card beside a model file: what the model consists of, and how its scores become probabilities.

    Attributes
    ----------
    name : str
    sha256 : str
        Of the ``.keras`` file.
    classes : tuple of str
        Classes of the outputs: the ten digits; a model that reads pages also has ``sign`` (a whole shape that is not a
        digit) and ``cut`` (a part of a digit, or parts of several).
    threshold : float
        Recommended acceptance threshold for number confidence.
    geometry, line_weights : tuple of tuple of float
        Rows of the linear maps from the network's scores and a candidate's geometry, without and with the scores of the
        line reader; see :mod:`digitocr.recognition.scoring`.
    text_weights : tuple of float
        Of the conditional logistic model that chooses among the hypotheses for a line; see
        :mod:`digitocr.recognition.nbest`.
    cell_weights : tuple of tuple of float
        As `line_weights`, for candidates in the cells of a form.
    number_confidence, cell_confidence : mapping of str to float
        Weights of the logistic model of :mod:`digitocr.recognition.confidence` by the names of its features: for
        numbers, and for those written into cells.
    scaling : str
        How pictures in [0, 1] are scaled before they enter the network: ``unit`` (not at all) or ``l2-columns``.
    output : str
        What the network returns: ``logits`` or ``probabilities``.
    compiled_sha256 : str
        Of the compiled network beside the model, see :mod:`digitocr.networks.runtime`; '' without one.
    line_reader : str
        File name of the line reader beside the model; '' without one.
    line_reader_sha256, line_reader_compiled_sha256 : str
        Of the line reader, and of its compiled network.
    second : SecondCard or None
        The second reader, if the model has one.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    threshold: float
    geometry: tuple[tuple[float, ...], ...] = ()
    line_weights: tuple[tuple[float, ...], ...] = ()
    text_weights: tuple[float, ...] = ()
    cell_weights: tuple[tuple[float, ...], ...] = ()
    number_confidence: Mapping[str, float] = field(default_factory=dict)
    cell_confidence: Mapping[str, float] = field(default_factory=dict)
    scaling: str = "unit"
    output: str = "logits"
    compiled_sha256: str = ""
    line_reader: str = ""
    line_reader_sha256: str = ""
    line_reader_compiled_sha256: str = ""
    second: SecondCard | None = None

    @property
    def second_files(self) -> tuple[str, ...]:
        """Names of the files of the second reader beside the model; () without one."""
        return () if self.second is None else (self.second.base, self.second.head)

    def least_confidence(self, *, with_second: bool) -> float:
        """Return the recommended acceptance threshold.

        Parameters
        ----------
        with_second : bool
            Whether the second reader reads, too.

        Returns
        -------
        float
        """
        return self.second.threshold if with_second and self.second is not None else self.threshold


def shipped_model() -> Path:
    """Return the path of the model that comes with the package.

    Returns
    -------
    Path
    """
    try:
        found = Path(str(resources.files("digitocr._models") / DEFAULT_MODEL))
    except ModuleNotFoundError:
        found = Path(__file__).parents[2] / "models" / DEFAULT_MODEL
    return found


def read_card(model: Path) -> ModelCard:
    """Read the card beside a model file.

    Parameters
    ----------
    model : Path

    Returns
    -------
    ModelCard

    Raises
    ------
    ModelError
        If the model or its card is missing, or the card is malformed or belongs to another model.
    """
    try:
        path = model.with_suffix(".json")
        weights = model.read_bytes()
    except (OSError, ValueError) as error:  # the latter for a path without a name, such as `.`
        why = error.strerror if isinstance(error, OSError) else "it is no file"
        raise ModelError(f"no model at {model}: {why}", hint=HINT) from None
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        card = ModelCard(
            name=str(raw["name"]),
            sha256=str(raw["sha256"]),
            classes=tuple(raw["classes"]),
            threshold=float(raw["threshold"]),
            geometry=tuple(tuple(float(v) for v in row) for row in raw.get("geometry", ())),
            line_weights=tuple(tuple(float(v) for v in row) for row in raw.get("line_weights", ())),
            text_weights=tuple(float(v) for v in raw.get("text_weights", ())),
            cell_weights=tuple(tuple(float(v) for v in row) for row in raw.get("cell_weights", ())),
            cell_confidence=_named(raw.get("cell_confidence", {})),
            number_confidence=_named(raw.get("number_confidence", {})),
            scaling=str(raw.get("scaling", UNIT)),
            output=str(raw.get("output", LOGITS)),
            compiled_sha256=str(raw.get("compiled_sha256", "")),
            line_reader=_beside(raw.get("line_reader", "")),
            line_reader_sha256=str(raw.get("line_reader_sha256", "")),
            line_reader_compiled_sha256=str(raw.get("line_reader_compiled_sha256", "")),
            second=_second(raw["second"]) if raw.get("second") else None,
        )
    except OSError:
        raise ModelError(f"the model {model} has no card {path.name} beside it", hint=HINT) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the card {path} is malformed: {error!r}", hint=HINT) from None
    if card.scaling not in (UNIT, L2_COLUMNS) or card.output not in (LOGITS, PROBABILITIES):
        raise ModelError(
            f"the card {path} has scaling {card.scaling!r} and output {card.output!r}; "
            f"possible are {UNIT} or {L2_COLUMNS}, and {LOGITS} or {PROBABILITIES}",
            hint=HINT,
        )
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise ModelError(
            f"the model {model} is damaged, or its card {path.name} belongs to another model", hint=HINT
        )
    return card


def _named(weights: Mapping[str, float] | Sequence[float]) -> dict[str, float]:
    """Map names to weights of a confidence; a card of the first release lists the weights only."""
    if isinstance(weights, Mapping):
        return {str(name): float(value) for name, value in weights.items()}
    return {name: float(value) for name, value in zip(EARLIER_NAMES, weights, strict=True)} if weights else {}


def _beside(name: object) -> str:
    """Return the name of a file that lies beside the model.

    Raises
    ------
    ValueError
        If it leads elsewhere.
    """
    text = str(name)
    if text and Path(text).name != text:
        raise ValueError(f"{text!r} is no name of a file beside it")
    return text


def _second(raw: Mapping[str, Any]) -> SecondCard:
    """Read the part of a card that is about the second reader."""
    return SecondCard(
        base=_beside(raw["base"]),
        base_sha256=str(raw["base_sha256"]),
        head=_beside(raw["head"]),
        head_sha256=str(raw["head_sha256"]),
        threshold=float(raw["threshold"]),
        text_weights=tuple(float(v) for v in raw["text_weights"]),
        number_confidence=_named(raw["number_confidence"]),
        cell_confidence=_named(raw["cell_confidence"]),
        whole_confidence=_named(raw["whole_confidence"]),
        page_confidence=_named(raw.get("page_confidence", {})),
        page_number=_named(raw.get("page_number", {})),
        least_number=float(raw.get("least_number", 0.0)),
        sure_alone=float(raw["sure_alone"]),
    )
