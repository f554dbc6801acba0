"""Archives of pen strokes by many writers, and the mix of sources that a folder of them makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.errors import UsageError
from digitocr.training.synth.skeletons import Points
from digitocr.training.synth.strokes import (
    DIGIT_LABELS,
    Glyph,
    Indices,
    PictureSource,
    Random,
    SkeletonSource,
    Sources,
    StrokeSource,
)

_STEP: Final = 0.04
"""Distance between drawn points, in heights of a digit."""


_APART, _TALL = 0.08, 0.6
"""Two digits have at least this much white between them, and each is at least this tall, in heights of both."""


AMBIGUOUS: Final = frozenset("IOQSZBDGPYbgilloqsyzj|!/\\()[]{}<>?^`'_~-.,:;=^@&%$*\"")
"""Archive labels never drawn as letters: digits may look like them, or they are marks drawn otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """Real pen strokes of many writers.

    Attributes
    ----------
    name : str
    points : (P, 2) float32 ndarray
        x, y with y down, in the cap frame of the digit they belong to.
    stroke_offsets, digit_offsets : ndarray of int
        Prefix sums: points of a stroke, strokes of a digit.
    labels : (N,) ndarray of str
    writers : (N,) ndarray of int
    by_writer : dict
        Indices of the usable specimens of a writer and label.
    by_label : dict
        Indices of the usable specimens of a label.
    """

    name: str
    points: Points
    stroke_offsets: Indices
    digit_offsets: Indices
    labels: NDArray[np.str_]
    writers: NDArray[np.int64]
    by_writer: dict[tuple[int, str], Indices]
    by_label: dict[str, Indices]

    def writer(self, rng: Random) -> ArchiveWriter:
        """Choose a writer: each is as likely as any other."""
        known = np.unique(np.array([w for w, _ in self.by_writer], np.int64))
        return ArchiveWriter(self, int(known[rng.integers(len(known))]))

    def specimen(self, index: int) -> Glyph:
        """Return one specimen as it was written."""
        strokes = []
        for s in range(int(self.digit_offsets[index]), int(self.digit_offsets[index + 1])):
            points = self.points[self.stroke_offsets[s] : self.stroke_offsets[s + 1]]
            if len(points):
                strokes.append(_even(points))
        label = str(self.labels[index])
        return Glyph(label, tuple(strokes), f"{self.name}/{label}/{self.writers[index]}")


@dataclass(frozen=True, slots=True, eq=False)
class ArchiveWriter:
    """A writer of an archive; labels this writer lacks come from other writers."""

    archive: Archive
    number: int

    def glyph(self, rng: Random, label: str) -> Glyph | None:
        """Return one of the writer's specimens, None for labels nobody in the archive wrote."""
        found = self.archive.by_writer.get((self.number, label))
        if found is None:
            found = self.archive.by_label.get(label)
        return None if found is None else self.archive.specimen(int(found[rng.integers(len(found))]))


def _even(points: Points) -> Points:
    """Return the path with points at even distances."""
    if len(points) == 1:
        return np.repeat(points, 2, axis=0) + np.array([[0, 0], [0.01, 0.01]], np.float32)
    legs = np.hypot(*np.diff(points, axis=0).T)
    way = np.concatenate([[0], np.cumsum(legs)])
    count = max(2, int(np.ceil(way[-1] / _STEP)) + 1)
    at = np.linspace(0, way[-1], count)
    return np.stack([np.interp(at, way, points[:, 0]), np.interp(at, way, points[:, 1])], axis=1).astype(
        np.float32
    )


def load_archive(
    path: Path, *, held_out: bool = False, digits: bool = True, distrust: bool = True, alike: bool = False
) -> Archive:
    """Load an archive of pen strokes.

    Parameters
    ----------
    path : Path
        An npz with ``points`` int16 (P, 2) with y up, ``stroke_offsets``, ``digit_offsets``, ``labels``,
        ``writers``, ``is_test``.
    held_out : bool
        Draw from the writers set aside for measuring instead of those for training.
    digits : bool
        Keep digits; otherwise keep signs that cannot be mistaken for digits.
    distrust : bool
        Drop specimens whose nearest neighbours all bear another label, and those that hold two digits.
    alike : bool
        Without digits, keep the letters that look like digits too, for whole words.

    Returns
    -------
    Archive
    """
    with np.load(path, allow_pickle=False) as stored:
        raw = stored["points"].astype(np.float32)
        stroke_offsets = stored["stroke_offsets"].astype(np.intp)
        digit_offsets = stored["digit_offsets"].astype(np.intp)
        labels = stored["labels"].astype(str)
        writers = stored["writers"].astype(np.int64)
        wanted = stored["is_test"] == held_out
    doubtful = [c for c in AMBIGUOUS if not (alike and c.isalpha())]
    wanted &= np.isin(labels, DIGIT_LABELS) if digits else ~np.isin(labels, [*DIGIT_LABELS, *doubtful])
    raw[:, 1] *= -1
    starts, ends = stroke_offsets[digit_offsets[:-1]], stroke_offsets[digit_offsets[1:]]
    wanted &= ends - starts >= 4
    points, sound = _cap_frame(raw, starts, ends, labels, writers, wanted)
    keep = np.flatnonzero(sound)
    archive = Archive(path.stem, points, stroke_offsets, digit_offsets, labels, writers, {}, {})
    if distrust and digits and len(keep) > 200:
        glyphs = [archive.specimen(int(i)) for i in keep]
        keep = keep[~(_doubtful(glyphs, labels[keep]) | np.array([holds_two(glyph) for glyph in glyphs]))]
    for writer in np.unique(writers[keep]):
        own = keep[writers[keep] == writer]
        for label in np.unique(labels[own]):
            archive.by_writer[int(writer), str(label)] = own[labels[own] == label]
    for label in np.unique(labels[keep]):
        archive.by_label[str(label)] = keep[labels[keep] == label]
    return archive


def _cap_frame(
    raw: Points,
    starts: Indices,
    ends: Indices,
    labels: NDArray[np.str_],
    writers: NDArray[np.int64],
    wanted: NDArray[np.bool_],
) -> tuple[Points, NDArray[np.bool_]]:
    """Scale every specimen to its place on the line, and find which are sound."""
    points = raw.copy()
    sound = wanted.copy()
    index = np.flatnonzero(wanted)
    low = np.array([raw[s:e].min(axis=0) for s, e in zip(starts[index], ends[index], strict=True)]).reshape(
        -1, 2
    )
    high = np.array([raw[s:e].max(axis=0) for s, e in zip(starts[index], ends[index], strict=True)]).reshape(
        -1, 2
    )
    size = high - low
    lower_case = np.array([c.islower() and c not in "bdfhklt" for c in labels[index]], bool)
    digit = np.isin(labels[index], DIGIT_LABELS)
    usual = {int(w): float(np.median(size[writers[index] == w, 1])) for w in np.unique(writers[index])}
    for k, i in enumerate(index):
        width, height = float(size[k, 0]), float(size[k, 1])
        if height <= 0 or height < 0.4 * width:
            sound[i] = False
            continue
        # part of how a writer's digits differ in height is kept
        relative = (
            np.clip((height / max(usual[int(writers[i])], 1.0)) ** 0.5, 0.85, 1.15) if digit[k] else 1.0
        )
        scale = float(relative) * (0.6 if lower_case[k] else 1.0) / height
        s, e = starts[i], ends[i]
        points[s:e, 0] = (raw[s:e, 0] - low[k, 0]) * scale
        points[s:e, 1] = (raw[s:e, 1] - high[k, 1]) * scale + 1
    return points, sound


def _doubtful(glyphs: list[Glyph], labels: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Find specimens whose six nearest neighbours all bear another label.

    A few per cent of such archives are mislabelled or badly cut; rare but correct shapes have at least one neighbour.
    """
    rows = np.stack([_thumbnail(g) for g in glyphs])
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6
    wrong = np.zeros(len(rows), bool)
    codes = np.unique(labels, return_inverse=True)[1]
    for first in range(0, len(rows), 1024):
        alike = rows[first : first + 1024] @ rows.T
        here = np.arange(len(alike))
        alike[here, here + first] = -2
        nearest = np.argpartition(alike, -6, axis=1)[:, -6:]
        wrong[first : first + 1024] = np.all(codes[nearest] != codes[first : first + 1024, None], axis=1)
    return wrong


def holds_two(glyph: Glyph) -> bool:
    """Whether a glyph is two digits under one label, such as `00`: tall parts side by side with white between.

    A 4 may be open at the top.

    Parameters
    ----------
    glyph : Glyph

    Returns
    -------
    bool
    """
    spans = sorted((*stroke.min(axis=0).tolist(), *stroke.max(axis=0).tolist()) for stroke in glyph.strokes)
    for k in range(1, len(spans)):
        halves = spans[:k], spans[k:]
        apart = min(left for left, *_ in halves[1]) - max(right for *_, right, _ in halves[0])
        tall = min(max(s[3] for s in half) - min(s[1] for s in half) for half in halves)
        if apart > _APART and tall > _TALL:
            return glyph.label != "4"
    return False


def _thumbnail(glyph: Glyph) -> NDArray[np.float32]:
    """Return a blurred 10x10 picture as a vector of 100 floats."""
    canvas = np.zeros((40, 40), np.uint8)
    points = np.concatenate(glyph.strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 30 / max(float((high - low).max()), 1e-3)
    offset = 20 - (low + high) / 2 * scale
    paths = [np.round((s * scale + offset) * 8).astype(np.int32) for s in glyph.strokes]
    cv2.polylines(canvas, paths, isClosed=False, color=255, thickness=4, shift=3)
    small: NDArray[np.float32] = (
        cv2.resize(canvas, (10, 10), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    )
    return small


DIGIT_ARCHIVES: Final[Mapping[str, float]] = MappingProxyType({"unipen_digits": 0.7, "pendigits": 0.3})
"""Archives of digits, and their weights among the hands."""


def has_archives(data_dir: Path) -> bool:
    """Tell whether a folder has an archive of digits, as held-out writers need.

    Parameters
    ----------
    data_dir : Path

    Returns
    -------
    bool
    """
    return any((data_dir / f"{name}.npz").is_file() for name in DIGIT_ARCHIVES)


def sources_at(
    data_dir: Path | None,
    *,
    held_out: bool = False,
    skeletons: float | None = None,
    pictures: PictureSource | None = None,
    picture_weight: float = 0.15,
    distrust: bool = True,
) -> Sources:
    """Return a mix of all stroke sources found in a folder, or of our own skeletons alone.

    Parameters
    ----------
    data_dir : Path or None
        Folder of ``unipen_digits.npz``, ``pendigits.npz`` and ``unipen_other.npz``, any of which may be missing.
    held_out : bool
        Use only writers set aside for measuring; needs at least one archive.
    skeletons : float, optional
        Weight of our own skeletons beside 1 for the archives; by default 0.65, and 0 with ``held_out``.
    pictures : PictureSource, optional
        MNIST digits to mix in.
    picture_weight : float
    distrust : bool
        Drop specimens that look mislabelled.

    Returns
    -------
    Sources

    Raises
    ------
    UsageError
        Held-out writers are wanted, and there is no archive.
    """
    digits: list[StrokeSource] = []
    weights: list[float] = []
    for name, weight in DIGIT_ARCHIVES.items():
        path = None if data_dir is None else data_dir / f"{name}.npz"
        if path is not None and path.is_file():
            digits.append(load_archive(path, held_out=held_out, distrust=distrust))
            weights.append(weight)
    if held_out and not digits:
        raise UsageError(
            f"no stroke archives at {data_dir}", hint="held-out writers need unipen_digits or pendigits"
        )
    own = (0.0 if held_out else 0.65) if skeletons is None else skeletons
    if own > 0 or not digits:
        digits.append(SkeletonSource())
        weights.append(own or 1.0)
    if pictures is not None and picture_weight > 0:
        digits.append(pictures)
        weights.append(picture_weight)
    other = None if data_dir is None else data_dir / "unipen_other.npz"
    letters = (
        load_archive(other, held_out=held_out, digits=False)
        if other is not None and other.is_file()
        else None
    )
    return Sources(tuple(digits), tuple(weights), letters)
