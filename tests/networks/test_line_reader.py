"""The line reader's batches and its file."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.line_reader import WIDTH_STEP, LineReader, load_line_reader


def test_strips_of_all_lengths_come_back_in_order_in_few_shapes():
    shapes = set()

    def call(batch):
        shapes.add(batch.shape)
        frames = batch.shape[2] // 4
        logits = np.zeros((len(batch), frames, 11), np.float32)
        logits[..., 3] = batch[:, 0, ::4, 0] * 100
        return logits

    rng = np.random.default_rng(1)
    strips = [np.full((32, 4 * int(rng.integers(2, 90)), 2), k, np.uint8) for k in range(96)]
    found = LineReader(call).frames(strips)
    assert [len(f) for f in found] == [s.shape[1] // 4 for s in strips]
    sure = [float(f[0, 3]) for f in found]
    assert sure == sorted(sure), "each strip got its own frames"
    assert all(width % WIDTH_STEP == 0 for _, _, width, _ in shapes)
    assert len(shapes) <= 24
    assert all(np.allclose(f.sum(axis=1), 1) for f in found)


def test_no_strips_no_frames():
    assert LineReader(lambda batch: batch).frames([]) == []


@pytest.fixture
def card():
    return replace(read_card(shipped_model()), line_reader="lines.keras", line_reader_sha256="0" * 64)


def test_a_model_without_a_line_reader_has_none(tmp_path, card):
    assert load_line_reader(tmp_path / "digits.keras", replace(card, line_reader="")) is None


def test_a_missing_line_reader_is_named(tmp_path, card):
    with pytest.raises(ModelError, match=r"no line reader at .*lines\.keras"):
        load_line_reader(tmp_path / "digits.keras", card)


def test_a_damaged_line_reader_is_named(tmp_path, card):
    (tmp_path / "lines.keras").write_bytes(b"not a network")
    with pytest.raises(ModelError, match="damaged"):
        load_line_reader(tmp_path / "digits.keras", card)
    sha256 = hashlib.sha256(b"not a network").hexdigest()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_line_reader(tmp_path / "digits.keras", replace(card, line_reader_sha256=sha256))
