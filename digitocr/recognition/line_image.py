"""The image of a whole line that the line reader sees, in training and in use."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitocr.imaging.sheet import Line
from digitocr.networks.line_reader import FRAME, ROWS
from digitocr.recognition.parameters import LineImages


@dataclass(frozen=True, slots=True)
class LineImage:
    """A line at the line reader's size.

    Attributes
    ----------
    picture : (32, w, 2) uint8 ndarray
        Bright on black: the sheet, and the line's own ink; `w` is a multiple of `FRAME`.
    bounds : (n + 1,) int64 ndarray
        The frame at which each of the line's `n` pieces begins, and the frame at which the last one ends.
    scale : float
        Pixels of the picture per pixel of the line.
    margin : int
        Column of the picture at which the line begins.
    """

    picture: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    scale: float
    margin: int

    @classmethod
    def of(cls, line: Line, p: LineImages) -> LineImage:
        """Scale a line, its middle level, with everything that stands between its pieces.

        Parameters
        ----------
        line : Line
        p : LineImages

        Returns
        -------
        LineImage
        """
        windows = np.array([(w.x, w.y, w.right, w.bottom) for w in line.windows], dtype=np.float64)
        scale = min(
            p.digit_height_px / max(line.height, 1.0),
            (p.max_width_px - 2 * p.margin_px) / line.dark.shape[1],
        )
        slope, at = middle(windows, line.height, p)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        height, width = (max(1, round(side * scale)) for side in line.dark.shape)
        own = (line.labels > 0).astype(np.uint8) * np.uint8(255)
        small = cv2.resize(cv2.merge([line.dark, own]), (width, height), interpolation=how)
        frames = -(-(width + 2 * p.margin_px) // FRAME)
        # Pixel (u, v) of the picture shows (x, v - ROWS / 2 + scale * middle + slope * x) of `small`, x = u - margin.
        back = np.array(
            [[1, 0, -p.margin_px], [slope, 1, scale * at - ROWS / 2 - slope * p.margin_px]],
            dtype=np.float64,
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        level = cv2.warpAffine(small, back, (frames * FRAME, ROWS), flags=flags)
        dark = level[:, :, 0]
        darkest = int(p.dark_share * (dark.size - 1))
        peak = max(float(np.partition(dark.ravel(), darkest)[darkest]), 1.0)
        picture = cv2.merge([cv2.convertScaleAbs(dark, alpha=255.0 / peak), level[:, :, 1]])
        bounds = _bounds(windows, scale, p.margin_px, frames)
        return cls(np.asarray(picture, dtype=np.uint8), bounds, scale, p.margin_px)

    def frame_of(self, column: float) -> float:
        """Return the frame, with its fraction, in which a column of the line lies.

        Parameters
        ----------
        column : float

        Returns
        -------
        float
        """
        return float(_frames(np.asarray(column, dtype=np.float64), self.scale, self.margin))


def _frames(columns: NDArray[np.float64], scale: float, margin: int) -> NDArray[np.float64]:
    return (columns * scale + margin) / FRAME


def middle(windows: NDArray[np.float64], height: float, p: LineImages) -> tuple[float, float]:
    """Fit the middle of a line.

    Parameters
    ----------
    windows : (n, 4) float64 ndarray
        Left, top, right and bottom of its pieces, in pixels of the line.
    height : float
        Of the line.
    p : LineImages

    Returns
    -------
    slope : float
        Rows per column.
    row : float
        At the left end.
    """
    tall = windows[windows[:, 3] - windows[:, 1] >= p.tall_heights * height]
    if not len(tall):
        tall = windows
    x, y = (tall[:, 0] + tall[:, 2]) / 2, (tall[:, 1] + tall[:, 3]) / 2
    if len(tall) < p.min_tall_pieces or np.ptp(x) <= p.min_spread_heights * height:
        return 0.0, float(y.mean())
    away = x - x.mean()
    slope = float(np.clip((away * y).sum() / (away * away).sum(), -p.max_slope, p.max_slope))
    return slope, float((y - slope * x).mean())


def _bounds(windows: NDArray[np.float64], scale: float, margin: int, frames: int) -> NDArray[np.int64]:
    """Divide the frames among the pieces: between two pieces, the bound is half way."""
    between = (windows[:-1, 2] + windows[1:, 0]) / 2
    inner = np.round(_frames(np.maximum.accumulate(between), scale, margin))
    return np.concatenate([[0], np.clip(inner, 0, frames), [frames]]).astype(np.int64)
