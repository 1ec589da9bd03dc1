"""Put the trained networks into one ONNX file whose answer is the mean of theirs.

Normalisations are folded into the convolutions, the heads for sex and ethnicity left out. The graph
is written node by node, so that it depends on no exporter. A network that takes smaller chips than
the file gets them resized in the graph.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import torch
from network import CLASSES, AgeNetwork, Block
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parent / "age-v2.onnx"
OPSET: Final = 18
IR_VERSION: Final = 10


class Graph:
    """Nodes and weights, collected in their order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: NDArray[np.float32 | np.int64]) -> str:
        """Add a constant; its name.

        Subnormal numbers become 0: against a sum of ordinary size they add nothing, and many
        processors multiply them slowly.
        """
        if values.dtype == np.float32:
            values = np.where(np.abs(values) < np.finfo(np.float32).smallest_normal, 0, values)
            values = values.astype(np.float32)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, name: str, inputs: Iterable[str], **attributes: object) -> str:
        """Add a node whose one output has the node's own name; that name."""
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def conv(self, x: str, name: str, conv: torch.nn.Conv2d, norm: torch.nn.BatchNorm2d) -> str:
        """A convolution with its normalisation folded in; computed in float64."""
        assert norm.running_mean is not None and norm.running_var is not None  # noqa: PT018
        scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weights = conv.weight.double() * scale[:, None, None, None]
        bias = norm.bias.double() - norm.running_mean.double() * scale
        inputs = [
            x,
            self.weight(f"{name}_weights", weights.float().numpy()),
            self.weight(f"{name}_bias", bias.float().numpy()),
        ]
        return self.node(
            "Conv",
            name,
            inputs,
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=[int(p) for p in (*conv.padding, *conv.padding)],
        )

    def block(self, x: str, name: str, block: Block, side: int) -> tuple[str, int]:
        """A residual block; its output's name and side."""
        y = self.conv(x, f"{name}_first", block.conv1, block.norm1)
        y = self.node("Relu", f"{name}_first_relu", [y])
        y = self.conv(y, f"{name}_second", block.conv2, block.norm2)
        if block.halves:
            shortcut, branch = side // 2, (side - 3) // 2 + 1
            x = self.node("AveragePool", f"{name}_pool", [x], kernel_shape=[2, 2], strides=[2, 2])
            more = block.conv2.out_channels - block.conv1.in_channels
            x = self._padded(x, f"{name}_shortcut", [0, 0, 0, 0, 0, more, 0, 0])
            if shortcut > branch:
                ends = [0, 0, shortcut - branch, shortcut - branch]
                y = self._padded(y, f"{name}_branch", [0, 0, 0, 0, *ends])
            side = shortcut
        y = self.node("Add", f"{name}_sum", [x, y])
        return self.node("Relu", f"{name}_relu", [y]), side

    def _padded(self, x: str, name: str, pads: list[int]) -> str:
        ends = self.weight(f"{name}_pads", np.array(pads, dtype=np.int64))
        return self.node("Pad", f"{name}_padded", [x, ends], mode="constant")

    def network(self, x: str, name: str, network: AgeNetwork, side: int) -> str:
        """The probabilities of one network for chips of ``side`` pixels."""
        x = self.node("Relu", f"{name}_stem_relu", [self.conv(x, f"{name}_stem", *_stem(network))])
        x = self.node("MaxPool", f"{name}_stem_pool", [x], kernel_shape=[3, 3], strides=[2, 2])
        side = ((side - 7) // 2 + 1 - 3) // 2 + 1
        for index, block in enumerate(network.blocks):
            assert isinstance(block, Block)
            x, side = self.block(x, f"{name}_block{index}", block, side)
        x = self.node("GlobalAveragePool", f"{name}_mean", [x])
        x = self.node("Flatten", f"{name}_features", [x], axis=1)
        head = [
            self.weight(f"{name}_head_weights", network.age.weight.numpy()),
            self.weight(f"{name}_head_bias", network.age.bias.numpy()),
        ]
        x = self.node("Gemm", f"{name}_logits", [x, *head], transB=1)
        return self.node("Softmax", f"{name}_probabilities", [x], axis=1)

    def resized(self, x: str, name: str, small: int) -> str:
        """Chips made ``small``: each place from the two nearest of the larger chip.

        Chips have whole coordinates at the centres of their pixels and start together. Not a
        product of matrices: onnxruntime packs what it multiplies on its stack and leaves it there,
        and here that would be pixels.
        """
        sides = self.weight(f"{name}_sides", np.array([small, small], dtype=np.int64))
        return self.node(
            "Resize",
            f"{name}_smaller",
            [x, "", "", sides],
            mode="linear",
            coordinate_transformation_mode="asymmetric",
            axes=[2, 3],
        )


def _stem(network: AgeNetwork) -> tuple[torch.nn.Conv2d, torch.nn.BatchNorm2d]:
    return network.stem, network.norm


def build(networks: dict[str, tuple[AgeNetwork, int]], side: int) -> onnx.ModelProto:
    """The ONNX model.

    Args:
        networks: By name: the network and the side of its chips.
        side: Side of the chips that the file takes.
    """
    graph = Graph()
    answers = []
    for name, (network, own) in networks.items():
        x = "images" if own == side else graph.resized("images", name, own)
        answers.append(graph.network(x, name, network, own))
    graph.node("Mean", "probabilities", answers)
    made = helper.make_graph(
        graph.nodes,
        "age-v2",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, side, side])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", CLASSES])],
        graph.weights,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


def averaged(path: Path) -> AgeNetwork:
    """The averaged weights of a training's state, ready to be used."""
    state = torch.load(path, weights_only=True)["average"]
    network = AgeNetwork(dropout=0.0, drop_path=0.0)
    network.load_state_dict(state)
    return network.eval().requires_grad_(requires_grad=False)


def write(document: Mapping[str, Any], work: Path, target: Path) -> None:
    """Write the ONNX file.

    Args:
        document: ``config.toml``.
        work: Where the trained networks lie.
        target: The file.
    """
    entries = document["export"]
    networks = {
        name: (averaged(work / f"{name}.pt"), document["network"][name]["side"])
        for name in entries["networks"]
    }
    content = build(networks, entries["side"]).SerializeToString(deterministic=True)
    target.write_bytes(content)
    print(f"{target.name}: {len(content):,} bytes")
