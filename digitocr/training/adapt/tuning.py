"""Fine-tuning on a user's own corrections, and the decision whether the new model is better.

The corrections are mixed with MNIST and drawn candidates, so that nothing else is forgotten. A share of them, chosen by
the name of each crop and therefore always the same, is held back. The new model replaces the old one only if it is
significantly better on these and no worse on fixed digits: MNIST's test digits and frozen drawings. Wrong labels
cannot pass: nothing learned from them helps on those held back.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr import __version__
from digitocr.errors import UsageError
from digitocr.networks.card import ModelCard, read_card, shipped_model
from digitocr.networks.classifier import Classifier, classifier_of, load_classifier
from digitocr.networks.line_reader import load_line_reader
from digitocr.networks.runtime import compile_network, compiled_file, load_network, runner
from digitocr.networks.second_reader import load_second_reader, second_in_use
from digitocr.recognition.normalize import to_batch
from digitocr.records import Batch
from digitocr.review.export import LABELS
from digitocr.review.sampling import drawn
from digitocr.training.calibrate.fit_card import calibrated
from digitocr.training.calibrate.fit_second import Labelled, Readers, with_second
from digitocr.training.calibrate.scoring import mcnemar
from digitocr.training.datasets.corpus import (
    CALIBRATION_FROM,
    Candidates,
    calibration_sources,
    cropped,
    drawn_candidates,
    drawn_lines,
    varied,
)
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.fit.cards import fitted_parts, write_card
from digitocr.training.fit.digit_network import CLASSES, without_bars

HELD_BACK_SHARE = 0.3
"""Share of the corrections that is never learned from."""

MIN_CORRECTIONS = 100
"""With fewer corrections, no conclusion is possible."""

MNIST_TOLERANCE = 0.0005
"""Greatest loss of accuracy on MNIST."""

DRAWINGS_TOLERANCE = 0.002
"""Greatest loss of accuracy on drawn candidates."""

MIN_ACCURACY = 0.5
"""With a lower accuracy on held-back corrections after fine-tuning, their labels cannot be trusted."""

SIGNIFICANT_P = 0.05
"""Greatest p-value, by McNemar's exact test, of a significant difference."""

BLEND_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Interpolation factors tried between the old weights (0) and the fine-tuned ones (1)."""

_FROZEN_SEED = 77_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn, learned and measured.

    Attributes
    ----------
    pictures : int
        Drawings in the mix.
    digits : int
        MNIST digits in the mix.
    frozen : int
        Drawings that are only measured on.
    lines : int
        Drawings on which probabilities are calibrated.
    epochs : int
    """

    pictures: int = 3000
    digits: int = 20_000
    frozen: int = 600
    lines: int = 3000
    epochs: int = 2


@dataclass(frozen=True, slots=True)
class KnownSet:
    """Candidates that a model could read before fine-tuning, and still must.

    Attributes
    ----------
    candidates : Candidates
    classes : int
        Number of the model's classes that count, from the first.
    loss : float
        Greatest loss of accuracy.
    """

    candidates: Candidates
    classes: int
    loss: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both models on the same digits.

    Attributes
    ----------
    name : str
    digits : int
    before, after : float
        Accuracy, in [0, 1].
    p_value : float
        Two-sided, of McNemar's exact test.
    """

    name: str
    digits: int
    before: float
    after: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The comparison of two models, and the objections to the new one, if any."""

    against: tuple[str, ...]
    own: Comparison
    mnist: Comparison
    drawings: Comparison

    @property
    def promoted(self) -> bool:
        """Whether the new model replaces the old one."""
        return not self.against

    def lines(self) -> list[str]:
        """Return the comparison as a Markdown table, and the verdict."""
        rows = [
            f"| {s.name} | {s.digits:,} | {100 * s.before:.2f} % | {100 * s.after:.2f} % | {s.p_value:.3g} |"
            for s in (self.own, self.mnist, self.drawings)
        ]
        end = (
            "The new model is better." if self.promoted else "Not promoted: " + "; ".join(self.against) + "."
        )
        return ["| right | digits | before | after | p |", "|---|---:|---:|---:|---:|", *rows, "", end]


def load_corrections(folder: Path) -> tuple[Candidates, Candidates]:
    """Load an export of corrections.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    learned : Candidates
        To learn from.
    held : Candidates
        Held back by the name of each crop, always the same ones.

    Raises
    ------
    UsageError
        The folder is no export, is damaged, or holds too few corrections.
    """
    try:
        with (folder / LABELS).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        names = [row["crop"] for row in rows]
        labels = np.array([int(row["label"]) for row in rows], dtype=np.int8)
    except (OSError, KeyError, ValueError) as error:
        hint = "make one with python -m digitocr corrections export FOLDER"
        raise UsageError(f"{folder} holds no corrections: {error}", hint=hint) from None
    if len(names) < MIN_CORRECTIONS:
        raise UsageError(
            f"{len(names)} corrections are too few",
            hint=f"{MIN_CORRECTIONS} are the least that allow a conclusion",
        )
    pictures = [cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in names]
    broken = [n for n, p in zip(names, pictures, strict=True) if p is None or p.shape != (28, 28)]
    if broken or not ((labels >= 0) & (labels < 10)).all():
        raise UsageError(f"{folder} is damaged: {', '.join(broken[:3]) or LABELS}", hint="export it again")
    images = np.stack([np.asarray(picture, dtype=np.uint8) for picture in pictures])
    held = np.array([drawn(Path(name).stem, "held-back", HELD_BACK_SHARE) for name in names])
    return Candidates(images[~held], labels[~held]), Candidates(images[held], labels[held])


def tune(
    model: Path | None,
    folder: Path,
    output: Path,
    size: Size,
    seed: int,
    say: Callable[[str], None],
) -> Verdict:
    """Fine-tune a model on corrections, and compare it with the one it was made from.

    Parameters
    ----------
    model : Path or None
        The model to begin from, None for the shipped one.
    folder : Path
        An export of corrections.
    output : Path
        The new model, which is kept whatever the verdict.
    size : Size
    seed : int
    say : callable
        Is told of the progress in words.

    Returns
    -------
    Verdict

    Raises
    ------
    UsageError
        The model is not one of the reading path, or the corrections cannot be used.
    """
    import keras

    path = model or shipped_model()
    if read_card(path).classes != CLASSES:
        raise UsageError(f"{path} is not a model of the reading path", hint="begin from the shipped one")
    own, held = load_corrections(folder)
    before = load_classifier(path)
    x_train, y_train, x_test, y_test = load_mnist(None)
    say(f"{len(own.labels)} corrections to learn from, {len(held.labels)} held back")
    rng = np.random.default_rng(seed)
    mix = _mix(
        own, _some(x_train[:CALIBRATION_FROM], y_train[:CALIBRATION_FROM], size.digits, rng), size, seed, rng
    )
    keras.utils.set_random_seed(seed)
    network = load_network(path)
    old = network.get_weights()
    _learn(network, mix, size.epochs, say)
    plain = Candidates(
        np.stack([cropped(i) for i in x_train[CALIBRATION_FROM:]]), y_train[CALIBRATION_FROM:].astype(np.int8)
    )
    drawings = drawn_candidates(seed * 1_000_000 + 600_000, size.frozen, None)
    known = (KnownSet(plain, 10, MNIST_TOLERANCE), KnownSet(drawings, len(CLASSES), DRAWINGS_TOLERANCE))
    say(f"interpolated: {blend_weights(network, old, known):.0%} of the new weights")

    say("calibrating on held-out drawings")
    hands = calibration_sources(None, x_train[CALIBRATION_FROM:], y_train[CALIBRATION_FROM:])
    lines = drawn_lines(_FROZEN_SEED + 1_000_000, size.lines, hands)
    compiled = compile_network(network)
    after = classifier_of(before.card, runner(compiled))
    line_reader = load_line_reader(path, before.card)
    card, _ = calibrated(after, line_reader, before.card, lines)
    if line_reader is not None and (second := second_in_use(path, card)):
        readers = Readers(after, line_reader, load_second_reader(path, second))
        card = with_second(readers, card, second, Labelled(lines, (), (), ()))
    frozen = drawn_candidates(_FROZEN_SEED, size.frozen, None)
    test = Candidates(np.stack([cropped(image) for image in x_test]), y_test.astype(np.int8))
    verdict = judge_models(
        _compared("own digits, held back", before, after, held, 10),
        _compared("MNIST test", before, after, test, 10),
        _compared("frozen drawings", before, after, frozen, len(CLASSES)),
    )
    facts = {
        "version": __version__,
        "made_from": before.card.sha256,
        "corrections": len(own.labels),
        "metrics": {s.name: asdict(s) for s in (verdict.own, verdict.mnist, verdict.drawings)},
    }
    _write(network, compiled, card, path, output, facts)
    return verdict


def judge_models(own: Comparison, mnist: Comparison, drawings: Comparison) -> Verdict:
    """Decide whether a new model may replace the old one.

    Parameters
    ----------
    own : Comparison
        On held-back corrections.
    mnist : Comparison
    drawings : Comparison

    Returns
    -------
    Verdict
    """
    against = []
    if own.after <= own.before or own.p_value > SIGNIFICANT_P:
        against.append("it is not significantly better on your digits")
    elif own.after < MIN_ACCURACY:
        against.append("most of your digits are still wrong; look at the labels")
    if mnist.after < mnist.before - MNIST_TOLERANCE:
        against.append("it is worse on MNIST")
    if drawings.after < drawings.before and drawings.p_value < SIGNIFICANT_P:
        against.append("it is worse on drawings")
    return Verdict(tuple(against), own, mnist, drawings)


def _some(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], count: int, rng: np.random.Generator
) -> Candidates:
    chosen = rng.permutation(len(images))[:count]
    return Candidates(np.stack([cropped(i) for i in images[chosen]]), labels[chosen].astype(np.int8))


def _mix(
    own: Candidates,
    digits: Candidates,
    size: Size,
    seed: int,
    rng: np.random.Generator,
) -> Candidates:
    """Mix corrections with what the model knew, distorted copies making them about a tenth."""
    # in this process, because a process that runs TensorFlow must not be forked
    known = without_bars(drawn_candidates(seed * 1_000_000 + 500_000, size.pictures, None))
    others = len(known.labels) + len(digits.labels)
    times = max(1, round(0.1 * others / len(own.labels)))
    copies = [own.images, *(varied(own.images, rng) for _ in range(times - 1))]
    images = np.concatenate([*copies, digits.images, known.images])
    labels = np.concatenate([np.tile(own.labels, times), digits.labels, known.labels])
    order = rng.permutation(len(images))
    return Candidates(images[order], labels[order])


def _learn(network: Any, mix: Candidates, epochs: int, say: Callable[[str], None]) -> None:  # noqa: ANN401
    import keras

    batch = 128
    steps = epochs * -(-len(mix.labels) // batch)
    network.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(4e-4, steps), weight_decay=1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    for epoch in range(epochs):
        history = network.fit(
            to_batch(list(mix.images)), mix.labels.astype(np.int32), batch_size=batch, epochs=1, verbose=0
        )
        say(
            f"epoch {epoch + 1} of {epochs}: loss {history.history['loss'][-1]:.4f}, {len(mix.labels):,} pictures"
        )


def blend_weights(network: Any, old: list[NDArray[np.float32]], known: Sequence[KnownSet]) -> float:  # noqa: ANN401
    """Set a network to weights between old and fine-tuned ones that keep enough of what was known.

    Between the weights before and after fine-tuning lie networks that keep most of both, after M. Wortsman et al.,
    "Robust fine-tuning of zero-shot models", CVPR 2022.

    Parameters
    ----------
    network : keras.Model
        With the fine-tuned weights.
    old : list of float32 ndarray
        The old weights.
    known : sequence of KnownSet

    Returns
    -------
    float
        Share of the fine-tuned weights, one of `BLEND_SHARES`.
    """
    new = network.get_weights()
    batches = [to_batch(list(some.candidates.images)) for some in known]

    def accuracy(share: float) -> NDArray[np.float64]:
        network.set_weights([(1 - share) * o + share * n for o, n in zip(old, new, strict=True)])
        read = [
            _logits(network, batch)[:, : some.classes].argmax(axis=1)
            for batch, some in zip(batches, known, strict=True)
        ]
        return np.array([np.mean(r == some.candidates.labels) for r, some in zip(read, known, strict=True)])

    enough = accuracy(0.0) - [some.loss for some in known]
    return next((share for share in BLEND_SHARES if np.all(accuracy(share) >= enough)), BLEND_SHARES[-1])


def _logits(network: Any, batch: Batch) -> NDArray[np.float32]:  # noqa: ANN401
    parts = [np.asarray(network(batch[i : i + 2048], training=False)) for i in range(0, len(batch), 2048)]
    return np.concatenate(parts)


def _write(
    network: Any,  # noqa: ANN401
    compiled: bytes,
    card: ModelCard,
    old: Path,
    output: Path,
    facts: dict[str, Any],
) -> None:
    """Save the network with the updated card of the old one, and the old networks beside it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    network.save(output)
    compiled_file(output).write_bytes(compiled)
    raw = json.loads(old.with_suffix(".json").read_text(encoding="utf-8"))
    raw |= {
        "sha256": hashlib.sha256(output.read_bytes()).hexdigest(),
        "compiled_sha256": hashlib.sha256(compiled).hexdigest(),
        "threshold": card.threshold,
        **facts,
        **fitted_parts(card),
    }
    beside = [card.line_reader] if card.line_reader else []
    beside += [compiled_file(Path(name)).name for name in beside if card.line_reader_compiled_sha256]
    beside += [name for name in card.second_files if old.with_name(name).is_file()]
    for name in beside:
        shutil.copy(old.with_name(name), output.with_name(name))
    write_card(output, raw)


def _compared(name: str, before: Classifier, after: Classifier, data: Candidates, classes: int) -> Comparison:
    batch = to_batch(list(data.images))
    rights = [c.log_probabilities(batch)[:, :classes].argmax(axis=1) == data.labels for c in (before, after)]
    _, _, p_value = mcnemar(*rights)
    return Comparison(name, len(data.labels), float(rights[0].mean()), float(rights[1].mean()), p_value)
