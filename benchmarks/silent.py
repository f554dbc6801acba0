"""What is silently wrong on forms: answers struck, corrected, faint or damaged, of every kind over rising strength.

``python -m benchmarks.silent [--answers N] [--kinds NAMES] [--picture FILE]``. Forms are drawn with cells and with free
fields, filled in, damaged, and read as any other. An answer that is struck or corrected must wait; so must writing that
is not read. Of the others those accepted must be right.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np

from benchmarks.scoring import Share
from digitocr.forms.features import no_features
from digitocr.forms.form_page import lay_out
from digitocr.forms.form_print import FormPrint
from digitocr.forms.template import Field, Template
from digitocr.imaging.parameters import Imaging
from digitocr.pipeline import Reader, load_reader
from digitocr.records import Box, Number, Page, Status
from digitocr.training.datasets.answers import printed_frames
from digitocr.training.datasets.fields import printed_cells, slipped_registration
from digitocr.training.synth.answers import FILLERS, WAYS, AnswerSheet
from digitocr.training.synth.filled_forms import photograph_page
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.scene import new_scene
from digitocr.training.synth.stroke_archives import has_archives, sources_at
from digitocr.training.synth.strokes import Random, Sources
from digitocr.training.synth.wear import WEAR

SEED = 20_261_128
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""From hardly any to the worst that is drawn."""

MOST_WRONG = 0.005
"""Greatest share of wrong answers among those accepted of a kind."""


@dataclass(slots=True)
class Counts:
    """What became of the answers of a kind at one strength.

    Attributes
    ----------
    drawn, read, waiting, accepted, wrong : int
        Those read right, whatever became of them; those accepted, and the wrong ones of these.
    """

    drawn: int = 0
    read: int = 0
    waiting: int = 0
    accepted: int = 0
    wrong: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def add(self, number: Number, truth: str | None) -> None:
        """Count an answer as it was read; ``truth`` is None where it must wait."""
        self.drawn += 1
        self.read += number.text == truth
        is_accepted = number.status is Status.ACCEPTED
        self.accepted += is_accepted
        self.waiting += not is_accepted
        self.wrong += is_accepted and number.text != truth


Fill = Callable[[Random, AnswerSheet, Field, float], str | None]
"""Fills in a field, at a strength; returns the text that is meant, None where it must wait."""

Damage = Callable[[Random, AnswerSheet, float], None]
"""Damages a filled form, at a strength."""


def _text(rng: Random, field: Field) -> str:
    most = len(field.cells) or max(1, min(6, field.box.width // field.box.height))
    return "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(1, most + 1))))


def _answer(rng: Random, sheet: AnswerSheet, field: Field, _: float = 0.0) -> str:
    """Fill in a number, or, in a fifth of the fields, nothing."""
    if rng.random() < 0.2:
        return ""
    text = _text(rng, field)
    for digit, box in _places(field, text):
        sheet.digits(rng, digit, box)
    return text


def _places(field: Field, text: str) -> list[tuple[str, Box]]:
    if not field.cells:
        return [(text, field.box)]
    return list(zip(text, field.cells[len(field.cells) - len(text) :], strict=True))


def _doubtful(rng: Random, sheet: AnswerSheet, field: Field, strength: float, way: str) -> None:
    """Fill in a number of which one digit, or without cells all, is struck or corrected."""
    sheet.striking = (0.5 + 1.5 * strength,) * 2
    text = _text(rng, field)
    places = _places(field, text)
    struck = int(rng.integers(len(places)))
    for k, (digits, box) in enumerate(places):
        if k == struck:
            sheet.doubtful(rng, way, digits, box)
        else:
            sheet.digits(rng, digits, box)


def _lone_filler(rng: Random, sheet: AnswerSheet, field: Field, strength: float) -> str:
    """Leave a field blank but for a filler in each cell, or fill in a number after them."""
    label = FILLERS[int(rng.integers(len(FILLERS)))]
    text = _text(rng, field) if field.cells and rng.random() < 0.5 else ""
    for box in field.cells[: len(field.cells) - len(text)] or ((field.box,) if not text else ()):
        sheet.filler(rng, label, box)
    for digit, box in _places(field, text):
        if digit:
            sheet.digits(rng, digit, box)
    return text


def _nothing(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    """Damage nothing."""


def _pale_page(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    sheet.paper[:] = 255 - (255 - sheet.paper) * np.float32(1 - 0.92 * strength)


def _overexposed(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    sheet.paper[:] = np.minimum(sheet.paper * np.float32(1 + 2.5 * strength), 255)


def _blurred(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    sheet.paper[:] = cv2.GaussianBlur(sheet.paper, (0, 0), 0.5 + 8 * strength)


def _bleeding(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    other = cv2.GaussianBlur(sheet.paper[:, ::-1], (0, 0), 1.5)
    dark = np.clip(1 - other / np.float32(np.median(other)), 0, 1)
    sheet.paper *= 1 - np.float32(0.35 * strength) * np.roll(dark, rng.integers(-60, 60, 2), (0, 1))


def _dirty(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    rows, columns = sheet.paper.shape
    for _ in range(round(600 * strength)):
        at = (int(rng.integers(columns)), int(rng.integers(rows)))
        cv2.circle(sheet.paper, at, int(rng.integers(1, 4)), float(rng.uniform(40, 200)), -1, cv2.LINE_AA)


def _half_fed(rng: Random, sheet: AnswerSheet, strength: float) -> None:
    """Draw the lower part of the page out to its end, as a scanner does when paper stops moving."""
    end = round(sheet.paper.shape[0] * (1 - 0.8 * strength))
    sheet.paper[end:] = sheet.paper[end - 1]


def _worn(rng: Random, sheet: AnswerSheet, strength: float, wear: Callable[..., None]) -> None:
    """Wear the paper in one way, up to five times."""
    scene = new_scene(np.repeat(sheet.paper[:, :, None], 3, axis=2))
    scene.owner[:] = sheet.ground > 0
    for _ in range(round(5 * strength)):
        wear(rng, scene)
    sheet.paper[:] = scene.paper.mean(axis=2)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is done to answers.

    Attributes
    ----------
    fill : callable
    damage : callable
    contrast : tuple of float
        Of the writing, at no strength and at the full one.
    """

    fill: Fill = _answer
    damage: Damage = _nothing
    contrast: tuple[float, float] = (0.8, 0.8)


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "as it is": Kind(),
        "filler": Kind(_lone_filler),
        **{way: Kind(partial(_doubtful, way=way)) for way in WAYS},
        "faint writing": Kind(contrast=(0.3, 0.04)),
        "pale page": Kind(damage=_pale_page),
        "overexposed": Kind(damage=_overexposed),
        "blur": Kind(damage=_blurred),
        "bleed-through": Kind(damage=_bleeding),
        "dirt": Kind(damage=_dirty),
        "half fed": Kind(damage=_half_fed),
        **{wear.__name__: Kind(damage=partial(_worn, wear=wear)) for wear, _ in WEAR},
    }
)
"""By name, all that is drawn."""


def measured(reader: Reader, name: str, answers: int, sources: Sources) -> dict[float, Counts]:
    """Draw answers of a kind at all strengths, and read them.

    Parameters
    ----------
    reader : Reader
    name : str
        One of `KINDS`.
    answers : int
        About how many in all.
    sources : Sources

    Returns
    -------
    dict of float to Counts
        By strength.
    """
    found = {}
    for k, strength in enumerate(STRENGTHS):
        counts, page = Counts(), 0
        while counts.drawn < answers / len(STRENGTHS):
            rng = np.random.default_rng((SEED, sum(map(ord, name)), k, page))
            left = round(answers / len(STRENGTHS)) - counts.drawn
            for number, truth in _read(rng, reader, KINDS[name], strength, sources, left):
                counts.add(number, truth)
            page += 1
        found[strength] = counts
    return found


def _read(
    rng: Random, reader: Reader, kind: Kind, strength: float, sources: Sources, most: int
) -> Iterator[tuple[Number, str | None]]:
    """Draw a form of a kind and read it; yields what was read in each field, and its truth."""
    template, paper = printed_cells(rng) if rng.random() < 0.6 else printed_frames(rng)
    template = Template(template.name, template.size, template.fields[:most])
    low, high = kind.contrast
    tone = 255 * (1 - (low + strength * (high - low)))
    hand = draw_hand(rng, sources, thickness=float(rng.uniform(0.06, 0.13)), gap=float(rng.uniform(0.1, 0.3)))
    sheet = AnswerSheet(paper, hand, tone, 0.4, float(rng.uniform(0.5, 0.75)))
    truths = [kind.fill(rng, sheet, field, strength) for field in template.fields]
    kind.damage(rng, sheet, strength)
    shot = photograph_page(rng, sheet.paper, longest=1800, damage=0.0)
    form = FormPrint(template, no_features())
    registration = slipped_registration(rng, shot, template)
    page = lay_out(Page(1, shot.image), form, registration, reader.see, Imaging())
    (result,) = reader.results([page])
    yield from zip(result.numbers, truths, strict=True)


def exceeds(counts: Counts) -> bool:
    """Tell whether significantly more of the accepted answers are wrong than may be.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    bool
    """
    return Share(counts.wrong, counts.accepted).interval()[0] > MOST_WRONG if counts.accepted else False


def table(found: Mapping[str, Mapping[float, Counts]]) -> str:
    """Return the figures as a table, a row for each kind.

    Parameters
    ----------
    found : mapping of str to mapping of float to Counts

    Returns
    -------
    str
    """
    rows = [
        "| kind | answers | read | waiting | accepted | wrong among accepted |",
        "|---|---|---|---|---|---|",
    ]
    for name, by_strength in found.items():
        c = sum(by_strength.values(), Counts())
        wrong = f"{c.wrong} ({c.wrong / c.accepted:.1%})" if c.accepted else "0"
        mark = " **" if any(map(exceeds, by_strength.values())) else ""
        shares = f"{c.read / c.drawn:.0%} | {c.waiting / c.drawn:.0%}"
        rows.append(f"| {name} | {c.drawn} | {shares} | {c.accepted} | {wrong}{mark} |")
    return "\n".join(rows)


def draw(found: Mapping[str, Mapping[float, Counts]], path: Path) -> None:
    """Draw a curve for each kind: how much is accepted over its strength, and how much of that is wrong.

    Parameters
    ----------
    found : mapping of str to mapping of float to Counts
    path : Path
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    columns = 6
    rows = -(-len(found) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2 * columns, 1.7 * rows), sharex=True, sharey=True)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis, (name, by_strength) in zip(axes.flat, found.items(), strict=False):
        strengths = list(by_strength)
        axis.plot(strengths, [c.accepted / max(1, c.drawn) for c in by_strength.values()], label="accepted")
        axis.plot(
            strengths, [c.wrong / max(1, c.accepted) for c in by_strength.values()], label="wrong of these"
        )
        axis.set_title(name, fontsize=8)
        axis.set_ylim(-0.02, 1.02)
        axis.tick_params(labelsize=7)
    axes.flat[0].legend(fontsize=6)
    figure.supxlabel("strength", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.silent", description=__doc__)
    parser.add_argument("--answers", type=int, default=3000, help="drawn answers of each kind")
    parser.add_argument("--kinds", nargs="+", choices=[*KINDS], default=[*KINDS], metavar="NAME")
    parser.add_argument("--picture", type=Path, help="where the curves are drawn")
    args = parser.parse_args(argv)
    data = Path(os.environ.get("DIGITOCR_DATA", ""))
    sources = sources_at(data, held_out=True) if has_archives(data) else Sources()
    reader = load_reader(threads=1)
    found = {}
    for name in args.kinds:
        found[name] = measured(reader, name, args.answers, sources)
        print(table({name: found[name]}).splitlines()[-1], flush=True)
    print(f"\n{table(found)}")
    if args.picture:
        draw(found, args.picture)


if __name__ == "__main__":
    main()
