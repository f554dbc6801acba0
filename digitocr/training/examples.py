"""The example pictures, drawn from our own skeletons and therefore under our own licence.

``python -m digitocr.training.examples OUTDIR`` draws them again, identically.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from digitocr.training.synth.cells import form_field
from digitocr.training.synth.drawing import Drawing
from digitocr.training.synth.inks import INKS
from digitocr.training.synth.lines import line
from digitocr.training.synth.number_sheets import card_scene, rows_scene, table_scene
from digitocr.training.synth.paper import Pattern, degrade, light
from digitocr.training.synth.photos import photograph
from digitocr.training.synth.scene import finish
from digitocr.training.synth.strokes import Random, Sources

_OWN: Final = Sources()


def _cheque(rng: Random) -> Drawing:
    return line(rng, _OWN, text="24750", damage=0.8)


def _field(rng: Random) -> Drawing:
    return form_field(rng, _OWN, damage=0.6, cells=4)


def _marks(rng: Random) -> Drawing:
    scene = table_scene(
        rng, _OWN, (760, 900), values=("14", "8", "", "21", "5", "48"), ink=INKS["blue"], tallies=True
    )
    return photograph(rng, scene, desk=False, damage=0.6)


def _notes(rng: Random) -> Drawing:
    scene = rows_scene(
        rng,
        _OWN,
        (620, 900),
        rows=("40213", "8875", "60194"),
        ink=INKS["violet"],
        kind=Pattern.RULED,
        share=0.5,
    )
    return photograph(rng, scene, desk=True, damage=0.9)


def _chalk(rng: Random) -> Drawing:
    scene = rows_scene(rng, _OWN, (320, 1000), rows=("3719526",), chalk=True, share=0.6)
    return photograph(rng, scene, desk=False, damage=0.5)


def _meter(rng: Random) -> Drawing:
    entries = (
        ("Meter no.", "5120387", 7),
        ("Reading, kWh", "48216", 7),
        ("Before", "47930", 7),
        ("Visit", "26", 2),
    )
    scene = card_scene(
        rng,
        _OWN,
        (620, 1100),
        entries=entries,
        heading="Electricity: meter card",
        ink=INKS["black"],
        colour=False,
    )
    shape = (scene.paper.shape[0], scene.paper.shape[1])
    image = degrade(rng, scene.paper * light(rng, shape, 0.04), blur=0.8, grain=1.5, quality=88)
    return finish(scene, image, "page")


EXAMPLES: Final[dict[str, tuple[int, Callable[[Random], Drawing]]]] = {
    "cheque.png": (5, _cheque),
    "field.png": (310, _field),
    "marks.jpg": (11, _marks),
    "notes.jpg": (11, _notes),
    "chalk.jpg": (8, _chalk),
    "meter.jpg": (1, _meter),
}
"""By file name, the seed of each example and the function that draws it."""


def draw_example(name: str) -> Drawing:
    """Draw one example.

    Parameters
    ----------
    name : str
        A key of `EXAMPLES`.

    Returns
    -------
    Drawing
    """
    seed, draw = EXAMPLES[name]
    return draw(np.random.default_rng(seed))


def write_examples(folder: Path) -> None:
    """Draw all examples into a folder with ``truth.csv`` (columns file and text, rows joined by ``|``).

    Parameters
    ----------
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["file", "text"])
        for name in sorted(EXAMPLES):
            drawing = draw_example(name)
            image = drawing.image if drawing.colour is None else drawing.colour
            quality = [cv2.IMWRITE_JPEG_QUALITY, 88] if name.endswith(".jpg") else []
            _, coded = cv2.imencode(Path(name).suffix, image, quality)
            (folder / name).write_bytes(coded.tobytes())
            table.writerow([name, drawing.text])


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m digitocr.training.examples", description="Draw the examples."
    )
    parser.add_argument("folder", type=Path, help="folder to write to")
    write_examples(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
