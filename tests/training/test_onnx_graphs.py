"""ONNX models as they are shipped."""

import numpy as np
import onnx
import pytest

from digitocr.networks.second_reader import session
from digitocr.training.onnx_graphs import exported, halve, without_identities


def small_network():
    """Twice two identities around a product: what is named ``wanted`` passes through one of them."""
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    weights = onnx.numpy_helper.from_array(np.linspace(0.1, 5, 64, dtype=np.float32), "weights")
    nodes = [
        node("Mul", ["x", "weights"], ["inner"]),
        node("Identity", ["inner"], ["wanted"]),
        node("Relu", ["wanted"], ["positive"]),
        node("Identity", ["positive"], ["y"]),
    ]
    real = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes, "small", [info("x", real, [64])], [info("y", real, [64])], [weights]
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


def test_without_identities_a_tensor_keeps_its_name():
    network = small_network()
    without_identities(network.graph, {"wanted"})
    assert [node.op_type for node in network.graph.node] == ["Mul", "Relu", "Identity"]
    assert network.graph.node[0].output[0] == "wanted"


def test_halved_weights_weigh_half_and_say_nearly_the_same():
    network = small_network()
    x = np.linspace(-1, 1, 64, dtype=np.float32)
    (before,) = session(network.SerializeToString()).run(None, {"x": x})
    halve(network.graph)
    (after,) = session(network.SerializeToString()).run(None, {"x": x})
    assert np.allclose(before, after, rtol=1e-3)
    assert network.graph.initializer[0].data_type == onnx.TensorProto.FLOAT16


@pytest.mark.filterwarnings("ignore")
def test_an_exported_network_says_what_keras_says():
    import keras

    given = keras.Input((4, None), name="given")
    model = keras.Model(given, keras.layers.Dense(40, activation="gelu")(keras.layers.Permute((2, 1))(given)))
    x = np.random.default_rng(1).normal(size=(2, 4, 9)).astype(np.float32)
    (found,) = session(exported(model, x)).run(None, {"given": x})
    assert np.allclose(found, model(x), atol=1e-3)
