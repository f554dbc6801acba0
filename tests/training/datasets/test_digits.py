"""Digits from wherever they come, and what is said where they cannot be had."""

import gzip
import struct

import cv2
import numpy as np
import pytest

from digitocr.errors import UsageError
from digitocr.training.datasets.digits import load_dataset


def write_idx(path, array, *, packed):
    rank = array.ndim
    raw = struct.pack(f">{1 + rank}I", 2048 + rank, *array.shape) + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if packed else raw)


def write_folders(folder, digits, names="0123456789"):
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        image = 255 - digits.images[digits.labels == k % 10][0]
        cv2.imwrite(
            str(folder / name / "a.png"), cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC)
        )


def test_npz_with_and_without_a_test_part(npz, digits, tmp_path):
    data = load_dataset(str(npz))
    assert len(data.train) == 2000
    assert len(data.measured) == 300
    np.savez(tmp_path / "all.npz", x=digits.images[:50, ..., None] / 255.0, y=digits.labels[:50])
    whole = load_dataset(str(tmp_path / "all.npz"))
    assert whole.test is None
    np.testing.assert_array_equal(whole.measured.images, digits.images[:50])
    assert len(data.sha256) == 64


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files(packed, digits, tmp_path):
    for part, count in (("train", 40), ("t10k", 10)):
        suffix = ".gz" if packed else ""
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", digits.images[:count], packed=packed)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", digits.labels[:count], packed=packed)
    data = load_dataset(str(tmp_path))
    np.testing.assert_array_equal(data.train.images, digits.images[:40])
    np.testing.assert_array_equal(data.measured.labels, digits.labels[:10])
    (tmp_path / f"t10k-labels-idx1-ubyte{suffix}").unlink()
    with pytest.raises(UsageError, match="t10k-labels"):
        load_dataset(str(tmp_path))


def test_a_folder_per_digit(digits, tmp_path):
    write_folders(tmp_path, digits)
    cv2.imwrite(str(tmp_path / "3" / "blank.png"), np.full((40, 40), 255, np.uint8))
    (tmp_path / "4" / "notes.txt").write_text("not a picture")
    told = []
    data = load_dataset(str(tmp_path), told.append)
    assert sorted(data.train.labels.tolist()) == list(range(10))
    assert data.test is None
    assert len(told) == 2
    assert "blank.png" in told[0]


def test_a_folder_that_is_not_named_for_a_digit(digits, tmp_path):
    write_folders(tmp_path, digits, ["0", "1", "eleven"])
    with pytest.raises(UsageError, match="eleven"):
        load_dataset(str(tmp_path))


def test_what_holds_no_digits_is_said(tmp_path):
    with pytest.raises(UsageError, match="no pictures"):
        load_dataset(str(tmp_path))
    with pytest.raises(UsageError, match="no data"):
        load_dataset(str(tmp_path / "nowhere"))
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(UsageError, match=r"bad\.npz"):
        load_dataset(str(tmp_path / "bad.npz"))
    np.savez(tmp_path / "small.npz", x=np.zeros((4, 16, 16), np.uint8), y=np.zeros(4, np.uint8))
    with pytest.raises(UsageError, match="16, 16"):
        load_dataset(str(tmp_path / "small.npz"))
    np.savez(tmp_path / "letters.npz", x=np.zeros((1, 28, 28), np.uint8), y=np.array([11]))
    with pytest.raises(UsageError, match="0 to 9"):
        load_dataset(str(tmp_path / "letters.npz"))


def test_mnist_that_is_nowhere_names_both_ways(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITOCR_DATA", str(tmp_path))
    monkeypatch.delenv("DIGITOCR_MNIST", raising=False)

    def no_network(*_args, **_kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.datasets.mnist.load_data", no_network)
    with pytest.raises(UsageError) as caught:
        load_dataset("mnist")
    assert "DIGITOCR_MNIST" in str(caught.value)
    assert "download" in str(caught.value)
