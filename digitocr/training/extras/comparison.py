"""The command `compare`: models measured on the same digits, and tested for a difference."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from digitocr.errors import UsageError
from digitocr.training.calibrate import scoring
from digitocr.training.datasets.digits import load_dataset
from digitocr.training.extras import evaluation
from digitocr.training.extras.models import load_keras, measured
from digitocr.training.extras.output import say, table

log = logging.getLogger(__name__)


def command(models: Sequence[Path], source: str, turns: Sequence[float], *, as_json: bool) -> int:
    """Measure models on the same digits and test each pair for a difference: what ``digitocr compare`` does.

    Parameters
    ----------
    models : sequence of Path
        At least two.
    source : str
        Labelled digits, see :func:`digitocr.training.datasets.digits.load_dataset`.
    turns : sequence of float
        Degrees, counter-clockwise; each digit gets a copy turned by one of these.
    as_json : bool
        Print one JSON object instead of tables.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    UsageError
        Fewer than two models are named.
    """
    if len(models) < 2:
        raise UsageError("compare needs at least two models")
    unseen, words = measured(load_dataset(source, log.info), models)
    digits = evaluation.turned_test(unseen, turns)
    rows: list[dict[str, Any]] = []
    right = []
    for path in models:
        classifier = load_keras(path)
        scoring.digit_logs(classifier, digits.images[:1024])
        started = time.process_time()
        logs = scoring.digit_logs(classifier, digits.images)
        milliseconds = 1000 * (time.process_time() - started) / len(digits)
        share = scoring.accuracy(logs, digits.labels)
        right.append(logs.argmax(axis=1) == digits.labels)
        rows.append(
            {
                "model": path.as_posix(),
                "accuracy": round(share.value, 6),
                "accuracy_interval": [round(v, 6) for v in share.interval],
                "loss": round(scoring.loss(logs, digits.labels), 6),
                "milliseconds_per_digit": round(milliseconds, 4),
                "bytes": path.stat().st_size,
            }
        )
    tests = []
    for (i, first), (j, second) in combinations(enumerate(models), 2):
        only_first, only_second, p = scoring.mcnemar(right[i], right[j])
        tests.append(
            {"first": first.as_posix(), "second": second.as_posix(), "only_first_right": only_first,
             "only_second_right": only_second, "p": p}
        )  # fmt: skip
    if as_json:
        say(json.dumps({"digits": len(digits), "models": rows, "mcnemar": tests}))
        return 0
    table([
        ("model", "accuracy", "95 % interval", "loss", "ms per digit", "size"),
        *((r["model"], f"{100 * r['accuracy']:.2f} %",
           " to ".join(f"{100 * v:.2f}" for v in r["accuracy_interval"]), f"{r['loss']:.4f}",
           f"{r['milliseconds_per_digit']:.3f}", f"{r['bytes'] / 1e6:.2f} MB") for r in rows),
    ])  # fmt: skip
    say(f"{len(digits):,} digits ({words}); time on one core, in batches\n")
    table([
        ("McNemar's test", "only the first right", "only the second right", "p"),
        *((f"{t['first']} – {t['second']}", t["only_first_right"], t["only_second_right"], f"{t['p']:.3g}")
          for t in tests),
    ])  # fmt: skip
    return 0
