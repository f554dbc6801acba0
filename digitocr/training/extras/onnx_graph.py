"""A Keras network as an ONNX graph, layer by layer, for the layers our architectures are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr import __version__
from digitocr.errors import UsageError
from digitocr.networks.card import L2_COLUMNS, ModelCard

OPSET = 17
"""Version of the operators, that of 2022: understood by every runtime still in use."""

_IR_VERSION = 8


class _Graph:
    """Nodes in the order they are added; each takes what the last one gave."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "image"

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, inputs: Sequence[str] | None = None, **attributes: Any) -> str:  # noqa: ANN401
        """Add a node and return the name of its output."""
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(operator, inputs or [self.last], [name], **attributes))
        self.last = name
        return name


def onnx_bytes(network: Any, card: ModelCard) -> bytes:  # noqa: ANN401 (Keras ships no types)
    """Write a network as an ONNX model from ``(N, 28, 28, 1)`` in [0, 1] to probabilities.

    Parameters
    ----------
    network : keras.Model
        Layers one after another.
    card : ModelCard

    Raises
    ------
    UsageError
        It has a layer that is not known here.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    if card.scaling == L2_COLUMNS:
        _divide_by_norm(graph)
    graph.add("Transpose", perm=[0, 3, 1, 2])
    for layer in network.layers:
        kind = type(layer).__name__
        if kind not in _LAYERS:
            raise UsageError(
                f"a layer {kind} cannot be written as ONNX here", hint="export to savedmodel or tflite"
            )
        _LAYERS[kind](graph, layer)
    if card.output == "logits":
        graph.add("Softmax", axis=-1)
    graph.nodes[-1].output[0] = "probabilities"
    entry = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 28, 28, 1])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(card.classes)])
    made = helper.make_model(
        helper.make_graph(graph.nodes, card.name, [entry], [answer], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="digitocr",
        producer_version=__version__,
    )
    made.ir_version = _IR_VERSION
    checker.check_model(made)
    return bytes(made.SerializeToString())


def _divide_by_norm(graph: _Graph) -> None:
    image = graph.last
    norm = graph.add("ReduceL2", axes=[1], keepdims=1)
    zero, one = (graph.constant(np.array(v, np.float32)) for v in (0, 1))
    empty = graph.add("Equal", [norm, zero])
    graph.add("Div", [image, graph.add("Where", [empty, one, norm])])


def _weights(layer: Any) -> list[NDArray[np.float32]]:  # noqa: ANN401
    return [np.asarray(w, np.float32) for w in layer.get_weights()]


def _activation(graph: _Graph, layer: Any) -> None:  # noqa: ANN401
    name = layer.activation.__name__
    if name == "relu":
        graph.add("Relu")
    elif name == "softmax":
        graph.add("Softmax", axis=-1)
    elif name != "linear":
        raise UsageError(
            f"an activation {name} cannot be written as ONNX here", hint="export to savedmodel or tflite"
        )


def _conv(graph: _Graph, layer: Any) -> None:  # noqa: ANN401
    kernel, *bias = _weights(layer)
    inputs = [graph.last, graph.constant(kernel.transpose(3, 2, 0, 1)), *(graph.constant(b) for b in bias)]
    padding = {"same": "SAME_UPPER", "valid": "VALID"}[layer.padding]
    graph.add("Conv", inputs, strides=list(layer.strides), auto_pad=padding)
    _activation(graph, layer)


def _pool(graph: _Graph, layer: Any) -> None:  # noqa: ANN401
    padding = {"same": "SAME_UPPER", "valid": "VALID"}[layer.padding]
    graph.add("MaxPool", kernel_shape=list(layer.pool_size), strides=list(layer.strides), auto_pad=padding)


def _normalisation(graph: _Graph, layer: Any) -> None:  # noqa: ANN401
    parts = [graph.constant(w) for w in _weights(layer)]
    graph.add("BatchNormalization", [graph.last, *parts], epsilon=float(layer.epsilon))


def _flatten(graph: _Graph, _layer: Any) -> None:  # noqa: ANN401
    # Keras keeps channels last, and flattens in that order
    graph.add("Transpose", perm=[0, 2, 3, 1])
    graph.add("Flatten", axis=1)


def _dense(graph: _Graph, layer: Any) -> None:  # noqa: ANN401
    graph.add("Gemm", [graph.last, *(graph.constant(w) for w in _weights(layer))])
    _activation(graph, layer)


def _relu(graph: _Graph, _layer: Any) -> None:  # noqa: ANN401
    graph.add("Relu")


def _nothing(_graph: _Graph, _layer: Any) -> None:  # noqa: ANN401
    """Leave out what does nothing once a network is trained."""


_LAYERS: Mapping[str, Callable[[_Graph, Any], None]] = {
    "InputLayer": _nothing,
    "Dropout": _nothing,
    "Conv2D": _conv,
    "MaxPooling2D": _pool,
    "BatchNormalization": _normalisation,
    "ReLU": _relu,
    "Flatten": _flatten,
    "Dense": _dense,
}
