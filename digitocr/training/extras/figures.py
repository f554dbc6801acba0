"""Plots of training and evaluation, as PNG bytes, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.training.calibrate.scoring import BINS, Bin

BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
"""The palette of Okabe and Ito."""

_GREY = "#999999"


def curves(history: Mapping[str, Sequence[float]], title: str) -> bytes:
    """Draw loss and accuracy over the epochs, training beside validation.

    Parameters
    ----------
    history : mapping of str to sequence of float
        Per epoch ``loss``, ``accuracy`` and perhaps ``val_loss``, ``val_accuracy``.
    title : str

    Returns
    -------
    bytes
        PNG.
    """
    figure = new_figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for axes, key, scale, label in (
        (left, "loss", 1, "loss (nats per digit)"),
        (right, "accuracy", 100, "accuracy (%)"),
    ):
        axes.plot(epochs, scale * np.array(history[key]), "o-", color=BLUE, label="training")
        if f"val_{key}" in history:
            held = scale * np.array(history[f"val_{key}"])
            axes.plot(epochs, held, "s--", color=ORANGE, label="validation")
        axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, len(epochs) + 0.5))
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        if len(epochs) == 1:  # else the axis shows nothing but the neighbourhood of a point
            axes.set_ylim(0, {"loss": None, "accuracy": 105}[key])
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return as_png(figure)


def confusion_matrix(counts: NDArray[np.int64], title: str) -> bytes:
    """Draw a confusion matrix with every count written and the mistakes shaded.

    Parameters
    ----------
    counts : (10, 10) int64 ndarray
        Written digit by row, read digit by column.
    title : str

    Returns
    -------
    bytes
        PNG.
    """
    figure = new_figure(7, 6.4)
    axes = figure.subplots()
    wrong = counts.astype(float)
    np.fill_diagonal(wrong, np.nan)
    top = max(1.0, float(np.nanmax(wrong)))
    shown = axes.imshow(wrong, cmap="Blues", vmin=0, vmax=top)
    for row in range(10):
        for column in range(10):
            dark = row != column and counts[row, column] > 0.6 * top
            axes.text(
                column, row, f"{counts[row, column]}" if counts[row, column] else "·",
                ha="center", va="center", fontsize=9, color="white" if dark else "black",
                fontweight="bold" if row == column else "normal",
            )  # fmt: skip
    axes.set(xlabel="read as", ylabel="written digit", xticks=range(10), yticks=range(10))
    axes.set_title(title)
    figure.colorbar(shown, ax=axes, label="mistakes (digits); the diagonal is right and not shaded")
    return as_png(figure)


def worst_mistakes(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], logs: NDArray[np.float32], title: str
) -> bytes:
    """Draw the 24 most confident mistakes with what was written, what was read and its probability.

    Parameters
    ----------
    images : (N, 28, 28) uint8 ndarray
    labels : (N,) uint8 ndarray
    logs : (N, 10) float32 ndarray
        Log probabilities.
    title : str

    Returns
    -------
    bytes
        PNG.
    """
    read = logs.argmax(axis=1)
    wrong = np.flatnonzero(read != labels)
    worst = wrong[np.argsort(-logs[wrong].max(axis=1))][:24]
    figure = new_figure(9.6, 7.2)
    grid = figure.subplots(4, 6).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, i in zip(grid, worst, strict=False):
        axes.imshow(images[i], cmap="gray_r", vmin=0, vmax=255)
        sure = 100 * float(np.exp(logs[i].max()))
        axes.set_title(f"{labels[i]} read as {read[i]}\n{sure:.1f} %", fontsize=10)
    figure.suptitle(f"{title}: the most confident of {len(wrong)} mistakes, written digit first")
    return as_png(figure)


def reliability_diagram(bins: Sequence[Bin], error: float, title: str) -> bytes:
    """Draw accuracy over confidence, and the number of digits in each bin.

    Parameters
    ----------
    bins : sequence of Bin
    error : float
        Calibration error, in [0, 1].
    title : str

    Returns
    -------
    bytes
        PNG.
    """
    figure = new_figure(5.6, 6.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    x = [100 * b.confidence for b in bins]
    upper.plot([0, 100], [0, 100], "--", color=_GREY, label="perfectly calibrated")
    upper.plot(x, [100 * b.accuracy for b in bins], "o-", color=BLUE, label="model")
    upper.set(ylabel="right (%)", ylim=(0, 103))
    upper.legend(loc="upper left")
    upper.set_title(f"{title}\ncalibration error {100 * error:.2f} points")
    lower.bar(x, [b.count for b in bins], width=50 / BINS, color=BLUE)
    lower.set(xlabel="confidence (%)", ylabel="digits", yscale="log", xlim=(0, 103))
    lower.yaxis.set_major_formatter("{x:,.0f}")
    lower.yaxis.set_minor_formatter("")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    return as_png(figure)


def full_circle(
    degrees: Sequence[float], accuracies: Sequence[float], confidences: Sequence[float], title: str
) -> bytes:
    """Draw accuracy and mean confidence over the turn of the digits.

    Parameters
    ----------
    degrees : sequence of float
        Counter-clockwise.
    accuracies, confidences : sequence of float
        In [0, 1], one for each turn.
    title : str

    Returns
    -------
    bytes
        PNG.
    """
    figure = new_figure(8, 4.2)
    axes = figure.subplots()
    axes.plot(degrees, [100 * a for a in accuracies], "o-", color=BLUE, label="right")
    axes.plot(degrees, [100 * c for c in confidences], "s--", color=ORANGE, label="mean confidence")
    axes.set(
        xlabel="turn (degrees, to the left)", ylabel="right, mean confidence (%)", ylim=(0, 103), xlim=(-180, 180),
        xticks=range(-180, 181, 45), title=title,
    )  # fmt: skip
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2)
    return as_png(figure)


def predictions(
    names: Sequence[str],
    inputs: Sequence[NDArray[np.uint8]],
    seen: NDArray[np.uint8],
    logs: NDArray[np.float32],
) -> bytes:
    """Draw each picture, what the network saw of it, and its ten probabilities.

    Parameters
    ----------
    names : sequence of str
    inputs : sequence of (h, w) uint8 ndarray
    seen : (N, 28, 28) uint8 ndarray
    logs : (N, 10) float32 ndarray
        Log probabilities.

    Returns
    -------
    bytes
        PNG.
    """
    rows = len(names)
    figure = new_figure(8.4, 2.1 * rows + 0.5)
    grid = figure.subplots(rows, 3, squeeze=False, width_ratios=(1, 1, 2))
    for row, name in enumerate(names):
        shares = 100 * np.exp(logs[row])
        first = int(shares.argmax())
        left, middle, right = grid[row]
        left.imshow(inputs[row], cmap="gray", vmin=0, vmax=255)
        left.set_title(_short(name), fontsize=9)
        middle.imshow(seen[row], cmap="gray", vmin=0, vmax=255)
        middle.set_title("as the network sees it, 28×28", fontsize=9)
        right.bar(range(10), shares, color=[ORANGE if d == first else BLUE for d in range(10)])
        right.set_title(f"{first}: {shares[first]:.2f} %", fontsize=9)
        right.set(ylim=(0, 105), xticks=range(10), ylabel="probability (%)")
        for axes in (left, middle):
            axes.set(xticks=[], yticks=[])
    grid[-1][2].set_xlabel("digit")
    return as_png(figure)


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"…{name[-25:]}"


def new_figure(width: float, height: float) -> Any:  # noqa: ANN401 (Matplotlib is an extra)
    """Return an empty figure.

    Parameters
    ----------
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def as_png(figure: Any) -> bytes:  # noqa: ANN401
    """Render a figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    bytes
        PNG.
    """
    out = io.BytesIO()
    figure.savefig(out, dpi=110, format="png")
    return out.getvalue()
