"""Calibration on drawn pages: which places that the page network finds hold a number, and how surely it is read right.

Run as ``python -m digitocr.training.calibrate.fit_pages``. It draws pages of the training layouts by hands that no
network learned from, reads them as the program does, fits both probabilities, and writes them to the model's card.
Where ink and page network differ, the card of before chooses: run it twice for a new network.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr import __version__
from digitocr.errors import ModelError
from digitocr.networks.card import SecondCard, read_card, shipped_model
from digitocr.pipeline import Reader, load_reader
from digitocr.recognition import alternatives
from digitocr.recognition.confidence import PAGE_NAMES
from digitocr.records import Page
from digitocr.settings import cores
from digitocr.training.calibrate import lapse_rate
from digitocr.training.datasets.layout_pages import layout_drawings, layout_sources
from digitocr.training.fit.cards import write_card
from digitocr.training.fit.parallel import report
from digitocr.training.synth.drawing import Drawing

MOST_LOST = 0.01
"""Share of the numbers found that may be taken for none; more would be lost to spare people a look at words."""

SEED = 77_000_000
PAGES = 400
PART = 10
"""Pages that a process draws and reads at once."""

MARGIN = 0.15
"""Around a number's digits, in their height: there its reading is looked for."""


@dataclass(frozen=True, slots=True)
class Places:
    """What was read in the places found on pages.

    Attributes
    ----------
    inputs : (N, F) float64 ndarray
        The features `PAGE_NAMES`.
    is_number : (N,) bool ndarray
        Whether a number is written there.
    right : (N,) bool ndarray
        Whether it was read to the digit, and as one number.
    """

    inputs: NDArray[np.float64]
    is_number: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """Join the places of several pages."""
        names = ("inputs", "is_number", "right")
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


def fitted(places: Places, card: SecondCard) -> SecondCard:
    """Fit what a card says of pages.

    Parameters
    ----------
    places : Places
    card : SecondCard

    Returns
    -------
    SecondCard
    """
    number = lapse_rate.fit(places.inputs, places.is_number)
    likely = np.sort(number.probabilities(places.inputs[places.is_number]))
    confidence = lapse_rate.fit(places.inputs[places.is_number], places.right[places.is_number])
    return replace(
        card,
        page_confidence=confidence.named(PAGE_NAMES),
        page_number=number.named(PAGE_NAMES),
        least_number=round(float(likely[int(MOST_LOST * len(likely))]), 6),
    )


def places_on(reader: Reader, drawing: Drawing) -> Places:
    """Read a drawn page, and compare what is found with its truth.

    Parameters
    ----------
    reader : Reader
    drawing : Drawing

    Returns
    -------
    Places
        Of a drawing taken for a field none.
    """
    ((laid, rows),) = reader.decoded([reader.lay_out(Page(1, drawing.image))])
    every = [one for row in rows for one in row if one.seen is not None]
    numbers = alternatives.chosen(every, reader.judge)
    shape = drawing.image.shape
    view = laid.view
    centres = [view.sheet.box_on_page(one.box, shape).centre for one in numbers] if view is not None else []
    met = [_met(drawing, *centre) for centre in centres]
    right = [
        k is not None and met.count(k) == 1 and one.text == drawing.numbers[k].text
        for one, k in zip(numbers, met, strict=True)
    ]
    inputs = [[getattr(one.features, name) for name in PAGE_NAMES] for one in numbers]
    return Places(
        np.array(inputs, dtype=np.float64).reshape(-1, len(PAGE_NAMES)),
        np.array([k is not None for k in met], dtype=np.bool_),
        np.array(right, dtype=np.bool_),
    )


def _met(drawing: Drawing, x: float, y: float) -> int | None:
    """Return the number of a drawing in whose place a point lies."""
    for k, number in enumerate(drawing.numbers):
        box, margin = number.box, MARGIN * number.box.height
        if box.x - margin <= x <= box.right + margin and box.y - margin <= y <= box.bottom + margin:
            return k
    return None


@cache
def _reader(model: Path) -> Reader:
    return load_reader(model, threads=1)


def _part(part: int, model: Path, data_dir: Path | None) -> Places:
    """Draw and read a part of the pages."""
    cv2.setNumThreads(1)
    sources = layout_sources(data_dir, held_out=True)
    drawn = layout_drawings(SEED + part, PART, sources)
    return Places.joined([places_on(_reader(model), drawing) for _, drawing in drawn])


def calibrate(model: Path, data_dir: Path | None, pages: int) -> None:
    """Calibrate the card of a model on drawn pages.

    Parameters
    ----------
    model : Path
        A ``.keras`` file with its card.
    data_dir : Path or None
        Folder of the archives.
    pages : int

    Raises
    ------
    ModelError
        The model has no second reader.
    """
    card = read_card(model)
    if card.second is None:
        raise ModelError(
            f"{model} has no second reader", hint="make it first: python -m digitocr.training.second"
        )
    with ProcessPoolExecutor(max_workers=cores()) as pool:
        read = partial(_part, model=model, data_dir=data_dir)
        places = Places.joined(list(pool.map(read, range(-(-pages // PART)))))
    report(f"{len(places.right)} places, {places.is_number.sum()} numbers, {places.right.sum()} read right")
    path = model.with_suffix(".json")
    raw = json.loads(path.read_text(encoding="utf-8"))
    command = f"python -m digitocr.training.calibrate.fit_pages --pages {pages}"
    made = {"calibrated_on_pages": {"version": __version__, "command": command}}
    write_card(model, raw | {"second": asdict(fitted(places, card.second))} | made)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m digitocr.training.calibrate.fit_pages", description=__doc__
    )
    data = Path(os.environ.get("DIGITOCR_DATA", "../shared/data"))
    parser.add_argument("--model", type=Path, default=shipped_model(), help="a .keras file with its card")
    parser.add_argument("--data", type=Path, default=data, help="folder with the archives")
    parser.add_argument("--pages", type=int, default=PAGES, help="number of drawings")
    given = parser.parse_args(argv)
    calibrate(given.model, given.data if given.data.is_dir() else None, given.pages)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
