"""Take the pre-trained detector of text out of its wheel: cut to its features, its weights in half precision.

Run as ``python -m digitocr.training.pretrained_page WHEEL``; ``pip download --no-deps rapidocr==3.10.0`` fetches the
wheel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from digitocr.networks.page_network import CHANNELS, FEATURES
from digitocr.training import pretrained
from digitocr.training.fit.cards import write_network
from digitocr.training.onnx_graphs import halve, without_identities

MEMBER = "rapidocr/models/PP-OCRv6_det_small.onnx"
"""The network within the wheel."""

SHA256 = "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
"""Of that network."""

TENSORS = ("p2o.pd_op.concat.1.0", "p2o.pd_op.add.78.0", "p2o.pd_op.add.14.0")
"""Its tensors that are `FEATURES`: the four levels joined before its last convolutions, the top-down sum of all levels
at a quarter of the picture's size, and what the first lateral convolution is given."""


def cut(network: bytes) -> bytes:
    """Cut a network to its features, with weights in half precision; nothing behind them is kept.

    Parameters
    ----------
    network : bytes
        The ONNX model: pictures in, for each pixel the probability of text out.

    Returns
    -------
    bytes
        An ONNX model of the input ``pages`` (N, 3, H, W), H and W multiples of 32, and of the outputs `FEATURES`, each
        of shape (N, channels, H / 4, W / 4).
    """
    import onnx
    from onnx.utils import Extractor

    whole = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(network))
    given = whole.graph.input[0].name
    model = Extractor(whole).extract_model([given], list(TENSORS))
    graph = model.graph
    without_identities(graph, TENSORS)
    names = {given: "pages", **dict(zip(TENSORS, FEATURES, strict=True))}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    tensor, real = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    del graph.input[:], graph.output[:], graph.value_info[:], model.metadata_props[:]
    graph.input.append(tensor("pages", real, ["N", 3, "H", "W"]))
    for name, channels in zip(FEATURES, CHANNELS, strict=True):
        graph.output.append(tensor(name, real, ["N", channels, "h", "w"]))
    halve(graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def take(wheel: Path, output: Path) -> bytes:
    """Take the network out of its wheel and write it with its card.

    Parameters
    ----------
    wheel : Path
    output : Path
        The ``.onnx`` file.

    Returns
    -------
    bytes
        What was written.
    """
    made = cut(pretrained.read(wheel, MEMBER, SHA256))
    write_network(
        output,
        made,
        {
            "input": "(N, 3, H, W) float32 in [-1, 1]: blue, green, red; H and W multiples of 32"
            " (digitocr.networks.page_network)",
            "output": ", ".join(
                f"{n} (N, {c}, H / 4, W / 4)" for n, c in zip(FEATURES, CHANNELS, strict=True)
            ),
            "credit": "PP-OCRv6 small detection, by the PaddlePaddle authors, as released in RapidOCR 3.10.0",
            "changed": "cut to three tensors before its last layers; weights in half precision",
            "source": {"file": MEMBER, "sha256": SHA256},
            "command": "python -m digitocr.training.pretrained_page rapidocr-3.10.0-py3-none-any.whl",
        },
    )
    return made


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m digitocr.training.pretrained_page", description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--output", type=Path, default=Path("training-out/page.onnx"))
    arguments = parser.parse_args(argv)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    take(arguments.wheel, arguments.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
