"""The recipe of the shipped networks."""

import json

import pytest

from digitocr.training import shipped


class Network:
    def save(self, path):
        path.write_bytes(b"weights")


def test_what_is_trained_is_not_trained_again(tmp_path):
    runs = []

    def train():
        runs.append(1)
        return Network()

    paths = [shipped._kept(tmp_path / "checkpoint-1", train) for _ in range(2)]
    assert paths == [tmp_path / "checkpoint-1.keras"] * 2
    assert paths[0].read_bytes() == b"weights"
    assert runs == [1]


def test_a_network_that_could_not_be_kept_is_trained_again(tmp_path):
    class Broken:
        def save(self, path):
            path.write_bytes(b"wei")
            raise OSError(28, "no space left on device")

    with pytest.raises(OSError, match="no space"):
        shipped._kept(tmp_path / "checkpoint-1", Broken)
    assert shipped._kept(tmp_path / "checkpoint-1", Network).read_bytes() == b"weights"


def test_a_card_keeps_how_its_networks_were_trained_through_calibrations(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "load_network", lambda path: path.name)
    trained = {"version": "1", "command": "python -m digitocr.training.shipped --seed 7", "seconds": 4000}
    card = tmp_path / "digits.json"
    for known in (trained, {"version": "2", "command": "other", "seconds": 5, "trained": trained}):
        card.write_text(json.dumps({**known, "line_reader": "digits-lines.keras"}))
        *networks, kept = shipped._of_model(tmp_path / "digits.keras")
        assert networks == ["digits.keras", "digits-lines.keras"]
        assert kept == {"trained": trained}
