"""Take the pre-trained reader out of its wheel: cut to digits, its weights in half precision.

Run as ``python -m digitocr.training.pretrained WHEEL``; ``pip download --no-deps rapidocr==3.10.0`` fetches the wheel.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitocr.errors import ModelError
from digitocr.training.fit.cards import write_network
from digitocr.training.onnx_graphs import halve, without_identities

MEMBER = "rapidocr/models/PP-OCRv6_rec_small.onnx"
"""The network within the wheel."""

SHA256 = "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
"""Of that network."""

SHARED = "p2o.pd_op.add.51.0"
"""Tensor after the blocks of 192 channels, of shape ``(N, 192, 6, w / 4)``: what our own head builds on."""


def cut(network: bytes) -> bytes:
    """Cut a network to the ten digits and the blank, with weights in half precision.

    Parameters
    ----------
    network : bytes
        The ONNX model: lines in, probabilities of 18,710 characters for each frame out.

    Returns
    -------
    bytes
        An ONNX model of the input ``lines`` (N, 3, 48, w) and of the outputs ``features``, the tensor `SHARED`, and
        ``frames`` (N, w / 8, 11): for each frame the probabilities of the ten digits and of no digit.
    """
    import onnx

    model = onnx.load_model_from_string(network)
    graph = model.graph
    without_identities(graph, {SHARED})
    _cut_to_digits(onnx, model)
    names = {graph.input[0].name: "lines", SHARED: "features", graph.output[0].name: "frames"}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    tensor, real = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    del graph.input[:], graph.output[:], graph.value_info[:], model.metadata_props[:]
    graph.input.append(tensor("lines", real, ["N", 3, 48, "w"]))
    graph.output.append(tensor("features", real, ["N", 192, 6, "w4"]))
    graph.output.append(tensor("frames", real, ["N", "w8", 11]))
    halve(graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _cut_to_digits(onnx: Any, model: Any) -> None:  # noqa: ANN401 (onnx ships no types)
    """Keep of the last layer the ten digits and, last, the blank."""
    characters = next(p.value for p in model.metadata_props if p.key == "character").splitlines()
    kept = [*(1 + characters.index(digit) for digit in "0123456789"), 0]
    weights, bias = model.graph.node[-3], model.graph.node[-2]
    for name in (weights.input[1], bias.input[1]):
        tensor = next(one for one in model.graph.initializer if one.name == name)
        whole = onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(whole[..., kept]), name))


def read(wheel: Path, member: str = MEMBER, sha256: str = SHA256) -> bytes:
    """Read a network out of its wheel.

    Parameters
    ----------
    wheel : Path
    member : str
        The network within the wheel.
    sha256 : str
        Of that network.

    Returns
    -------
    bytes
        The ONNX model as released.

    Raises
    ------
    ModelError
        If the wheel does not hold it.
    """
    hint = "fetch it with `pip download --no-deps rapidocr==3.10.0`"
    try:
        with zipfile.ZipFile(wheel) as archive:
            network = archive.read(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel} does not hold {member}: {error}", hint=hint) from None
    if hashlib.sha256(network).hexdigest() != sha256:
        raise ModelError(f"{member} in {wheel} is not the released one", hint=hint)
    return network


def last_blocks(network: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the network's convolutions, those of its last blocks among them.

    Parameters
    ----------
    network : bytes
        The ONNX model as released.

    Returns
    -------
    dict of str to ndarray
        By kind and place in the network: ``conv33.w``, ``conv33.b``, ``depthwise10.w`` and so on.
    """
    import onnx

    graph = onnx.load_model_from_string(network).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    found = {}
    for node, after in pairwise(graph.node):
        if node.op_type == "Conv" and after.op_type == "Add":
            kind, place = node.output[0].removeprefix("p2o.pd_op.").split(".")[:2]
            name = f"{kind.removesuffix('_conv2d').replace('conv2d', 'conv')}{place}"
            found[f"{name}.w"], found[f"{name}.b"] = stored[node.input[1]], stored[after.input[1]]
    return found


def lower_blocks(base: bytes) -> bytes:
    """Return the part of the cut network that gives the features, without its authors' head.

    Parameters
    ----------
    base : bytes
        As :func:`cut` returns it.

    Returns
    -------
    bytes
        An ONNX model.
    """
    import onnx
    from onnx.utils import Extractor

    whole = onnx.load_model_from_string(base)
    return bytes(Extractor(whole).extract_model(["lines"], ["features"]).SerializeToString())


def take(wheel: Path, output: Path) -> None:
    """Take the network out of its wheel and write it with its card.

    Parameters
    ----------
    wheel : Path
    output : Path
        The ``.onnx`` file.
    """
    network = read(wheel)
    made = cut(network)
    write_network(
        output,
        made,
        {
            "input": "(N, 3, 48, w) float32 in [-1, 1]: lines of grey, dark on light, 0 where padded"
            " (digitocr.networks.second_reader)",
            "output": "frames (N, w / 8, 11): probabilities of the ten digits and of none; features (N, 192, 6, w / 4)",
            "credit": "PP-OCRv6 small recognition, by the PaddlePaddle authors, as released in RapidOCR 3.10.0",
            "changed": "last layer cut to the ten digits and the blank; one more output; weights in half precision",
            "source": {"file": MEMBER, "sha256": SHA256},
            "command": "python -m digitocr.training.pretrained rapidocr-3.10.0-py3-none-any.whl",
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m digitocr.training.pretrained", description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--output", type=Path, default=Path("models/second.onnx"))
    arguments = parser.parse_args(argv)
    take(arguments.wheel, arguments.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
