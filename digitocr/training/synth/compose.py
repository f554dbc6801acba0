"""Pictures of handwritten numbers with exact truth: cheque-like lines, cells and fields of forms.

Whole pages and phone photos are put together from these in :mod:`digitocr.training.synth.scenes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.records import Box, Grey
from digitocr.training.synth.paper import Field, Pattern, degrade, shadow, sheet, vignette
from digitocr.training.synth.pen import Hand, Owner, Pen, Token, Written, draw_hand, ink_texture, write
from digitocr.training.synth.skeletons import LETTERS
from digitocr.training.synth.strokes import Random, Sources

Colour = NDArray[np.uint8]
"""``uint8`` picture of shape ``(height, width, 3)``, blue green red."""

Ink = tuple[float, float, float]
"""Blue, green, red of ink on white paper, 0 to 255."""

INKS: Final[dict[str, Ink]] = {
    "black": (35, 32, 30),
    "blue": (150, 60, 35),
    "violet": (140, 40, 80),
    "light-blue": (190, 120, 80),
    "red": (60, 40, 190),
    "pink": (140, 50, 220),
    "green": (60, 110, 40),
    "pencil": (100, 98, 96),
    "chalk": (240, 242, 243),
}

STRUCK: Final = "struck "
"""Kind of a digit that is written over, its value after it."""

CORRECTED: Final = 0.01
"""Share of the free numbers, where their text is drawn too, in which a digit is written over another."""

NO_OWNER: Final = 0
NOWHERE: Final[Mapping[int, int]] = MappingProxyType({})
FAINTEST: Final = 22.0
"""Least difference in grey between ink and paper that is still called legible."""


@dataclass(frozen=True, slots=True)
class DrawnDigit:
    """A digit to be read.

    Attributes
    ----------
    label : int
    box : Box
        Around the pixels it owns.
    number : int
        Index of the number it belongs to.
    pixels : int
        How many pixels it owns.
    over : int or None
        Index of the sign it is written over, a digit: legible only by guessing, so that a person should look.
    variant : str
        Where its shape comes from.
    """

    label: int
    box: Box
    number: int
    pixels: int
    over: int | None
    variant: str

    @property
    def overwritten(self) -> bool:
        """Whether it is written over another digit."""
        return self.over is not None


@dataclass(frozen=True, slots=True)
class DrawnSign:
    """Handwriting that is not to be read: dots, dashes, crosses, ticks, tallies, letters, neighbours.

    Attributes
    ----------
    kind : str
        Label of its shape; ``edge`` for strokes cut off by the picture's rim, ``struck 3`` for a 3 that is
        written over.
    box : Box
    pixels : int
    """

    kind: str
    box: Box
    pixels: int


@dataclass(frozen=True, slots=True)
class DrawnNumber:
    """Digits that belong together.

    Attributes
    ----------
    text : str
        '' for a field in which there is nothing to read.
    box : Box
        Around its digits, or the field where there are none.
    field : Box or None
        The printed field it stands in.
    overwritten : bool
        One of its digits is.
    """

    text: str
    box: Box
    field: Box | None
    overwritten: bool


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A drawn picture and its truth.

    Attributes
    ----------
    image : (H, W) uint8 ndarray
    owner : (H, W) int16 ndarray
        ``i + 1`` at ink of ``digits[i]``, ``-(i + 1)`` at ink of ``signs[i]``, 0 elsewhere (print included).
    digits : tuple of DrawnDigit
        In reading order of the numbers.
    signs : tuple of DrawnSign
    numbers : tuple of DrawnNumber
        In reading order.
    rows : tuple of int
        The row of each number.
    kind : str
        ``line``, ``cell``, ``field``, ``page`` or ``photo``.
    colour : (H, W, 3) uint8 ndarray, optional
        The same picture in colour.
    turn : int
        How many quarter turns to the left the picture was given after it was drawn upright.
    """

    image: Grey
    owner: Owner
    digits: tuple[DrawnDigit, ...]
    signs: tuple[DrawnSign, ...]
    numbers: tuple[DrawnNumber, ...]
    rows: tuple[int, ...]
    kind: str
    colour: Colour | None = None
    turn: int = 0

    @property
    def text(self) -> str:
        """All digits in reading order, ``|`` between rows."""
        found: dict[int, str] = {}
        for number, row in zip(self.numbers, self.rows, strict=True):
            found[row] = found.get(row, "") + number.text
        return "|".join(found[row] for row in sorted(found) if found[row])

    @property
    def overwritten(self) -> bool:
        """Whether any digit was written over another."""
        return any(d.overwritten for d in self.digits)


@dataclass(frozen=True, slots=True)
class _Digit:
    """A digit on a scene: its name in the owner map is its place in the list plus 1."""

    label: int
    number: int
    over: int | None
    variant: str


@dataclass(slots=True, eq=False)
class Scene:
    """Paper being written on: holds pixels, the owner map and what has been written so far.

    Attributes
    ----------
    paper : (H, W) or (H, W, 3) float32 ndarray
    owner : (H, W) int16 ndarray
    best : (H, W) uint8 ndarray
        Coverage by the owner.
    digits : list
    signs : list of str
    numbers : list
        Text, field, overwritten and row of each number.
    """

    paper: Field
    owner: Owner
    best: Grey
    digits: list[_Digit] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)
    numbers: list[tuple[str, Box | None, bool, int]] = field(default_factory=list)

    def add_number(
        self,
        rng: Random,
        parts: Sequence[tuple[Written, int, int]],
        ink: Ink,
        pen: Pen,
        *,
        row: int = 0,
        place: Box | None = None,
        over: Mapping[int, int] = NOWHERE,
        grain: float = 0.5,
    ) -> None:
        """Write the parts of a number, each with its upper left corner; ``over`` names the signs some are over."""
        index = len(self.numbers)
        text = ""
        for written, x, y in parts:
            first = len(self.digits)
            for glyph in written.digits:
                self.digits.append(_Digit(int(glyph.label), index, over.get(len(text)), glyph.variant))
                text += glyph.label
            self._ink(rng, written, x, y, ink, pen, first, grain)
        self.numbers.append((text, place, bool(over), row))

    def add_signs(
        self,
        rng: Random,
        written: Written,
        x: int,
        y: int,
        ink: Ink,
        pen: Pen,
        *,
        kind: str = "",
        grain: float = 0.5,
    ) -> None:
        """Write what is not to be read, digits included, which then count as signs of the given kind."""
        first = len(self.signs)
        owner = written.owner
        self.signs.extend(kind or g.label for g in written.signs)
        extra = np.where(owner > 0, -(owner + len(written.signs)), owner).astype(np.int16)
        self.signs.extend(kind or STRUCK + g.label for g in written.digits)
        plain = Written(written.alpha, extra, (), (), written.origin, written.height)
        self._blend(rng, plain, x, y, ink, pen, 0, first, grain)

    def strike(self, rng: Random, digit: Written, x: int, y: int, ink: Ink, pen: Pen, *, grain: float) -> int:
        """Write a digit that will be written over; return the index of the sign it is."""
        self.add_signs(rng, digit, x, y, ink, pen, grain=grain)
        return len(self.signs) - 1

    def _ink(
        self, rng: Random, written: Written, x: int, y: int, ink: Ink, pen: Pen, first: int, grain: float
    ) -> None:
        first_sign = len(self.signs)
        self.signs.extend(g.label for g in written.signs)
        self._blend(rng, written, x, y, ink, pen, first, first_sign, grain)

    def _blend(
        self,
        rng: Random,
        written: Written,
        x: int,
        y: int,
        ink: Ink,
        pen: Pen,
        first_digit: int,
        first_sign: int,
        grain: float,
    ) -> None:
        rows, columns = self.owner.shape
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + written.alpha.shape[1], columns), min(y + written.alpha.shape[0], rows)
        if x1 <= x0 or y1 <= y0:
            return
        here, there = np.s_[y0:y1, x0:x1], np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        alpha = written.alpha[there]
        flow = ink_texture(rng, alpha, pen, grain, max(1.0, written.height / 45))
        self.paper[here] = _inked(self.paper[here], flow, ink)
        owner = written.owner[there]
        mine = (owner != NO_OWNER) & (alpha > self.best[here])
        shifted = np.where(owner > 0, owner + first_digit, owner - first_sign).astype(np.int16)
        self.owner[here][mine] = shifted[mine]
        self.best[here][mine] = alpha[mine]


def _inked(paper: Field, amount: Field, ink: Ink) -> Field:
    """Lay ink on paper: dark ink lets the print under it show, light ink covers it."""
    chalk = min(ink) > 200
    if paper.ndim == 2:
        grey = np.float32(0.114 * ink[0] + 0.587 * ink[1] + 0.299 * ink[2])
        out: Field = (
            paper + (grey - paper) * amount if chalk else paper * (1 - amount * np.float32(1 - grey / 255))
        )
        return out
    tone = np.array(ink, np.float32)
    deep = amount[:, :, None]
    mixed: Field = (
        paper + (tone - paper) * deep if chalk else paper * (1 - deep * (1 - tone / np.float32(255)))
    )
    return mixed


def new_scene(paper: Field) -> Scene:
    """Return paper with nothing written on it."""
    shape = (int(paper.shape[0]), int(paper.shape[1]))
    return Scene(paper.astype(np.float32), np.zeros(shape, np.int16), np.zeros(shape, np.uint8))


def finish(
    scene: Scene, image: NDArray[np.uint8], kind: str, *, owner: Owner | None = None, turn: int = 0
) -> Drawing:
    """Measure what each digit and sign owns and return the drawing.

    Parameters
    ----------
    scene : Scene
    image : (H, W) or (H, W, 3) uint8 ndarray
        The final picture.
    kind : str
    owner : (H, W) int16 ndarray, optional
        The owner map in pixels of the final picture, where that is not the scene's.
    turn : int
        Quarter turns to the left that the final picture was given.
    """
    final = scene.owner if owner is None else owner
    boxes = owned_boxes(final)
    nothing = (Box(0, 0, 1, 1), 0)
    digits = tuple(
        DrawnDigit(d.label, *_swap(boxes.get(i + 1, nothing), d.number), d.over, d.variant)
        for i, d in enumerate(scene.digits)
    )
    signs = tuple(DrawnSign(s, *boxes.get(-(i + 1), nothing)) for i, s in enumerate(scene.signs))
    numbers = []
    for index, (text, place, overwritten, _) in enumerate(scene.numbers):
        own = [d.box for d in digits if d.number == index and d.pixels]
        box = place or Box(0, 0, final.shape[1], final.shape[0])
        if own:
            box = own[0]
            for other in own[1:]:
                box = box.union(other)
        numbers.append(DrawnNumber(text, box, place, overwritten))
    rows = tuple(n[3] for n in scene.numbers)
    if image.ndim == 3:
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        return Drawing(grey, final, digits, signs, tuple(numbers), rows, kind, image, turn)
    return Drawing(image, final, digits, signs, tuple(numbers), rows, kind, None, turn)


def _swap(found: tuple[Box, int], number: int) -> tuple[Box, int, int]:
    return found[0], number, found[1]


def owned_boxes(owner: Owner) -> dict[int, tuple[Box, int]]:
    """Return for each name in an owner map the box around its pixels and their number."""
    ys, xs = np.nonzero(owner)
    if len(ys) == 0:
        return {}
    names = owner[ys, xs]
    order = np.argsort(names, kind="stable")
    names, ys, xs = names[order], ys[order], xs[order]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    counts = np.diff(np.append(starts, len(names)))
    x0, x1 = np.minimum.reduceat(xs, starts), np.maximum.reduceat(xs, starts)
    y0, y1 = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    return {
        int(names[s]): (Box(int(a), int(b), int(c - a + 1), int(d - b + 1)), int(n))
        for s, a, b, c, d, n in zip(starts, x0, y0, x1, y1, counts, strict=True)
    }


# --- numbers and marks ---


def amount(rng: Random, longest: int = 9) -> str:
    """Return 1 to ``longest`` digits as amounts have them: small ones first, zeros at the end."""
    length = int(
        min(rng.choice(np.arange(1, 10), p=[0.07, 0.1, 0.14, 0.22, 0.22, 0.13, 0.06, 0.04, 0.02]), longest)
    )
    digits = rng.integers(0, 10, length)
    if rng.random() < 0.5:
        digits[0] = min(9, int(10 ** rng.random()))
    if rng.random() < 0.32:
        digits[length - int(rng.integers(0, length)) :] = 0
    if rng.random() < 0.12:
        digits[:] = digits[rng.integers(0, length, length)]  # repeated digits are commoner than by chance
    return "".join(str(d) for d in digits)


def amount_tokens(rng: Random, text: str, *, marks: float = 0.5) -> list[Token]:
    """Return the digits of an amount with the marks people put between and behind them.

    Parameters
    ----------
    rng : numpy.random.Generator
    text : str
    marks : float
        Probability that there are any.
    """
    tokens: list[Token] = []
    marked = rng.random() < marks
    stop = "" if not marked else ("." if rng.random() < 0.75 else "," if rng.random() < 0.8 else "'")
    spaced = rng.random() < 0.15
    for i, digit in enumerate(text):
        left = len(text) - i
        space = 0.0
        if i and left % 3 == 0:
            if stop and rng.random() < 0.9:
                tokens.append(Token(stop, digit=False))
            elif spaced:
                space = float(rng.uniform(0.1, 0.5))
        tokens.append(Token(digit, space=space))
    if rng.random() < 0.45 * marks * 2:
        # a dash rises at a number's end only: in a cell nobody could tell it from a 1
        tail = (".-", "=", "-", "rising", ".", ",", ".", "/", "$")[
            int(rng.choice(9, p=[0.2, 0.15, 0.17, 0.03, 0.25, 0.13, 0.03, 0.02, 0.02]))
        ]
        tokens.append(Token(tail, digit=False, space=float(rng.uniform(-0.05, 0.3))))
    if rng.random() < 0.05 * marks * 2:
        tokens.insert(0, Token(("$", "=", "-", "x")[int(rng.integers(4))], digit=False))
    return tokens


# --- lines ---


def line(rng: Random, sources: Sources, *, text: str | None = None, damage: float = 1.0) -> Drawing:
    """Draw a crop with one number, as cut from a cheque or a list.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    text : str, optional
        The digits to write; drawn like an amount otherwise.
    damage : float
        0 for clean to 1 for the usual wear, above 1 for worse.

    Returns
    -------
    Drawing
        About 25 to 110 pixels high.
    """
    digits = amount(rng) if text is None else text
    hand = draw_hand(rng, sources)
    height = float(np.clip(rng.lognormal(np.log(31), 0.28), 15, 75))
    written = write(rng, amount_tokens(rng, digits), hand, height, margin=_margins(rng, height))
    shape = (written.alpha.shape[0], written.alpha.shape[1])
    level, contrast = _levels(rng, damage)
    scene = new_scene(_cheque_paper(rng, shape, level, contrast, height, damage))
    _underline(rng, scene, written, height, contrast)
    tone = float(level - contrast)
    ink = _grey_ink(tone, level)
    if rng.random() < 0.3 * damage:
        _neighbours(rng, scene, sources, hand, height, ink)
    grain = float(rng.uniform(0.1, 1)) * min(damage, 1.2)
    corrected = text is None and rng.random() < CORRECTED
    over = _beneath(rng, scene, written, hand, ink, grain) if corrected else NOWHERE
    scene.add_number(rng, [(written, 0, 0)], ink, hand.pen, over=over, grain=grain)
    image = degrade(
        rng,
        scene.paper,
        blur=float(rng.uniform(0.0, 0.022) * height * damage) if rng.random() < 0.75 else 0.0,
        grain=float(rng.uniform(0, 5) * damage) if rng.random() < 0.6 else 0.0,
        quality=int(rng.integers(max(25, int(80 - 40 * damage)), 96)) if rng.random() < 0.8 else None,
    )
    return finish(scene, image, "line")


def _beneath(
    rng: Random, scene: Scene, written: Written, hand: Hand, ink: Ink, grain: float
) -> dict[int, int]:
    """Write another digit where one of a number's will be written over it; return the sign each of these is over."""
    index = int(rng.integers(len(written.digits)))
    ys, xs = np.nonzero(written.owner == index + 1)
    if not len(xs):
        return {}
    tall = float(np.ptp(ys) + 1)
    other = write(
        rng, [Token(str(rng.integers(10)))], hand, tall * float(rng.uniform(0.85, 1.1)), margin=(0, 0, 0, 0)
    )
    h, w = other.alpha.shape
    corner = np.array([xs.min() + xs.max() - w, ys.min() + ys.max() - h])
    x, y = corner + rng.normal(0, 0.1 * tall, 2)
    return {index: scene.strike(rng, other, round(x / 2), round(y / 2), ink, hand.pen, grain=grain)}


def _margins(rng: Random, height: float) -> tuple[int, int, int, int]:
    """Free pixels around the ink: often none to speak of, sometimes wide; never into digits."""
    tight = rng.random() < 0.6
    widest = 0.12 if tight else 0.6
    left, top, right, bottom = (int(v) for v in rng.uniform(0, widest * height, 4))
    return left, top, right, bottom


def _levels(rng: Random, damage: float) -> tuple[float, float]:
    """Return the grey of the paper and how much darker the ink is."""
    level = float(np.clip(rng.normal(185, 30), 105, 252))
    strongest = level - 12
    weakest = FAINTEST + (40 if damage < 0.5 else 12)
    return level, float(np.clip(rng.uniform(0.35, 1.0) * strongest, weakest, strongest))


def _grey_ink(tone: float, level: float) -> Ink:
    """Return ink that comes out as grey ``tone`` on paper of grey ``level``."""
    value = float(np.clip(255 * tone / max(level, 1.0), 0, 235))
    return value, value, value


def _cheque_paper(
    rng: Random, shape: tuple[int, int], level: float, contrast: float, height: float, damage: float
) -> Field:
    """Return a background as on cheques: plain in one of four, else lines far fainter than the ink."""
    kinds = (
        Pattern.PLAIN,
        Pattern.WAVES,
        Pattern.HATCH,
        Pattern.GUILLOCHE,
        Pattern.STIPPLE,
        Pattern.RULED,
        Pattern.SQUARED,
    )
    kind = kinds[int(rng.choice(7, p=[0.22, 0.27, 0.18, 0.12, 0.07, 0.08, 0.06]))]
    faint = float(rng.uniform(0.08, 0.5)) * contrast * min(damage, 1.2)
    paper = sheet(
        rng,
        shape,
        level=level,
        kind=kind,
        contrast=faint,
        unit=height,
        grain=float(rng.uniform(0, 5) * damage),
        uneven=float(rng.uniform(0, 0.15) * damage) if rng.random() < 0.5 else 0.0,
    )
    if rng.random() < 0.12 * damage:
        # the print often ends at a box, above or beside the amount
        edge = int(rng.uniform(0.05, 0.4) * shape[0])
        bare = sheet(rng, shape, level=min(level * 1.15, 252), grain=2)
        part = np.s_[:edge] if rng.random() < 0.6 else np.s_[shape[0] - edge :]
        paper[part] = bare[part]
        if rng.random() < 0.5:
            _ticks(rng, paper[part], height, faint)
    if rng.random() < 0.06 * damage:
        paper *= shadow(rng, shape, float(rng.uniform(0.1, 0.4)))
    return paper


def _ticks(rng: Random, strip: Field, height: float, contrast: float) -> None:
    """Print a row of fine upright strokes, such as the teeth along an amount box."""
    step = max(3.0, float(rng.uniform(0.1, 0.3)) * height)
    for x in np.arange(0, strip.shape[1], step):
        strip[:, int(x)] -= contrast


def _underline(rng: Random, scene: Scene, written: Written, height: float, contrast: float) -> None:
    """Print a rule under, over or through the number, or a box border along an edge."""
    if rng.random() < 0.62:
        return
    rows, columns = scene.owner.shape
    at = written.origin[1]
    thick = max(1, round(float(rng.uniform(0.02, 0.07)) * height))
    dark = np.float32(rng.uniform(0.25, 1.0) * contrast)
    places = [at + rng.normal(0.03, 0.1) * height]
    if rng.random() < 0.3:
        places.append(at - rng.uniform(1.0, 1.3) * height)
    if rng.random() < 0.2:
        places = [float(rng.choice([1, rows - 2]))]
    slope = float(rng.normal(0, 0.012))
    for y in places:
        layer = np.zeros((rows, columns), np.uint8)
        p, q = (0, round(y * 16)), (columns * 16, round((y + slope * columns) * 16))
        cv2.line(layer, p, q, 255, thick, cv2.LINE_AA, shift=4)
        scene.paper -= layer.astype(np.float32) * (dark / np.float32(255))
    if rng.random() < 0.15:
        x = int(rng.choice([0, columns - thick - 1]))
        scene.paper[:, x : x + thick] -= dark


def _neighbours(rng: Random, scene: Scene, sources: Sources, hand: Hand, height: float, ink: Ink) -> None:
    """Let strokes of writing above, below or beside reach into the picture, a little only."""
    rows, columns = scene.owner.shape
    labels = [*"0123456789", "-", "/", "tick", *sorted(LETTERS)]
    for _ in range(int(rng.integers(1, 3))):
        label = labels[int(rng.integers(len(labels)))]
        other = write(rng, [Token(label, digit=label.isdigit())], hand, height * float(rng.uniform(0.7, 1.4)))
        h, w = other.alpha.shape
        reach = float(rng.uniform(0.06, 0.22)) * height
        # half of a bar is a whole 1: beside the number it could not be told from one
        beside = 0.0 if label in {"1", "4", "7", "9", "/"} else 0.15
        side = int(rng.choice(4, p=[0.5 - beside, 0.5 - beside, beside, beside]))
        along_x, along_y = int(rng.uniform(-0.3 * w, columns)), int(rng.uniform(-0.3 * h, rows * 0.7))
        x, y = (
            (along_x, round(reach - h)),
            (along_x, round(rows - reach)),
            (round(reach * 0.7 - w), along_y),
            (round(columns - reach * 0.7), along_y),
        )[side]
        scene.add_signs(rng, other, x, y, ink, hand.pen, kind="edge")
    del sources


# --- cells and fields ---


def cell(rng: Random, sources: Sources, *, damage: float = 1.0, size: int | None = None) -> Drawing:
    """Draw one cell of a form or one square of a grid, with a digit or with nothing to be read.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    damage : float
    size : int, optional
        Height and about the width in pixels, 20 to 300; otherwise drawn, often 28.
    """
    side = size or (28 if rng.random() < 0.4 else int(np.clip(rng.lognormal(np.log(70), 0.6), 22, 300)))
    shape = (side, side if rng.random() < 0.5 else max(20, int(side * rng.uniform(0.75, 1.35))))
    return _boxes(rng, sources, 1, shape, damage, kind="cell", loose=True)


def form_field(rng: Random, sources: Sources, *, damage: float = 1.0, cells: int | None = None) -> Drawing:
    """Draw a row of printed cells with one sign each: digits, crosses, dashes, or left free.

    Parameters
    ----------
    rng : numpy.random.Generator
    sources : Sources
    damage : float
    cells : int, optional
        1 to 9; otherwise drawn.
    """
    count = cells or int(
        rng.choice([1, 2, 3, 4, 5, 6, 8, 9], p=[0.08, 0.25, 0.35, 0.14, 0.08, 0.04, 0.03, 0.03])
    )
    side = int(np.clip(rng.lognormal(np.log(58), 0.4), 20, 160))
    shape = (side, max(14, int(side * rng.uniform(0.5, 1.1))))
    return _boxes(rng, sources, count, shape, damage, kind="field", loose=False)


@dataclass(frozen=True, slots=True)
class _Print:
    """How a row of cells is printed.

    Attributes
    ----------
    style : str
        ``single``, ``separate``, ``double``, ``comb`` or ``none``.
    guide : str
        ``none``, ``seven`` (the shape of a seven-segment 8), ``dots`` or ``box``.
    thick : int
    dark : float
        Darkness in grey values.
    guide_dark : float
    """

    style: str
    guide: str
    thick: int
    dark: float
    guide_dark: float


def _print_style(rng: Random, height: int, level: float, *, loose: bool) -> _Print:
    styles = ("single", "separate", "double", "comb", "open", "none")
    odds = [0.25, 0.05, 0.03, 0.05, 0.02, 0.6] if loose else [0.3, 0.24, 0.22, 0.08, 0.06, 0.1]
    style = styles[int(rng.choice(6, p=odds))]
    guides = ("none", "seven", "dots", "box")
    guide = guides[int(rng.choice(4, p=[0.9, 0.04, 0.03, 0.03] if loose else [0.55, 0.25, 0.1, 0.1]))]
    faint = rng.random() < 0.45
    dark = float(rng.uniform(0.08, 0.4) if faint else rng.uniform(0.4, 0.95)) * level
    # guides are lighter than the borders, as on real forms
    return _Print(
        style,
        guide,
        max(1, round(height * float(rng.uniform(0.008, 0.05)))),
        dark,
        min(dark, float(rng.uniform(0.08, 0.35)) * level),
    )


def _boxes(
    rng: Random,
    sources: Sources,
    count: int,
    shape: tuple[int, int],
    damage: float,
    *,
    kind: str,
    loose: bool,
) -> Drawing:
    """Draw ``count`` cells of ``shape`` in a row, and what lies around them."""
    rows, columns = shape
    level, contrast = _levels(rng, damage)
    if not loose or rng.random() < 0.5:
        contrast = max(contrast, 0.4 * level)
    style = _print_style(rng, rows, level, loose=loose)
    gap = int(rng.uniform(0.08, 0.5) * columns) if style.style in {"separate", "double"} else 0
    edge = (0, 0) if loose else (int(rng.uniform(0, 0.45) * rows), int(rng.uniform(0, 0.35) * rows))
    height, width = rows + 2 * edge[0], count * columns + (count - 1) * gap + 2 * edge[1]
    tilt = float(rng.normal(0, 0.012)) if rng.random() < 0.5 else 0.0
    paper = sheet(
        rng,
        (height, width),
        level=level,
        kind=Pattern.PLAIN if rng.random() < 0.85 else Pattern.SQUARED if loose else Pattern.RULED,
        contrast=float(rng.uniform(0.05, 0.3)) * contrast,
        unit=rows * 0.8,
        grain=float(rng.uniform(0, 3.5) * damage),
        uneven=float(rng.uniform(0, 0.2) * damage) if rng.random() < 0.6 else 0.0,
    )
    places = [Box(edge[1] + i * (columns + gap), edge[0], columns, rows) for i in range(count)]
    _print_cells(rng, paper, places, style, tilt, margins=not loose)
    scene = new_scene(paper)
    hand = draw_hand(rng, sources, thickness=float(rng.uniform(0.045, 0.17)), join_zeros=0.0)
    ink = _grey_ink(level - contrast, level)
    _fill_cells(rng, scene, places, hand, ink, loose=loose)
    if rng.random() < 0.12 * damage:
        scene.paper *= shadow(rng, (height, width), float(rng.uniform(0.1, 0.55)))
    if rng.random() < 0.1 * damage:
        scene.paper *= vignette(rng, (height, width), float(rng.uniform(0.05, 0.4)))
    if rng.random() < 0.04 * damage:
        _stain(rng, scene.paper)
    image = degrade(
        rng,
        scene.paper,
        blur=float(rng.uniform(0.0, 0.03) * rows * damage) if rng.random() < 0.7 else 0.0,
        grain=float(rng.uniform(0, 4) * damage) if rng.random() < 0.5 else 0.0,
        quality=int(rng.integers(max(25, int(80 - 40 * damage)), 96)) if rng.random() < 0.75 else None,
    )
    return finish(scene, image, kind)


def _stain(rng: Random, paper: Field) -> None:
    """Drop a blot or the edge of a finger on the paper's rim."""
    rows, columns = paper.shape[:2]
    layer = np.zeros((rows, columns), np.uint8)
    centre = (int(rng.choice([0, columns])), int(rng.choice([0, rows])))
    axes = (max(2, int(rng.uniform(0.1, 0.35) * columns)), max(2, int(rng.uniform(0.1, 0.3) * rows)))
    cv2.ellipse(layer, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    soft = cv2.GaussianBlur(layer, (0, 0), max(0.8, 0.03 * rows)).astype(np.float32)
    paper *= 1 - soft * np.float32(rng.uniform(0.2, 0.8) / 255)


def _stroke_box(layer: Grey, box: Box, thick: int, value: int, tilt: float, inset: float = 0.0) -> None:
    """Print a rectangle, turned by a small angle about the picture's corner."""
    x0, y0 = box.x + inset, box.y + inset
    x1, y1 = box.right - inset, box.bottom - inset
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    corners[:, 1] += tilt * corners[:, 0]
    cv2.polylines(
        layer,
        [np.round(corners * 16).astype(np.int32)],
        isClosed=True,
        color=value,
        thickness=thick,
        lineType=cv2.LINE_AA,
        shift=4,
    )


def _print_cells(
    rng: Random, paper: Field, places: Sequence[Box], style: _Print, tilt: float, *, margins: bool
) -> None:
    """Print borders and guides of cells, and what of their neighbours lies in the picture."""
    rows, columns = paper.shape[:2]
    layer = np.zeros((rows, columns), np.uint8)
    guides = np.zeros((rows, columns), np.uint8)
    value = 255
    for box in places:
        if style.style in {"single", "separate", "double"}:
            _stroke_box(layer, box, style.thick, value, tilt)
        if style.style == "comb":
            low = box.y + int(box.height * 0.6)
            cv2.line(layer, (box.x, low), (box.x, box.bottom), value, style.thick)
            cv2.line(layer, (box.x, box.bottom - 1), (box.right, box.bottom - 1), value, style.thick)
        if style.guide != "none":
            _guide(guides, box, style, tilt)
    if style.style == "double":
        whole = Box(places[0].x, places[0].y, places[-1].right - places[0].x, places[0].height)
        _stroke_box(layer, whole, max(style.thick, 2), value, tilt, inset=-0.22 * whole.height)
    if style.style == "open":
        first, last = places[0], places[-1]
        cv2.line(layer, (first.x, first.y), (first.x, first.bottom), value, style.thick)
        cv2.line(layer, (first.x, first.bottom), (last.right, last.bottom), value, style.thick)
        cv2.line(layer, (last.right, first.y), (last.right, last.bottom), value, style.thick)
    if margins:
        if rng.random() < 0.3:
            x = int(rng.uniform(0.93, 1.0) * columns)
            cv2.line(layer, (x, 0), (x, rows), value, int(rng.integers(1, 5)))
        if rng.random() < 0.3:
            y = int(rng.choice([rng.uniform(0, 0.08), rng.uniform(0.92, 1.0)]) * rows)
            cv2.line(layer, (0, y), (columns, int(y + tilt * columns)), value, int(rng.integers(1, 5)))
        if rng.random() < 0.1:
            _print_text(rng, layer, rows)
        if rng.random() < 0.12:
            for box in places:
                below = Box(box.x, box.bottom + round(0.15 * box.height), box.width, box.height)
                _stroke_box(layer, below, style.thick, value, tilt)
        if rng.random() < 0.06:
            side = max(3, int(0.15 * rows))
            corner = (columns - side, int(rng.uniform(0, 1) * (rows - side)))
            cv2.rectangle(layer, corner, (columns, corner[1] + side), value, -1)
    if style.style != "none" or margins:
        paper -= layer.astype(np.float32) * np.float32(style.dark / 255)
    paper -= guides.astype(np.float32) * np.float32(style.guide_dark / 255)
    np.maximum(paper, 5, out=paper)


def _guide(layer: Grey, box: Box, style: _Print, tilt: float) -> None:
    """Print what shows people how to write into a cell."""
    w, h = box.width * 0.42, box.height * 0.62
    x0, y0 = box.x + (box.width - w) / 2, box.y + (box.height - h) / 2
    thick = max(1, style.thick // 2)
    inner = Box(round(x0), round(y0), max(2, round(w)), max(2, round(h)))
    if style.guide in {"seven", "box"}:
        _stroke_box(layer, inner, thick, 255, tilt)
        if style.guide == "seven":
            y = inner.y + inner.height / 2
            p = (round(inner.x * 16), round((y + tilt * inner.x) * 16))
            q = (round(inner.right * 16), round((y + tilt * inner.right) * 16))
            cv2.line(layer, p, q, 255, thick, cv2.LINE_AA, shift=4)
        return
    step = max(3, round(h / 5))
    xs, ys = np.arange(inner.x, inner.right + 1, step), np.arange(inner.y, inner.bottom + 1, step)
    for dot_y in ys:
        for x in xs if dot_y in (ys[0], ys[-1], ys[len(ys) // 2]) else (xs[0], xs[-1]):
            cv2.circle(layer, (int(x), int(dot_y + tilt * x)), max(1, thick // 2), 255, -1)


def _print_text(rng: Random, layer: Grey, rows: int) -> None:
    """Print some characters along the left or the lower rim."""
    words = ("$", "Total", "No.", "AUD", "12", "a)", "Q3", "=", "kg", "m", "1.")
    scale = rows * float(rng.uniform(0.006, 0.012))
    at = (int(rng.uniform(-0.02, 0.05) * layer.shape[1]), int(rows * rng.uniform(0.5, 1.05)))
    cv2.putText(
        layer, words[int(rng.integers(len(words)))], at, int(rng.integers(0, 5)), scale, 255, 1, cv2.LINE_AA
    )


def _fill_cells(
    rng: Random, scene: Scene, places: Sequence[Box], hand: Hand, ink: Ink, *, loose: bool, row: int = 0
) -> None:
    """Write into cells: a number from some cell on, crosses, dashes or nothing before it."""
    count = len(places)
    if loose:
        plan = ["digit"] if rng.random() < 0.75 else ["blank"] if rng.random() < 0.55 else ["sign"]
    else:
        lead = int(rng.integers(0, count)) if rng.random() < 0.5 else 0
        filler = "sign" if rng.random() < 0.5 else "blank"
        plan = [filler] * lead + ["digit"] * (count - lead)
        if rng.random() < 0.06:
            plan = ["blank" if rng.random() < 0.5 else "sign"] * count
    sign = ("x", "-", "x", "/", "tick", "scribble", "=")[
        int(rng.choice(7, p=[0.45, 0.2, 0.1, 0.08, 0.07, 0.07, 0.03]))
    ]
    share = float(rng.uniform(0.42, 0.9) if not loose else rng.uniform(0.4, 0.95))
    texture = float(rng.uniform(0.1, 0.9))
    parts: list[tuple[Written, int, int]] = []
    over: dict[int, int] = {}
    for box, what in zip(places, plan, strict=True):
        if what == "blank":
            continue
        label = sign if what == "sign" else str(rng.integers(10))
        height = share * box.height * float(rng.uniform(0.92, 1.08))
        if what == "digit" and rng.random() < 0.025:
            over[len(parts)] = _strike(rng, scene, box, hand, height, ink, texture)
        written = _fit(rng, label, what == "digit", hand, height, box)
        x, y = _within(rng, written, box, loose=loose)
        if what == "sign":
            scene.add_signs(rng, written, x, y, ink, hand.pen, grain=texture)
        else:
            parts.append((written, x, y))
    around = Box(places[0].x, places[0].y, places[-1].right - places[0].x, places[0].height)
    scene.add_number(rng, parts, ink, hand.pen, row=row, place=around, over=over, grain=texture)


def _fit(rng: Random, label: str, is_digit: bool, hand: Hand, height: float, box: Box) -> Written:  # noqa: FBT001
    """Write one sign, smaller where it would be wider than its cell allows."""
    state = rng.bit_generator.state
    written = write(rng, [Token(label, digit=is_digit)], hand, height, margin=(0, 0, 0, 0))
    excess = written.alpha.shape[1] / (1.05 * box.width)
    if excess > 1:
        rng.bit_generator.state = state
        written = write(rng, [Token(label, digit=is_digit)], hand, height / excess, margin=(0, 0, 0, 0))
    return written


def _within(rng: Random, written: Written, box: Box, *, loose: bool) -> tuple[int, int]:
    """Choose where in a cell to write, near the middle but now and then over a border."""
    h, w = written.alpha.shape
    free_x, free_y = box.width - w, box.height - h
    spread = 0.16
    x = box.x + free_x * float(np.clip(rng.normal(0.5, spread), -0.1, 1.1))
    y = box.y + free_y * float(np.clip(rng.normal(0.5, spread), -0.1, 1.1))
    if loose:  # the picture ends where the cell does: keep most of the ink inside
        x = min(max(x, box.x - 0.03 * w), box.right - 0.97 * w)
        y = min(max(y, box.y - 0.03 * h), box.bottom - 0.97 * h)
    return round(x), round(y)


def _strike(rng: Random, scene: Scene, box: Box, hand: Hand, height: float, ink: Ink, texture: float) -> int:
    """Write a digit that is then written over; return the index of the sign it is."""
    written = _fit(rng, str(rng.integers(10)), True, hand, height * 0.95, box)  # noqa: FBT003
    x, y = _within(rng, written, box, loose=False)
    return scene.strike(rng, written, x, y, ink, hand.pen, grain=texture)
