"""Make the page network: take its base out of the wheel, draw pages, train our head on it, and print its figures.

Run as ``python -m digitocr.training.page WHEEL``; see ``--help``. An interrupted run goes on where it stopped. Its
figures are of drawn pages of layouts and hands kept out of all training.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitocr.networks.page_network import CHANNELS, CLASSES, FEATURES, PageNetwork
from digitocr.networks.runtime import load_network
from digitocr.networks.second_reader import session
from digitocr.training import pretrained_page
from digitocr.training.datasets.layout_pages import layout_drawings, layout_sources
from digitocr.training.datasets.page_corpus import page_corpus, pages_of
from digitocr.training.fit import page_head
from digitocr.training.fit.cards import credited, write_network
from digitocr.training.fit.checkpoints import checkpoint_path, trained_once
from digitocr.training.fit.courses import Course, head_parser
from digitocr.training.fit.parallel import report
from digitocr.training.onnx_graphs import exported
from digitocr.training.page_figures import PageFigures, figures, printed_page, table
from digitocr.training.recipes import DrawnRecipe
from digitocr.training.second import INK
from digitocr.training.shipped import SOURCES
from digitocr.training.synth.layouts.files import layouts

LONGEST_PX = (736, 1200)
"""Longest sides at which the figures are taken."""

MEASURED = 2_031
"""Seed of the pages they are taken of."""


@dataclass(frozen=True, slots=True)
class PageRecipe(DrawnRecipe):
    """How the page network is made.

    Attributes
    ----------
    wheel : Path
        With the pre-trained network.
    fonts : Path or None
        Folder of fonts to print with besides those of Matplotlib.
    output : Path
        The ``.onnx`` file of our head; its base goes beside it.
    pictures, cut : int
        Drawings to learn from, as pages and in cut-outs.
    epochs, batch_size : int
    measured : int
        Drawings of each held-out layout.
    seed : int
    """

    wheel: Path
    fonts: Path | None = None
    output: Path = Path("training-out/page-head.onnx")
    pictures: int = 4_000
    cut: int = 2_000
    epochs: int = 16
    batch_size: int = 28
    measured: int = 20
    seed: int = 11

    @property
    def command(self) -> str:
        """The command line that makes the same again."""
        fonts = f"--fonts {self.fonts} " if self.fonts else ""
        return (
            f"python -m digitocr.training.page {self.wheel.name} {fonts}--pictures {self.pictures} "
            f"--cut {self.cut} --epochs {self.epochs} --batch-size {self.batch_size} --seed {self.seed}"
        )


def make(recipe: PageRecipe) -> int:
    """Make the page network.

    Parameters
    ----------
    recipe : PageRecipe

    Returns
    -------
    int
        Exit status.
    """
    started = time.monotonic()
    recipe.output.parent.mkdir(parents=True, exist_ok=True)
    base = pretrained_page.take(recipe.wheel, recipe.output.with_name("page.onnx"))
    network = page_head.with_probabilities(load_network(_train(recipe, base)))
    made = exported(network, [np.zeros((1, channels, *page_head.CROP), np.float32) for channels in CHANNELS])
    write_head(recipe, made, round(time.monotonic() - started))
    report(f"written: {recipe.output}; looking at pages of held-out layouts")
    for longest in LONGEST_PX:
        found = measured(recipe, PageNetwork.of(base, made), longest)
        sys.stdout.write(f"\nLongest side {longest} pixels:\n\n{table(found)}\n")
    return 0


def write_head(recipe: PageRecipe, made: bytes, seconds: int) -> None:
    """Write our head with its card.

    Parameters
    ----------
    recipe : PageRecipe
    made : bytes
    seconds : int
        Spent on drawing and training.
    """
    sizes = zip(FEATURES, CHANNELS, strict=True)
    write_network(
        recipe.output,
        made,
        {
            "use": "finds the handwritten numbers of pages; see digitocr.imaging.detection",
            "input": ", ".join(f"{name} (N, {channels}, h, w)" for name, channels in sizes)
            + " float32: the features that page.onnx gives",
            "output": f"classes (N, h, w, {len(CLASSES)}): for each cell of 4 x 4 pixels the probabilities of"
            f" {', '.join(CLASSES)}; centre (N, h, w): that it is on the centre line of a handwritten number",
            "command": recipe.command,
            "seconds": seconds,
            "data": credited(recipe.data, SOURCES | {name: INK[name] for name in _INK}),
        },
    )


_INK = ("kensanata_numbers.npz", "lectaurep_numbers.npz")


def _train(recipe: PageRecipe, base: bytes) -> Path:
    """Train our head and return its file."""
    drawn = {"pages": (0, recipe.pictures), "cuts": (500_000, recipe.cut)}
    shown = [
        page_corpus(
            name, 5_000_000 * recipe.seed + k, count, recipe.data_dir, recipe.fonts, recipe.work, report
        )
        for name, (k, count) in drawn.items()
    ]
    pages, cuts = ([one for part in shards for one in pages_of(part)] for shards in shown)
    report(f"page head: {len(pages)} pages, {len(cuts)} cut-outs")
    run = (recipe.epochs, recipe.batch_size, recipe.seed)
    learned = (
        part[name] for shards in shown for part in shards for name in ("encoded", "classes", "centres")
    )
    checkpoint = checkpoint_path(recipe.work / "page", learned, run)
    course = Course(f"page head {recipe.seed}", recipe.epochs, page_head.STEPS, page_head.RATE, checkpoint)
    running = session(base, threads=1)  # beside the head, which learns on the other cores

    def train() -> Any:  # noqa: ANN401 (Keras ships no types)
        return page_head.train_head(
            pages,
            cuts,
            lambda pictures: running.run(list(FEATURES), {"pages": pictures}),
            page_head.head(),
            course,
            recipe.batch_size,
            recipe.seed,
        )

    return trained_once(checkpoint, train)


def measured(recipe: PageRecipe, network: PageNetwork, longest: int) -> dict[str, PageFigures]:
    """Look at drawn pages of the held-out layouts by held-out hands, and at pages of printed numbers.

    Parameters
    ----------
    recipe : PageRecipe
    network : PageNetwork
    longest : int
        Longest side of the scaled pages in pixels.

    Returns
    -------
    dict of str to PageFigures
        By layout.
    """
    sources = layout_sources(recipe.data_dir, held_out=True)
    count = recipe.measured * len(layouts(held_out=True))
    found: dict[str, list[PageFigures]] = defaultdict(list)
    for name, drawing in layout_drawings(MEASURED, count, sources, held_out=True):
        found[name].append(figures(network, [drawing], longest))
    printed = (printed_page(np.random.default_rng((MEASURED, k))) for k in range(recipe.measured))
    found["printed numbers"] = [figures(network, printed, longest)]
    return {name: sum(parts[1:], parts[0]) for name, parts in found.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = head_parser("page", __doc__, page_head.STEPS)
    add = parser.add_argument
    add("--fonts", type=Path, help="folder of fonts to print with besides those of Matplotlib")
    add("--output", type=Path, help="the .onnx file of our head; its base goes beside it")
    add("--cut", type=int, help="number of drawings shown in cut-outs")
    add("--measured", type=int, help="number of drawings of each held-out layout for the figures")
    return make(PageRecipe(**vars(parser.parse_args(argv))))


if __name__ == "__main__":
    raise SystemExit(main())
