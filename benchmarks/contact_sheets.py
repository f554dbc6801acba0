"""Pictures of misread answers, to find the causes; only of the half that may be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.scoring import Answer, Results
from benchmarks.truth import Half
from digitocr.errors import InputError
from digitocr.io.pages import decode
from digitocr.records import Grey

TILE = (300, 190)
CAPTION = 40
COLUMNS, ROWS = 5, 8
MARGIN = 0.25
"""Shown around a field, in its heights."""


def draw_errors(
    results: Results, answers: Sequence[Answer], images: Path, out: Path, name: str
) -> list[Path]:
    """Draw the wrong answers of a set as sheets of tiles, each with its truth, what was read and its confidence.

    Parameters
    ----------
    results : Results
    answers : sequence of Answer
        Those of the looking half; others are refused.
    images : Path
        Folder of the inputs.
    out : Path
    name : str
        Of the set. The files are ``<name>-1.jpg`` and so on, the accepted errors first, then by confidence.

    Returns
    -------
    list of Path
    """
    if any(Half.of(a.truth.file) is not Half.LOOK for a in answers):
        raise ValueError("the errors of the counting half must not be looked at")
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{name}-*.jpg"):
        old.unlink()
    wrong = sorted(
        (a for a in answers if not a.exact), key=lambda a: (a.accepted, a.confidence or 0.0), reverse=True
    )
    sheets = []
    for number, part in enumerate(_parts(wrong, COLUMNS * ROWS), start=1):
        tiles = [_tile(results, answer, images) for answer in part]
        tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
        rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
        path = out / f"{name}-{number}.jpg"
        ok, data = cv2.imencode(".jpg", np.vstack(rows))
        if not ok:
            raise OSError(f"{path} cannot be encoded")
        path.write_bytes(data.tobytes())
        sheets.append(path)
    return sheets


def _parts(answers: Sequence[Answer], size: int) -> list[Sequence[Answer]]:
    return [answers[i : i + size] for i in range(0, len(answers), size)]


def _tile(results: Results, answer: Answer, images: Path) -> np.ndarray:
    """Draw one answer, the digits read framed: green where accepted, red where for review."""
    width, height = TILE
    tile = np.full((height + CAPTION, width, 3), 255, np.uint8)
    try:
        page = decode((images / answer.truth.file).read_bytes())[0].grey
    except InputError:
        page = np.full((10, 10), 128, np.uint8)
    x0, y0, x1, y1 = _view(answer, page)
    scale = min(width / (x1 - x0), height / (y1 - y0))
    shape = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    view = cv2.cvtColor(cv2.resize(page[y0:y1, x0:x1], shape, interpolation=method), cv2.COLOR_GRAY2BGR)
    for row in results.digits[answer.truth.file]:
        if answer.truth.holds(row):
            left, top = (float(row["x"]) - x0) * scale, (float(row["y"]) - y0) * scale
            right, bottom = left + float(row["width"]) * scale, top + float(row["height"]) * scale
            colour = (0, 160, 0) if row["status"] == "accepted" else (0, 0, 220)
            cv2.rectangle(view, (int(left), int(top)), (int(right), int(bottom)), colour, 1)
    tile[: view.shape[0], : view.shape[1]] = view
    sure = "" if answer.confidence is None else f" {answer.confidence:.3f}"
    taken = " ACCEPTED" if answer.accepted else ""
    texts = (f"{answer.truth.text or '-'} : {answer.read or '-'}{sure}{taken}", answer.truth.file[-40:])
    for line, text in enumerate(texts):
        place, size = (3, height + 15 + 17 * line), 0.45 if line == 0 else 0.35
        cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    return tile


def _view(answer: Answer, page: Grey) -> tuple[int, int, int, int]:
    """Return the part of the page to show: left, top, right, bottom."""
    rows, columns = page.shape
    if answer.truth.box is None:
        return 0, 0, columns, rows
    x, y, width, height = answer.truth.box
    margin = MARGIN * height
    return (
        max(0, int(x - margin)),
        max(0, int(y - margin)),
        min(columns, int(x + width + margin) + 1),
        min(rows, int(y + height + margin) + 1),
    )
