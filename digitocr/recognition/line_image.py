"""Line to strip: the picture of a whole line that the line reader sees, in training and in use."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.networks.line_reader import FRAME, ROWS
from digitocr.records import Line

DIGIT = 22.0
"""Height of a line's digits in a strip, in pixels."""

MARGIN = 8
"""Paper at either end of a strip, in pixels."""


LONGEST = 4096
"""A strip has at most so many columns; a longer row is no number, and is shown shrunk."""

MAX_SLOPE = 0.3
"""A row is followed up or down by at most so many rows per column."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A line at the line reader's size.

    Attributes
    ----------
    picture : (32, w, 2) uint8 ndarray
        Bright on black: the sheet, and the line's own ink; `w` is a multiple of `FRAME`.
    bounds : (n + 1,) int64 ndarray
        The frame at which each of the line's `n` pieces begins, and that at which the last one ends.
    scale : float
        Pixels of the strip per pixel of the line.
    """

    picture: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    scale: float

    def frame_of(self, column: float) -> float:
        """Return the frame, with its fraction, at which a column of the line lies."""
        return float(_frames(np.asarray(column, dtype=np.float64), self.scale))


def strip(line: Line) -> Strip:
    """Bring a line to the line reader's size, its middle level, with what stands between its pieces.

    Parameters
    ----------
    line : Line
    """
    windows = np.array([(w.x, w.y, w.right, w.bottom) for w in line.windows], dtype=np.float64)
    scale = min(DIGIT / max(line.height, 1.0), (LONGEST - 2 * MARGIN) / line.dark.shape[1])
    slope, middle = _middle(windows, line.height)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    height, width = (max(1, round(side * scale)) for side in line.dark.shape)
    own = (line.labels > 0).astype(np.uint8) * np.uint8(255)
    small = cv2.resize(cv2.merge([line.dark, own]), (width, height), interpolation=how)
    frames = -(-(width + 2 * MARGIN) // FRAME)
    # Strip pixel (u, v) shows small pixel (u - MARGIN, v - ROWS / 2 + scale * middle + slope * (u - MARGIN)).
    back = np.array(
        [[1, 0, -MARGIN], [slope, 1, scale * middle - ROWS / 2 - slope * MARGIN]], dtype=np.float64
    )
    level = cv2.warpAffine(small, back, (frames * FRAME, ROWS), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    dark = level[:, :, 0]
    brightest = int(0.99 * (dark.size - 1))
    peak = max(float(np.partition(dark.ravel(), brightest)[brightest]), 1.0)
    picture = cv2.merge([cv2.convertScaleAbs(dark, alpha=255.0 / peak), level[:, :, 1]])
    return Strip(np.asarray(picture, dtype=np.uint8), _bounds(windows, scale, frames), scale)


def _frames(columns: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return (columns * scale + MARGIN) / FRAME


def _middle(windows: NDArray[np.float64], height: float) -> tuple[float, float]:
    """Slope of a line's middle, and its row at the left end."""
    tall = windows[windows[:, 3] - windows[:, 1] >= 0.5 * height]
    if not len(tall):
        tall = windows
    x, y = (tall[:, 0] + tall[:, 2]) / 2, (tall[:, 1] + tall[:, 3]) / 2
    if len(tall) < 3 or np.ptp(x) <= 2 * height:
        return 0.0, float(y.mean())
    away = x - x.mean()
    slope = float(np.clip((away * y).sum() / (away * away).sum(), -MAX_SLOPE, MAX_SLOPE))
    return slope, float((y - slope * x).mean())


def _bounds(windows: NDArray[np.float64], scale: float, frames: int) -> NDArray[np.int64]:
    """Share the frames out among the pieces: between two, the end is half way."""
    between = (windows[:-1, 2] + windows[1:, 0]) / 2
    inner = np.round(_frames(np.maximum.accumulate(between), scale))
    return np.concatenate([[0], np.clip(inner, 0, frames), [frames]]).astype(np.int64)
