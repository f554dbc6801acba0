"""Compiled networks: the same whatever is beside in a batch, in any thread; and where they are missing or damaged."""

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from digitocr.errors import ModelError
from digitocr.networks.card import read_card, shipped_model
from digitocr.networks.classifier import load_classifier
from digitocr.networks.line_reader import CHANNELS, ROWS
from digitocr.networks.runtime import compiled_file, keras_call, load_call, load_network, runner


@pytest.fixture(scope="module")
def compiled():
    return compiled_file(shipped_model()).read_bytes()


@pytest.fixture(scope="module")
def digits():
    return np.random.default_rng(1).random((150, 28, 28, 1), dtype=np.float32) ** 4


def test_what_is_said_of_one_does_not_depend_on_the_others(compiled, digits):
    call = runner(compiled, 1)
    together = call(digits)
    np.testing.assert_array_equal(np.concatenate([call(one[None]) for one in digits[:20]]), together[:20])
    np.testing.assert_array_equal(call(digits[::-1].copy())[::-1], together)


def test_many_threads_are_answered_each_for_itself(compiled, digits):
    call = runner(compiled, 1)
    expected = call(digits)
    parts = [slice(k, k + 1 + k % 7) for k in range(0, 140, 5)] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda part: call(digits[part]), parts))
    for part, answer in zip(parts, answers, strict=True):
        np.testing.assert_array_equal(answer, expected[part])


def test_shipped_networks_are_compiled_from_what_lies_beside_them(digits):
    card = read_card(shipped_model())
    lines = shipped_model().with_name(card.line_reader)
    strips = np.random.default_rng(2).random((3, ROWS, 96, CHANNELS), dtype=np.float32)
    for model, sha256, batch in (
        (shipped_model(), card.compiled_sha256, digits),
        (lines, card.line_reader_compiled_sha256, strips),
    ):
        exact = keras_call(load_network(model))(batch)
        made = load_call(model, sha256, 1)(batch)
        assert np.abs(made - exact).mean() < 0.1 * exact.std()


def test_without_a_compiled_network_the_model_itself_is_compiled(tmp_path, digits):
    for suffix in (".keras", ".json"):
        shutil.copy(shipped_model().with_suffix(suffix), tmp_path)
    alone = load_classifier(tmp_path / shipped_model().name, 1)
    shipped = load_classifier(None, 1)
    np.testing.assert_allclose(alone.log_probabilities(digits), shipped.log_probabilities(digits), atol=1e-4)


def test_a_damaged_compiled_network_is_named(tmp_path):
    shutil.copy(shipped_model(), tmp_path / "m.keras")
    compiled_file(tmp_path / "m.keras").write_bytes(b"cut off")
    with pytest.raises(ModelError, match=r"m\.int8\.tflite is damaged"):
        load_call(tmp_path / "m.keras", hashlib.sha256(b"whole").hexdigest())


def test_one_that_cannot_be_run_is_named_as_well(tmp_path):
    shutil.copy(shipped_model(), tmp_path / "m.keras")
    compiled_file(tmp_path / "m.keras").write_bytes(b"no network at all")
    with pytest.raises(ModelError, match="cannot be run"):
        load_call(tmp_path / "m.keras", hashlib.sha256(b"no network at all").hexdigest())


@pytest.mark.parametrize("name", ["../x.keras", ".", "/etc/x.keras"])
def test_a_card_names_only_files_beside_it(tmp_path, name):
    shutil.copy(shipped_model(), tmp_path / "m.keras")
    card = json.loads(shipped_model().with_suffix(".json").read_text())
    (tmp_path / "m.json").write_text(json.dumps(card | {"line_reader": name}))
    with pytest.raises(ModelError, match="no name of a file beside it"):
        read_card(tmp_path / "m.keras")


def test_a_path_without_a_name_is_no_model():
    with pytest.raises(ModelError, match="no model at"):
        read_card(Path())


def test_a_network_of_another_shape_is_refused(tmp_path):
    card = read_card(shipped_model())
    for name in (card.line_reader, compiled_file(shipped_model().with_name(card.line_reader)).name):
        shutil.copy(shipped_model().with_name(name), tmp_path / name)
    text = shipped_model().with_suffix(".json").read_text()
    for of_digits, of_lines in (
        (card.sha256, card.line_reader_sha256),
        (card.compiled_sha256, card.line_reader_compiled_sha256),
    ):
        text = text.replace(of_digits, of_lines)
    (tmp_path / card.line_reader).with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match="does not map pictures"):
        load_classifier(tmp_path / card.line_reader)


def test_reading_needs_no_tensorflow():
    check = (
        "import sys; from digitocr.pipeline import load_reader; load_reader();"
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
