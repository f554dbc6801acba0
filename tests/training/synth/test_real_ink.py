"""Strings of real ink: only those in which it is known whose ink is whose."""

import cv2
import numpy as np

from digitocr.training.synth.real_ink import separated_strings


def crop(*shapes, bar=None):
    """Paper with slashes at (x, y, width, height), and a bar."""
    paper = np.full((64, 160), 200, np.uint8)
    for x, y, width, height in shapes:
        cv2.line(paper, (x, y + height - 1), (x + width - 1, y), 40, 2)
    if bar:
        x, y, width, height = bar
        paper[y : y + height, x : x + width] = 40
    return paper


def archive(path, crops, texts):
    np.savez(
        path,
        pixels=np.concatenate([c.ravel() for c in crops]),
        offsets=np.cumsum([0, *(c.size for c in crops)]),
        shapes=np.array([c.shape for c in crops], np.int16),
        pages=np.array([1] * len(crops) + [0], np.int64)[: len(crops)],
        digits=np.array(texts),
    )
    return path


def strings(tmp_path, picture, text):
    return separated_strings(archive(tmp_path / "a.npz", [picture], [text]), held_out=True)


def test_digits_apart_are_owned_from_left_to_right_and_dots_are_marks(tmp_path):
    picture = crop((40, 20, 8, 24), (56, 22, 9, 24), (80, 20, 8, 24), bar=(70, 42, 4, 4))
    (found,) = strings(tmp_path, picture, "407")
    assert found.text == "407"
    assert abs(found.height - 24) <= 2
    middles = [np.nonzero(found.owner == k)[1].mean() for k in (1, 2, 3)]
    assert middles == sorted(middles)
    assert (found.owner == -1).sum() == 16
    assert found.mask[found.owner > 0].min() > 90
    assert found.mask.shape == found.owner.shape


def test_other_counts_ruling_lines_and_a_single_1_are_left_out(tmp_path):
    one, other = (40, 20, 8, 24), (56, 22, 9, 24)
    assert not strings(tmp_path, crop(one, other), "407")
    assert not strings(tmp_path, crop(other, bar=(40, 12, 3, 40)), "17")
    assert not strings(tmp_path, crop(one, (120, 20, 8, 24)), "42")
    assert not strings(tmp_path, crop(one), "1")
    assert len(strings(tmp_path, crop(one, other, bar=(10, 0, 4, 64)), "42")) == 1
