"""ONNX models as they are shipped: graphs without idle nodes, weights in half precision, networks of Keras exported."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_HALVED = 32
"""Smaller tensors of weights stay in single precision."""


def without_identities(graph: Any, named: Collection[str]) -> None:  # noqa: ANN401 (onnx ships no types)
    """Remove the nodes that pass a tensor on as it is.

    Parameters
    ----------
    graph : onnx.GraphProto
        Is changed.
    named : collection of str
        Tensors that are taken out of the graph: they keep their names.
    """
    source: dict[str, str] = {}
    kept = []
    last = graph.output[0].name
    for node in graph.node:
        node.input[:] = [source.get(name, name) for name in node.input]
        if node.op_type == "Identity" and (node.output[0] != last or last in named):
            source[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    names = {source[name]: name for name in named if name in source}
    for node in kept:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    del graph.node[:]
    graph.node.extend(kept)


def halve(graph: Any) -> None:  # noqa: ANN401
    """Store weights in half precision; they are widened once, when the network is loaded.

    Parameters
    ----------
    graph : onnx.GraphProto
        Is changed.
    """
    import onnx

    used = {name for node in graph.node for name in node.input}
    tensors, widened = [], []
    for tensor in graph.initializer:
        if tensor.name not in used:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST_HALVED:
            tensors.append(tensor)
            continue
        half = f"{tensor.name}.half"
        tensors.append(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        widened.append(onnx.helper.make_node("Cast", [half], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = [*widened, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(tensors)
    graph.node.extend(nodes)


def exported(model: Any, sample: NDArray[np.float32] | Sequence[NDArray[np.float32]]) -> bytes:  # noqa: ANN401
    """Export a network of Keras to ONNX, with its weights in half precision.

    Parameters
    ----------
    model : keras.Model
    sample : ndarray or sequence of ndarray
        What it may be given.

    Returns
    -------
    bytes
    """
    import onnx

    model(sample)  # Keras exports only what was called once
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.onnx"
        model.export(str(path), format="onnx", verbose=False)
        found = onnx.load(str(path))
    _without_erfc(found.graph)
    halve(found.graph)
    return bytes(found.SerializeToString())


def _without_erfc(graph: Any) -> None:  # noqa: ANN401
    """Write the complementary error function, which ONNX lacks, as one minus the error function."""
    import onnx

    nodes = []
    for node in graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        inner = f"{node.output[0]}/erf"
        nodes += [
            onnx.helper.make_node("Erf", list(node.input), [inner]),
            onnx.helper.make_node("Sub", ["one", inner], list(node.output)),
        ]
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(1, dtype=np.float32), "one"))
    del graph.node[:]
    graph.node.extend(nodes)
