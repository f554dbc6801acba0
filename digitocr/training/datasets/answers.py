"""Answers on drawn forms as the answer network sees them, with the class of each place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.forms.features import no_features
from digitocr.forms.form_page import flat_form
from digitocr.forms.form_print import FormPrint
from digitocr.forms.places import pictured, places_of
from digitocr.forms.template import Field, Template
from digitocr.imaging.binarize import even_light
from digitocr.imaging.parameters import Imaging
from digitocr.networks.answer_network import SIDE
from digitocr.records import Box, Grey, Page
from digitocr.training.datasets.fields import printed_cells, slipped_registration
from digitocr.training.datasets.layout_pages import layout_sources
from digitocr.training.datasets.sharded import Shard, sharded_corpus
from digitocr.training.synth.answers import FILLERS, STRIKES, WAYS, AnswerSheet, Ground
from digitocr.training.synth.filled_forms import Picture, photograph_page
from digitocr.training.synth.hand import draw_hand
from digitocr.training.synth.strokes import Random, Sources

SOME, NONE = 0.012, 0.003
"""A place shows a kind of ink that covers the first share of it, and none that covers less than the second."""

STRUCK_SHARE = 0.2
"""Share of the digits drawn that are struck out or corrected: rare on paper, and to be learned."""


PAGES_OF_SHARD = 50
"""Drawn forms in a shard: each shows hundreds of places."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a drawn form.

    Attributes
    ----------
    picture : (40, 40) uint8 ndarray
    kind : Ground
    contrast : float
        Of the writing on its page, 0 to 1, before light and camera.
    """

    picture: Grey
    kind: Ground
    contrast: float


def drawn_places(seed: int, pages: int, sources: Sources) -> Iterator[list[Place]]:
    """Draw forms, fill them in, take pictures of them, and show their places.

    Parameters
    ----------
    seed : int
    pages : int
    sources : Sources

    Yields
    ------
    list of Place
        Of one page; none of those that show hardly any ink.
    """
    cv2.setNumThreads(1)
    for i in range(pages):
        rng = np.random.default_rng((seed, i))
        template, paper = printed_cells(rng) if rng.random() < 0.65 else printed_frames(rng)
        if rng.random() < 0.3:
            print_inside(rng, paper, template.fields)
        sheet = filled(rng, template, paper, sources)
        yield list(_shown(rng, template, sheet))


def filled(rng: Random, template: Template, paper: Picture, sources: Sources) -> AnswerSheet:
    """Fill in a form in one hand: answers, blanks, fillers, and some answers that are struck or corrected.

    Parameters
    ----------
    rng : numpy.random.Generator
    template : Template
    paper : (H, W) float32 ndarray
        Is written on.
    sources : Sources

    Returns
    -------
    AnswerSheet
    """
    faint = rng.random() < 0.35
    contrast = float(rng.uniform(0.04, 0.3) if faint else rng.uniform(0.3, 0.96))
    hand = draw_hand(
        rng, sources, thickness=float(rng.uniform(0.05, 0.13)), gap=float(rng.uniform(0.02, 0.3))
    )
    share, grain = float(rng.uniform(0.45, 0.85)), float(rng.uniform(0.1, 0.7))
    sheet = AnswerSheet(paper, hand, 255 * (1 - contrast), grain, share)
    filler = ("", "", *FILLERS)[int(rng.integers(2 + len(FILLERS)))]
    for field in template.fields:
        if field.cells:
            _fill_cells(rng, sheet, field.cells, filler)
        else:
            _fill_freely(rng, sheet, field.box, filler)
    return sheet


def _fill_cells(rng: Random, sheet: AnswerSheet, cells: tuple[Box, ...], filler: str) -> None:
    kind = rng.random()
    whole = Box(cells[0].x, cells[0].y, cells[-1].right - cells[0].x, cells[0].height)
    if kind < 0.15:
        return
    if kind < 0.2 and len(cells) > 1:
        sheet.strike(rng, ("line", "slash", "cross")[int(rng.integers(3))], whole, Ground.FILLER)
        return
    count = 0 if kind < 0.25 else int(rng.integers(1, len(cells) + 1))
    unused, used = cells[: len(cells) - count], cells[len(cells) - count :]
    for cell in unused:
        if filler:
            sheet.filler(rng, filler, cell)
    if kind > 0.95 and count > 1:
        for cell in used:
            sheet.digits(rng, _digits(rng, 1), cell)
        over = Box(used[0].x, used[0].y, used[-1].right - used[0].x, used[0].height)
        sheet.strike(rng, ("line", "wave", "cross", "scrub")[int(rng.integers(4))], over)
        return
    for cell in used:
        if rng.random() < STRUCK_SHARE:
            sheet.doubtful(rng, WAYS[int(rng.integers(len(WAYS)))], _digits(rng, 1), cell)
        else:
            sheet.digits(rng, _digits(rng, 1), cell)


def _fill_freely(rng: Random, sheet: AnswerSheet, box: Box, filler: str) -> None:
    kind = rng.random()
    text = _digits(rng, int(rng.integers(1, max(2, min(7, 2 * box.width // box.height)))))
    left, right = Box(box.x, box.y, box.width // 2, box.height), box.width // 2
    right_half = Box(box.x + right, box.y, box.width - right, box.height)
    ways = tuple(STRIKES)
    way = ways[int(rng.integers(len(ways)))]
    if kind < 0.15:
        return
    if kind < 0.25:
        if filler:
            sheet.filler(rng, filler, box)
    elif kind < 0.65:
        sheet.digits(rng, text, box)
    elif kind < 0.75:
        sheet.doubtful(rng, WAYS[int(rng.integers(len(WAYS)))], text, box)
    elif kind < 0.85:
        sheet.doubtful(rng, way, text, left)
        sheet.digits(rng, text, right_half)
    else:
        struck = int(rng.integers(len(text)))
        width = min(box.width // len(text), round(0.8 * box.height))
        for k, digit in enumerate(text):
            place = Box(box.x + k * width, box.y, width, box.height)
            if k == struck:
                sheet.doubtful(rng, way if rng.random() < 0.7 else "over", digit, place)
            else:
                sheet.digits(rng, digit, place)


def printed_frames(rng: Random) -> tuple[Template, Picture]:
    """Print a page of frames, or of lines to write on.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    template : Template
    paper : (H, W) float32 ndarray
    """
    width, height = 1200, 900
    paper = np.full((height, width), rng.uniform(225, 250), np.float32)
    tall = int(rng.integers(32, 80))
    wide = int(np.clip(tall * rng.uniform(1.2, 7), 50, 500))
    tone, thick, is_frame = float(rng.uniform(0, 185)), int(rng.integers(1, 4)), rng.random() < 0.6
    fields: list[Field] = []
    y = 60
    while y + tall < height - 60:
        x = 60
        while x + wide < width - 60:
            box = Box(x, y, wide, tall)
            if is_frame:
                cv2.rectangle(paper, (box.x, box.y), (box.right, box.bottom), tone, thick)
            else:
                cv2.line(paper, (box.x, box.bottom), (box.right, box.bottom), tone, thick)
            fields.append(Field(f"f{len(fields)}", box, blank=True))
            x += wide + int(rng.integers(20, 80))
        y += tall + int(rng.integers(12, 50))
    return Template("drawn", (width, height), tuple(fields)), paper


def print_inside(rng: Random, paper: Picture, fields: Sequence[Field]) -> None:
    """Print guides, a unit or a number into the places to write in.

    Parameters
    ----------
    rng : numpy.random.Generator
    paper : (H, W) float32 ndarray
        Is printed on.
    fields : sequence of Field
    """
    kind, tone = int(rng.integers(4)), float(rng.uniform(100, 225))
    words = ("kg", "EUR", "$", "1", "a)", "DD", "m2", "12", "Y")
    word = words[int(rng.integers(len(words)))]
    for field in fields:
        for box in field.cells or (field.box,):
            middle = box.y + box.height // 2
            if kind == 0:
                cv2.line(paper, (box.x, middle), (box.right, middle), max(tone, 170.0), 1)
            elif kind == 1:
                for x in range(box.x + 3, box.right, 6):
                    for y in (box.y + 4, middle, box.bottom - 4):
                        cv2.circle(paper, (x, y), 1, max(tone, 150.0), -1)
            elif kind == 2:
                low = (box.x, box.bottom - round(0.3 * box.height))
                cv2.rectangle(paper, low, (box.right, box.bottom), max(tone, 200.0), -1)
            else:
                size, letters = box.height / 90, np.zeros((box.height, box.width), np.uint8)
                cv2.putText(letters, word, (2, round(26 * size)), 0, size, 255, 1, cv2.LINE_AA)
                paper[box.y : box.bottom, box.x : box.right] -= letters * np.float32((240 - tone) / 255)


def _shown(rng: Random, template: Template, sheet: AnswerSheet) -> Iterator[Place]:
    """Wear a filled form, take a picture of it, and show its places."""
    contrast = 1 - sheet.tone / 255
    paper, contrast = worn(rng, sheet.paper, contrast)
    damage = float(rng.uniform(0, 1)) if rng.random() < 0.6 else 0.0
    shot = photograph_page(rng, paper, longest=int(rng.integers(900, 2000)), damage=damage)
    form = FormPrint(template, no_features())
    flat, scale = flat_form(Page(1, shot.image), form, slipped_registration(rng, shot, template))
    even = even_light(flat, Imaging().binarization)
    for field in template.fields:
        for box in places_of(field):
            kind = kind_of(sheet.ground[box.y : box.bottom, box.x : box.right])
            if kind is not None:
                yield Place(pictured(even, box, scale), kind, contrast)


def worn(rng: Random, paper: Picture, contrast: float) -> tuple[Picture, float]:
    """Let a page be pale, overexposed, blurred, dirty, or show its back.

    Parameters
    ----------
    rng : numpy.random.Generator
    paper : (H, W) float32 ndarray
    contrast : float
        Of its writing.

    Returns
    -------
    paper : (H, W) float32 ndarray
    contrast : float
        What is left of it.
    """
    if rng.random() < 0.12:
        other = cv2.GaussianBlur(paper[:, ::-1], (0, 0), float(rng.uniform(1.0, 3.0)))
        depth = np.float32(rng.uniform(0.03, 0.25))
        level = np.float32(np.median(other))
        moved = np.roll(np.clip(1 - other / level, 0, 1), rng.integers(-60, 60, 2), (0, 1))
        paper = paper * (1 - depth * moved)
    if rng.random() < 0.3:
        paper = paper.copy()
        for _ in range(int(rng.integers(3, 80))):
            at = (int(rng.integers(paper.shape[1])), int(rng.integers(paper.shape[0])))
            cv2.circle(paper, at, int(rng.integers(1, 4)), float(rng.uniform(40, 220)), -1, cv2.LINE_AA)
    if rng.random() < 0.2:
        pale = float(rng.uniform(0.1, 0.7))
        paper, contrast = (255 - (255 - paper) * np.float32(pale)), contrast * pale
    if rng.random() < 0.08:
        paper = np.minimum(paper * np.float32(rng.uniform(1.1, 1.6)), 255)
    if rng.random() < 0.2:
        paper = np.asarray(cv2.GaussianBlur(paper, (0, 0), float(rng.uniform(1, 5))), np.float32)
    return np.asarray(paper, np.float32), contrast


def kind_of(ground: Grey) -> Ground | None:
    """Tell what a place shows by the kinds of its ink.

    Parameters
    ----------
    ground : (h, w) uint8 ndarray

    Returns
    -------
    Ground or None
        None where it shows hardly any of a kind.
    """
    share = np.bincount(ground.ravel(), minlength=len(Ground)) / ground.size
    for kind in (Ground.STRUCK, Ground.DIGITS, Ground.FILLER):
        if share[kind] >= SOME:
            return kind
        if share[kind] >= NONE:
            return None
    return Ground.PAPER


def _digits(rng: Random, count: int) -> str:
    return "".join(str(digit) for digit in rng.integers(0, 10, count))


def stored(pages: Iterator[list[Place]]) -> Shard:
    """Join places into arrays, as they are kept in a file.

    Parameters
    ----------
    pages : iterator of list of Place

    Returns
    -------
    dict of str to ndarray
    """
    places = [place for page in pages for place in page]
    pictures = np.array([place.picture for place in places], np.uint8).reshape(-1, SIDE, SIDE)
    kinds: NDArray[np.int8] = np.array([place.kind for place in places], np.int8)
    return {
        "pictures": pictures,
        "kinds": kinds,
        "contrasts": np.array([place.contrast for place in places], np.float32),
    }


def _part(job: tuple[int, int], data_dir: Path | None, held_out: bool) -> Shard:  # noqa: FBT001
    seed, count = job
    return stored(drawn_places(seed, count, layout_sources(data_dir, held_out=held_out)))


def answer_corpus(
    seed: int,
    pages: int,
    data_dir: Path | None,
    work: Path,
    report: Callable[[str], None],
    *,
    held_out: bool = False,
) -> list[Shard]:
    """Draw what the network learns from; see :func:`digitocr.training.datasets.sharded.sharded_corpus`.

    Parameters
    ----------
    seed : int
    pages : int
        Drawn forms in all.
    data_dir : Path or None
        Folder of the archives.
    work : Path
    report : callable
        Is told of the progress in words.
    held_out : bool
        Take the hands set aside instead of those for training.

    Returns
    -------
    list of dict of str to ndarray
        One a shard.
    """
    cv2.setNumThreads(1)  # its threads do not survive a fork: a child would wait for them for ever
    draw = partial(_part, data_dir=data_dir, held_out=held_out)
    name = "answers-aside" if held_out else "answers"
    return sharded_corpus(name, draw, seed, pages, work, report, PAGES_OF_SHARD)
