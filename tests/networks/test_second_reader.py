"""The second reader: its files, its pictures, and that nothing but them is needed."""

import dataclasses
import hashlib
import json
import shutil
import socket

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.second_reader import LEAST_WIDTH, load_second_reader, padded, second_in_use

MODEL = shipped_model()
CARD = read_card(MODEL)


def picture(width):
    return np.full((48, width), 200, np.uint8)


def test_pictures_are_scaled_and_padded_with_zeros_on_the_right():
    (made,) = padded([picture(30)])
    assert made.shape == (3, 48, LEAST_WIDTH)
    assert made[:, :, :30] == pytest.approx(200 / 127.5 - 1)
    assert (made[:, :, 30:] == 0).all()


def test_wide_pictures_widen_the_batch():
    assert padded([picture(30), picture(LEAST_WIDTH + 1)]).shape == (2, 3, 48, LEAST_WIDTH + 32)


@pytest.fixture(scope="module")
def reader():
    return load_second_reader(MODEL, CARD.second, 1)


def test_what_is_read_depends_on_no_other_picture(reader):
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (48, width)).astype(np.uint8) for width in (40, 300, 90, 41)]
    together = reader.frames(pictures)
    for one, frames in zip(pictures, together, strict=True):
        assert frames.own.shape[1] == frames.authors.shape[1] == 11
        assert len(frames.own) == -(-one.shape[1] // 4) + 1
        assert frames.own.sum(axis=1) == pytest.approx(1, abs=1e-4)
        assert frames.authors.sum(axis=1) == pytest.approx(1, abs=1e-4)
        (alone,) = reader.frames([one])
        assert alone.own == pytest.approx(frames.own, abs=1e-3)


def test_of_no_pictures_nothing_is_read(reader):
    assert reader.frames([]) == []


def test_it_needs_no_network(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    load_second_reader(MODEL, CARD.second, 1).frames([picture(60)])


def test_without_one_of_its_files_it_is_not_in_use(tmp_path):
    model = tmp_path / MODEL.name
    for name in CARD.second_files:
        assert second_in_use(model, CARD) is None
        shutil.copy(MODEL.with_name(name), tmp_path)
    assert second_in_use(model, CARD) == CARD.second
    assert second_in_use(model, dataclasses.replace(CARD, second=None)) is None


def test_a_damaged_file_is_refused(tmp_path):
    for name in CARD.second_files:
        shutil.copy(MODEL.with_name(name), tmp_path)
    (tmp_path / CARD.second.head).write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="damaged"):
        load_second_reader(tmp_path / MODEL.name, CARD.second)


def test_shipped_files_are_those_of_their_cards():
    for name in CARD.second_files:
        path = MODEL.with_name(name)
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card["sha256"]
        assert card["licence"] == "Apache-2.0"
        assert path.stat().st_size < 10_000_000
