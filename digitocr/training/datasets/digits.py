"""Labelled digits from MNIST, npz files, IDX files or folders of pictures."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import InputError, UsageError
from digitocr.io import pages
from digitocr.training.datasets.mnist import load_mnist
from digitocr.training.datasets.single import single_digit

MNIST = "mnist"
"""Name of the MNIST data set."""

FORMS = "mnist, an .npz file, a folder of IDX files, or a folder with a sub-folder of pictures per digit"
"""The accepted forms of data, in words."""

_SIDE = 28
_IDX = {"train": ("train-images", "train-labels"), "test": ("t10k-images", "t10k-labels")}
_IDX_DIGITS, _IDX_LABELS = 2051, 2049
"""The magic numbers of IDX files of unsigned bytes in three dimensions and in one."""

_DIGITS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class Digits:
    """Pictures with their labels.

    Attributes
    ----------
    images : (N, 28, 28) uint8 ndarray
        Ink bright on black.
    labels : (N,) uint8 ndarray
        0 to 9; for a network of turns the index of the turn.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, chosen: slice | NDArray[np.intp]) -> Digits:
        """Return some of them."""
        return Digits(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True, slots=True)
class Dataset:
    """Digits to learn from and, if the source sets some apart, digits to test on.

    Attributes
    ----------
    name : str
        Its name in cards and reports.
    train : Digits
    test : Digits or None
    """

    name: str
    train: Digits
    test: Digits | None

    @property
    def measured(self) -> Digits:
        """The test digits, or all if none are set apart."""
        return self.train if self.test is None else self.test

    @property
    def sha256(self) -> str:
        """Of the pixels and labels, hexadecimal."""
        digest = hashlib.sha256()
        for part in (self.train, self.test):
            if part is not None:
                digest.update(part.images.tobytes())
                digest.update(part.labels.tobytes())
        return digest.hexdigest()


def load_dataset(source: str = MNIST, report: Callable[[str], None] = lambda _: None) -> Dataset:
    """Load labelled digits.

    Parameters
    ----------
    source : str
        ``mnist`` or a path: an npz with ``x_train``, ``y_train``, ``x_test``, ``y_test`` or with ``x`` and ``y``;
        a folder with MNIST's four IDX files, gzipped or not; or a folder with sub-folders ``0`` to ``9`` of
        pictures of any size, which are read as ``predict`` reads them.
    report : callable
        Is told, in words, of pictures that were left out.

    Returns
    -------
    Dataset

    Raises
    ------
    UsageError
        The source is missing, empty, damaged or of another form, or MNIST can be neither found nor downloaded.
    """
    if source == MNIST:
        x_train, y_train, x_test, y_test = load_mnist()
        return Dataset(MNIST, Digits(x_train, y_train), Digits(x_test, y_test))
    path = Path(source)
    if path.is_file():
        return _from_npz(path)
    if not path.is_dir():
        raise UsageError(f"there is no data at {source}", hint=f"name {FORMS}")
    if any(path.glob("*-images*idx3*")):
        return _from_idx(path)
    return _from_pictures(path, report)


def turned(images: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Turn pictures about their centre, counter-clockwise; quarter turns move pixels without resampling.

    Parameters
    ----------
    images : (N, 28, 28) uint8 ndarray
    degrees : float

    Returns
    -------
    (N, 28, 28) uint8 ndarray
    """
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(images, round(degrees / 90), axes=(1, 2)))
    import cv2

    middle = (images.shape[1] - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    return np.stack([cv2.warpAffine(image, turn, (_SIDE, _SIDE)) for image in images]).astype(np.uint8)


def with_turned_copies(digits: Digits, turns: Sequence[float], seed: int) -> tuple[Digits, NDArray[np.intp]]:
    """Double a set: the originals, then of each a copy turned by one of `turns` at random.

    Parameters
    ----------
    digits : Digits
    turns : sequence of float
        In degrees, counter-clockwise.
    seed : int

    Returns
    -------
    Digits
        Twice as many.
    (2 N,) int ndarray
        The turn of each: 0 for an original, else 1 + its index in `turns`.
    """
    chosen = np.random.default_rng(seed).integers(0, len(turns), len(digits))
    copies = np.empty_like(digits.images)
    for index, degrees in enumerate(turns):
        copies[chosen == index] = turned(digits.images[chosen == index], degrees)
    both = Digits(np.concatenate([digits.images, copies]), np.tile(digits.labels, 2))
    return both, np.concatenate([np.zeros(len(digits), np.intp), 1 + chosen])


# --- sources ----------------------------------------------------------------------------------------------------


def _from_npz(path: Path) -> Dataset:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            if "x_train" in stored:
                parts = [_digits(stored[f"x_{p}"], stored[f"y_{p}"], str(path)) for p in ("train", "test")]
                return Dataset(path.name, parts[0], parts[1])
            return Dataset(path.name, _digits(stored["x"], stored["y"], str(path)), None)
    except UsageError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise different ones for a damaged archive
        raise UsageError(
            f"{path} cannot be read as digits: {error}",
            hint="an npz holds x_train, y_train, x_test and y_test, or x and y",
        ) from None


def _digits(images: NDArray[np.generic], labels: NDArray[np.generic], where: str) -> Digits:
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.shape[1:] != (_SIDE, _SIDE) or labels.shape != images.shape[:1]:
        raise UsageError(
            f"{where} holds pictures of shape {images.shape} and labels of shape {labels.shape}",
            hint="needed are (N, 28, 28) and (N,)",
        )
    if not len(labels):
        raise UsageError(f"{where} holds no digits", hint=f"name {FORMS}")
    if images.dtype != np.uint8:
        top = float(np.max(images.astype(np.float64)))
        images = np.clip(np.round(images.astype(np.float64) * (255 if top <= 1 else 1)), 0, 255)
    if not np.isin(labels, np.arange(10)).all():
        raise UsageError(f"{where} has labels other than 0 to 9", hint="check the labels")
    return Digits(images.astype(np.uint8), labels.astype(np.uint8))


def _from_idx(folder: Path) -> Dataset:
    parts = {}
    for part, (images, labels) in _IDX.items():
        parts[part] = _digits(
            _idx(_only(folder, images), _IDX_DIGITS), _idx(_only(folder, labels), _IDX_LABELS), str(folder)
        )
    return Dataset(folder.name, parts["train"], parts["test"])


def _only(folder: Path, stem: str) -> Path:
    found = sorted(folder.glob(f"{stem}*"))
    if not found:
        raise UsageError(
            f"{folder} has no file {stem}-idx*-ubyte", hint="MNIST's four IDX files belong together"
        )
    return found[0]


def _idx(path: Path, magic: int) -> NDArray[np.uint8]:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rank = magic % 256
        found, *shape = struct.unpack(f">{1 + rank}I", raw[: 4 + 4 * rank])
        if found != magic:
            raise ValueError(f"magic number {found} instead of {magic}")
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise UsageError(f"{path} is not a valid IDX file: {error}", hint="download it again") from None


def _from_pictures(folder: Path, report: Callable[[str], None]) -> Dataset:
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    strange = [p.name for p in folders if p.name not in _DIGITS]
    if strange:
        raise UsageError(
            f"{folder / strange[0]} is not named after a digit", hint="name the label folders 0 to 9"
        )
    images, labels = [], []
    for label in folders:
        for picture in picture_files(label):
            try:
                digit = single_digit(pages.decode(picture.read_bytes())[0])
            except (OSError, InputError) as error:
                report(f"left out: {picture}: {error}")
                continue
            if digit is None:
                report(f"left out: {picture}: nothing found on it")
                continue
            images.append(digit.seen)
            labels.append(int(label.name))
    if not images:
        raise UsageError(f"there are no pictures of digits in {folder}", hint=f"name {FORMS}")
    return Dataset(folder.name, Digits(np.stack(images), np.array(labels, np.uint8)), None)


def picture_files(folder: Path) -> Iterator[Path]:
    """Return the files of a folder sorted by name, without hidden ones.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    iterator of Path
    """
    return (p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith("."))
