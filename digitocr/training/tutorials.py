"""The tutorials' figures, ours beside the published ones, from three seeds each.

Run as ``make tutorials`` or ``python -m digitocr.training.tutorials``; see ``--help``. Finished runs are kept, so an
interrupted call resumes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitocr import atomic
from digitocr.errors import DigitocrError, OutputError, guarded
from digitocr.settings import cores
from digitocr.training.fit.parallel import report

SEEDS = (1, 2, 3)

TURNS = "90,-90,180"

STUDY = "rotations"
"""The study of a seed's models, which is not a training run."""

STUDIED = ("conv32-64-64", "turned", "orientation")
"""The rows whose models the study is of."""

_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of the tutorials, and our training command without seed and output.

    Attributes
    ----------
    name : str
        Of its runs.
    text : str
        What it is, for people.
    published : str
        What the tutorials report, or else our target.
    command : str
        Arguments of ``python -m digitocr train``.
    metric : str
        Key of the card's figures.
    """

    name: str
    text: str
    published: str
    command: str
    metric: str = "test_accuracy"


ROWS = (
    Row("dense128", "`dense128`, 5 epochs", "≥ 97.5 %", "--architecture dense128"),
    Row(
        "conv32-64-64",
        "`conv32-64-64`, 10 epochs of batches of 64",
        "99.15 %, loss 0.0341",
        "--architecture conv32-64-64",
    ),
    Row(
        "own",
        "our own recipe for `conv32-64-64`",
        "≥ 99.5 %",
        "--architecture conv32-64-64 --augment --schedule cosine --epochs 16 --learning-rate 0.002 --batch-size 128",
    ),
    Row(
        "conv64x3-l2",
        "`conv64x3`, L2 norm along the columns",
        "≥ 97.8 %",
        "--architecture conv64x3 --scaling l2-columns",
    ),
    Row("conv64x3-unit", "`conv64x3`, [0, 1]", "≥ 98.7 %", "--architecture conv64x3 --scaling unit"),
    Row(
        "conv64x3-cosine",
        "the same with the learning rate decayed to zero",
        "≥ 98.7 %",
        "--architecture conv64x3 --scaling unit --schedule cosine --learning-rate 0.002",
    ),
    Row(
        "turned",
        "`conv32-64-64` with turned copies, on 20,000 originals and copies",
        "97.97 %, loss 0.0718",
        f"--architecture conv32-64-64 --rotations={TURNS}",
    ),
    Row(
        "orientation",
        "`orientation`: quarter turns recognised, on the same 20,000",
        "–",
        f"--architecture orientation --rotations={TURNS}",
        "turns_told",
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One training run."""

    row: Row
    seed: int
    folder: Path

    @property
    def output(self) -> Path:
        """The model file."""
        return self.folder / f"{self.row.name}-{self.seed}.keras"

    @property
    def arguments(self) -> list[str]:
        """The arguments of ``python -m digitocr``."""
        return [
            "train",
            *shlex.split(self.row.command),
            "--seed",
            str(self.seed),
            "--output",
            str(self.output),
        ]

    @property
    def card(self) -> dict[str, Any] | None:
        """The card of the finished run; None if it is not finished or was made by another command."""
        return _finished(self.output.with_suffix(".run.json"), self.arguments)

    def finish(self, card: dict[str, Any]) -> None:
        """Keep the card, so that the run is not done again."""
        _keep(self.output.with_suffix(".run.json"), self.arguments, card)


def _finished(path: Path, arguments: Sequence[str]) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept["result"] if kept["arguments"] == list(arguments) else None


def _keep(path: Path, arguments: Sequence[str], result: Any) -> None:  # noqa: ANN401
    atomic.write(path, json.dumps({"arguments": list(arguments), "result": result}).encode())


def call(arguments: Sequence[str], log: Path, variables: dict[str, str]) -> str:
    """Run one command of the program.

    Parameters
    ----------
    arguments : sequence of str
        After ``python -m digitocr``.
    log : Path
        File for its standard error.
    variables : dict of str to str
        Added to the environment.

    Returns
    -------
    str
        Its standard output.

    Raises
    ------
    OutputError
        The command failed; the message quotes the end of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-m", "digitocr", *arguments],
            stdout=subprocess.PIPE, stderr=stream, env=os.environ | variables, check=False, text=True,
        )  # fmt: skip
    if done.returncode:
        end = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        raise OutputError(f"`{shlex.join(arguments)}` failed: {' '.join(end)}", hint=f"see {log}")
    return done.stdout


def train(run: Run) -> None:
    """Do one training run and keep its card, unless it is finished.

    Parameters
    ----------
    run : Run
    """
    if run.card is not None:
        return
    report(f"started: {run.row.name}, seed {run.seed}")
    call(run.arguments, run.output.with_suffix(".log"), _ONE_THREAD)
    card = json.loads(run.output.with_suffix(".json").read_text(encoding="utf-8"))
    run.finish(card)
    report(
        f"done: {run.row.name}, seed {run.seed}: {card['metrics'][run.row.metric]:.4f} in {card['seconds']} s"
    )


def study_arguments(folder: Path, seed: int) -> list[str]:
    """Return the arguments of the rotation study of one seed.

    Parameters
    ----------
    folder : Path
    seed : int

    Returns
    -------
    list of str
    """
    models = {
        name: str(folder / f"{name}-{seed}.keras") for name in ("conv32-64-64", "turned", "orientation")
    }
    return [
        "rotations", models["conv32-64-64"], "--turned", models["turned"], "--orientation", models["orientation"],
        "--output", str(folder / f"{STUDY}-{seed}"), "--json",
    ]  # fmt: skip


def finished_study(folder: Path, seed: int) -> dict[str, Any] | None:
    """Return the rotation study of one seed.

    Parameters
    ----------
    folder : Path
    seed : int

    Returns
    -------
    dict or None
        None if it is not made yet.
    """
    return _finished(folder / f"{STUDY}-{seed}.run.json", study_arguments(folder, seed))


def study(folder: Path, seed: int) -> None:
    """Make the rotation study of one seed, unless it is made. Run one at a time: it measures time.

    Parameters
    ----------
    folder : Path
    seed : int
    """
    if finished_study(folder, seed) is not None:
        return
    report(f"started: {STUDY}, seed {seed}")
    arguments = study_arguments(folder, seed)
    found = json.loads(call(arguments, folder / f"{STUDY}-{seed}.log", _ONE_THREAD))
    _keep(folder / f"{STUDY}-{seed}.run.json", arguments, found)


# --- the table --------------------------------------------------------------------------------------------------


def spread(values: Sequence[float]) -> str:
    """Format shares as mean and range in per cent.

    Parameters
    ----------
    values : sequence of float
        In [0, 1].

    Returns
    -------
    str

    Examples
    --------
    >>> spread([0.991, 0.9915, 0.992])
    '99.15 % (99.10 to 99.20)'
    """
    if not values:
        return "–"
    low, high = 100 * min(values), 100 * max(values)
    return f"{100 * statistics.mean(values):.2f} % ({low:.2f} to {high:.2f})"


def figures(runs: Sequence[Run], studies: Sequence[dict[str, Any]]) -> str:
    """Format the tables of what is finished as Markdown.

    Parameters
    ----------
    runs : sequence of Run
    studies : sequence of dict
        Rotation studies.

    Returns
    -------
    str
    """
    parts = [
        "| | published or target | ours: mean (least to greatest) | loss | parameters | core seconds | seeds |"
    ]
    parts.append("|---|---|---|---|---|---|---|")
    for row in ROWS:
        cards = [card for run in runs if run.row is row and (card := run.card) is not None]
        parts.append(_line(row, cards))
    parts += ["", "Each by one command, with `--seed 1`, `2`, `3`:", "", "```sh"]
    parts += [f"python -m digitocr train {row.command}" for row in ROWS]
    parts.append("```")
    return "\n".join([*parts, *_studied(studies)])


def _line(row: Row, cards: Sequence[dict[str, Any]]) -> str:
    if not cards:
        return f"| {row.text} | {row.published} | – | – | – | – | 0 |"
    losses = [c["metrics"]["test_loss"] for c in cards if "test_loss" in c["metrics"]]
    loss = f"{statistics.mean(losses):.4f}" if losses else "–"
    seconds = round(statistics.mean(c["core_seconds"] for c in cards))
    return (
        f"| {row.text} | {row.published} | {spread([c['metrics'][row.metric] for c in cards])} "
        f"| {loss} | {cards[0]['parameters']:,} | {seconds} | {len(cards)} |"
    )


def _studied(studies: Sequence[dict[str, Any]]) -> list[str]:
    if not studies:
        return []
    names = (
        "`conv32-64-64` alone",
        "trained on turned copies",
        "turned upright by `orientation`, then read",
    )
    parts = [
        "",
        f"Turned digits, {len(studies)} seeds: 10,000 test digits and a turned copy of each.",
        "",
    ]
    parts += [
        "| way | right | originals | copies | loss | ms per digit, one core |",
        "|---|---|---|---|---|---|",
    ]
    for k, name in enumerate(names):
        ways = [s["ways"][k] for s in studies]
        loss, cost = (statistics.mean(w[key] for w in ways) for key in ("loss", "milliseconds_per_digit"))
        parts.append(
            f"| {name} | {spread([w['accuracy'] for w in ways])} | {spread([w['upright'] for w in ways])} "
            f"| {spread([w['turned'] for w in ways])} | {loss:.4f} | {cost:.3f} |"
        )
    parts += ["", "6 and 9 in each way, in per cent: read right / read as the other.", ""]
    parts += [f"| digit | turn | {' | '.join(names)} |", "|---|---|---|---|---|"]
    for row, first in enumerate(studies[0]["ways"][0]["sixes_and_nines"]):
        cells = []
        for k in range(len(names)):
            mine = [s["ways"][k]["sixes_and_nines"][row] for s in studies]
            right, swapped = (
                100 * statistics.mean(m[key] for m in mine) for key in ("right", "as_the_other")
            )
            cells.append(f"{right:.1f} / {swapped:.1f}")
        parts.append(f"| {first['digit']} | {first['degrees']:g}° | {' | '.join(cells)} |")
    parts += [
        "",
        "`conv32-64-64` alone, by turn: right, mean confidence, and each digit's share read right.",
        "",
    ]
    parts += [f"| turn | right | confidence | {' | '.join('0123456789')} |", "|" + "---|" * 13]
    for k, quarter in enumerate(studies[0]["quarters"]):
        mine = [s["quarters"][k] for s in studies]
        right, sure = (statistics.mean(m[key] for m in mine) for key in ("accuracy", "confidence"))
        digits = [statistics.mean(m["per_digit"][d] for m in mine) for d in range(10)]
        parts.append(
            f"| {quarter['degrees']:g}° | {100 * right:.1f} % | {100 * sure:.1f} % "
            f"| {' | '.join(f'{100 * share:.0f}' for share in digits)} |"
        )
    return parts


def write_figures(document: Path, text: str) -> None:
    """Put the tables between their marks in a document.

    Parameters
    ----------
    document : Path
    text : str
        Markdown.

    Raises
    ------
    OutputError
        The document cannot be read or written, or has no marks.
    """
    old = _text_of(document)
    if _BEGIN not in old or _END not in old:
        raise OutputError(
            f"{document} has no place for the figures", hint=f"mark it with {_BEGIN} and {_END}"
        )
    new = re.sub(f"{_BEGIN}.*{_END}", lambda _: f"{_BEGIN}\n{text}\n{_END}", old, flags=re.DOTALL)
    atomic.write(document, new.encode())


def _text_of(document: Path) -> str:
    try:
        return document.read_text(encoding="utf-8")
    except OSError as error:
        raise atomic.cannot_write(document, error) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m digitocr.training.tutorials", description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=Path("training-out/tutorials"), help="folder of finished runs"
    )
    parser.add_argument("--document", type=Path, default=Path("docs/tutorials.md"))
    parser.add_argument("--jobs", type=int, default=cores(), help="runs side by side, each on one core")
    names = [row.name for row in ROWS]
    parser.add_argument("--only", nargs="*", choices=names, default=names, help="only these rows")
    parser.add_argument("--seeds", type=int, nargs="*", choices=SEEDS, default=SEEDS, help="only these seeds")
    args = parser.parse_args(argv)
    return guarded(lambda: _make(args.work, args.document, args.jobs, args.only, args.seeds))


def _make(work: Path, document: Path, jobs: int, only: Sequence[str], seeds: Sequence[int]) -> int:
    started = time.monotonic()
    runs = [Run(row, seed, work) for seed in SEEDS for row in ROWS]
    unfinished = [run for run in runs if run.card is None]
    missing = [run for run in unfinished if run.row.name in only and run.seed in seeds]
    report(f"{len(runs) - len(unfinished)} of {len(runs)} runs are finished, {len(missing)} to do")
    failed: list[DigitocrError] = []
    with ThreadPoolExecutor(jobs) as pool:
        for error in pool.map(_tried, missing):
            if error is not None:
                failed.append(error)
                report(f"failed: {error}")
            _write(work, document, runs)
    if failed:
        raise failed[0]
    for seed in SEEDS:
        if _can_be_studied(runs, seed):
            study(work, seed)
    _write(work, document, runs)
    taken = os.times()
    cores_taken = (taken.children_user + taken.children_system) / 60
    wall = (time.monotonic() - started) / 60
    report(f"written: {document}, after {wall:.0f} minutes, {cores_taken:.0f} of one core")
    return 0


def _write(work: Path, document: Path, runs: Sequence[Run]) -> None:
    studies = (finished_study(work, seed) for seed in SEEDS)
    write_figures(document, figures(runs, [found for found in studies if found is not None]))


def _can_be_studied(runs: Sequence[Run], seed: int) -> bool:
    mine = [run for run in runs if run.seed == seed and run.row.name in STUDIED]
    return all(run.card is not None for run in mine)


def _tried(run: Run) -> DigitocrError | None:
    try:
        train(run)
    except DigitocrError as error:
        return error
    return None


if __name__ == "__main__":
    raise SystemExit(main())
