"""The command `rotations`: what turning does to a model, and ways of reading turned digits."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import UsageError
from digitocr.training.calibrate import scoring
from digitocr.training.datasets.digits import load_dataset
from digitocr.training.extras import figures, rotation
from digitocr.training.extras.models import load_keras, measured
from digitocr.training.extras.optional import require
from digitocr.training.extras.output import say, table

log = logging.getLogger(__name__)


def command(
    model: Path,
    others: tuple[Path | None, Path | None],
    source: str,
    step: float,
    folder: Path,
    *,
    as_json: bool,
) -> int:
    """Study what turning does to a model, and measure ways of reading turned digits: what ``digitocr rotations`` does.

    Parameters
    ----------
    model : Path
    others : (Path or None, Path or None)
        A model trained on turned copies, and a network that recognises quarter turns.
    source : str
        Labelled digits, see :func:`digitocr.training.datasets.digits.load_dataset`.
    step : float
        Between the measured turns, in degrees, 1 to 90.
    folder : Path
        For the picture.
    as_json : bool
        Print one JSON object instead of tables.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UsageError
        The step is out of range.
    """
    if not 1 <= step <= 90:
        raise UsageError(f"a step of {step:g} degrees is not between 1 and 90")
    require("matplotlib")
    classifier = load_keras(model)
    trained_turned, orientation = (None if path is None else load_keras(path) for path in others)
    digits, _ = measured(load_dataset(source, log.info), [model, *(path for path in others if path)])
    reads = rotation.directly(classifier)
    quarters = [rotation.at_turn(reads, digits, degrees) for degrees in rotation.QUARTERS]
    around = rotation.circle(reads, digits, step)
    name = classifier.card.name
    copies = [turn for turn in rotation.QUARTERS if turn]
    ways = [rotation.measure(f"{name} alone", reads, digits, copies)]
    if trained_turned is not None:
        reads_learned = rotation.directly(trained_turned)
        ways.append(
            rotation.measure(f"turned copies: {trained_turned.card.name}", reads_learned, digits, copies)
        )
    if orientation is not None:
        upright = rotation.turned_upright(classifier, orientation)
        ways.append(rotation.measure(f"{orientation.card.name}, then {name}", upright, digits, copies))
    picture = figures.full_circle(
        [t.degrees for t in around], [t.accuracy.value for t in around], [t.confidence for t in around],
        f"{name}, {len(digits):,} digits turned",
    )  # fmt: skip
    atomic.write(folder / "circle.png", picture, durable=False)
    found = None if orientation is None else rotation.turn_accuracy(orientation, digits)
    if as_json:
        say(json.dumps(_rotations_json(quarters, around, ways, found)))
    else:
        _say_rotations(quarters, ways, found)
    log.info("written: %s", (folder / "circle.png").as_posix())
    return 0


def _rotations_json(
    quarters: Sequence[rotation.Turn],
    around: Sequence[rotation.Turn],
    ways: Sequence[rotation.Way],
    found: scoring.Share | None,
) -> dict[str, Any]:
    def turn(t: rotation.Turn) -> dict[str, Any]:
        return {
            "degrees": t.degrees,
            "accuracy": round(t.accuracy.value, 6),
            "confidence": round(t.confidence, 6),
            "per_digit": [round(s.value, 6) for s in t.per_digit],
            "read_as": list(t.read_as),
        }

    return {
        "quarters": [turn(t) for t in quarters],
        "circle": [turn(t) for t in around],
        "turns_told": None if found is None else round(found.value, 6),
        "ways": [
            {
                "name": w.name,
                "accuracy": round(w.accuracy.value, 6),
                "loss": round(w.loss, 6),
                "upright": round(w.upright.value, 6),
                "turned": round(w.copies.value, 6),
                "milliseconds_per_digit": round(w.milliseconds, 4),
                "sixes_and_nines": [
                    {"digit": digit, "degrees": degrees, "right": round(right.value, 6),
                     "as_the_other": round(swapped.value, 6)}
                    for digit, degrees, right, swapped in w.sixes_and_nines
                ],
            }
            for w in ways
        ],
    }  # fmt: skip


def _say_rotations(
    quarters: Sequence[rotation.Turn], ways: Sequence[rotation.Way], found: scoring.Share | None
) -> None:
    table([
        ("turn (degrees, to the left)", "right", "mean confidence"),
        *((f"{t.degrees:g}", f"{100 * t.accuracy.value:.2f} %", f"{100 * t.confidence:.2f} %") for t in quarters),
    ])  # fmt: skip
    say("\nright, and what each digit is most often read as")
    table([
        ("digit", *(f"{t.degrees:g}" for t in quarters)),
        *((digit, *(f"{100 * t.per_digit[digit].value:.1f} %  {t.read_as[digit]}" for t in quarters))
          for digit in range(10)),
    ])  # fmt: skip
    say(f"\n{ways[0].accuracy.count:,} originals and turned copies")
    table([
        ("way", "right", "loss", "originals", "turned", "core ms per digit"),
        *((w.name, f"{100 * w.accuracy.value:.2f} %", f"{w.loss:.4f}", f"{100 * w.upright.value:.2f} %",
           f"{100 * w.copies.value:.2f} %", f"{w.milliseconds:.3f}") for w in ways),
    ])  # fmt: skip
    if found is not None:
        say(f"quarter turns recognised: {found}")
    say("\n6 and 9: read right, and read as the other")
    table([
        ("digit", "turn", *(w.name for w in ways)),
        *((digit, f"{degrees:g}", *(_pair(w.sixes_and_nines[row][2:]) for w in ways))
          for row, (digit, degrees, *_) in enumerate(ways[0].sixes_and_nines)),
    ])  # fmt: skip


def _pair(shares: Sequence[Any]) -> str:
    return "  ".join(f"{100 * share.value:.1f} %" for share in shares)
