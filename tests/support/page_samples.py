"""A tiny detector and head of the page network, and pages to look at."""

import numpy as np
import onnx

from digitocr.networks.page_network import CHANNELS, FEATURES
from digitocr.training.pretrained_page import TENSORS


def tiny_detector():
    """A network with the tensors of the real one: means of patches, spread over channels, and layers behind them."""
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    rng, nodes, weights = np.random.default_rng(2), [], []
    for tensor, channels in zip(TENSORS, CHANNELS, strict=True):
        kernel = (rng.normal(size=(channels, 3, 4, 4)) / 7).astype(np.float32)
        weights.append(onnx.numpy_helper.from_array(kernel, f"{tensor}.w"))
        nodes += [
            node("Conv", ["x", f"{tensor}.w"], [f"{tensor}.inner"], kernel_shape=[4, 4], strides=[4, 4]),
            node("Identity", [f"{tensor}.inner"], [tensor]),
        ]
    nodes.append(node("ReduceMean", [TENSORS[0]], ["mean"], axes=[1], keepdims=1))
    nodes.append(node("Sigmoid", ["mean"], ["text"]))
    real = onnx.TensorProto.FLOAT
    inputs, outputs = [info("x", real, ["N", 3, "H", "W"])], [info("text", real, ["N", 1, "h", "w"])]
    graph = onnx.helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    opsets = [onnx.helper.make_opsetid("", 11)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=7).SerializeToString()


def features_of(network, pages):
    """What a cut detector gives for pages."""
    from digitocr.networks.second_reader import session

    return session(network, 1).run(list(FEATURES), {"pages": pages})
