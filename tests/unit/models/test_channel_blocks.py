"""Whole blocks of channels: the same answers from a network without a ``Pad``."""

from __future__ import annotations

from typing import Any

import pytest

from .build_scripts import build_script

np = pytest.importorskip("numpy")
_REASON = "only needed to build the models"
onnx = pytest.importorskip("onnx", reason=_REASON)
reference = pytest.importorskip("onnx.reference", reason=_REASON)


@pytest.fixture(scope="module")
def blocks() -> Any:
    return build_script("channel_blocks")


class Network:
    """Nodes and random constants; every node is called as what it gives."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(5)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(onnx.numpy_helper.from_array(value, name))
        return name

    def random(self, name: str, *shape: int) -> str:
        return self.constant(name, self.rng.normal(size=shape).astype(np.float32))

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        made = onnx.helper.make_node(kind, inputs, [output], name=output, **attributes)
        self.nodes.append(made)
        return output

    def convolution(
        self, source: str, output: str, given: int, wide: int, *, side: int = 1, group: int = 1
    ) -> str:
        weights = self.random(f"{output}_weights", wide, given // group, side, side)
        bias = self.random(f"{output}_bias", wide)
        edge = [side // 2] * 4
        shape = {"kernel_shape": [side, side], "pads": edge, "strides": [1, 1]}
        return self.node("Conv", [source, weights, bias], output, group=group, **shape)

    def pad(self, source: str, output: str, pads: list[int]) -> str:
        name = self.constant(f"{output}_pads", np.array(pads, np.int64))
        return self.node("Pad", [source, name], output)

    def model(self, output: str, *shape: int) -> Any:
        image = onnx.helper.make_tensor_value_info("image", 1, [1, 3, 6, 6])
        result = onnx.helper.make_tensor_value_info(output, 1, shape)
        graph = onnx.helper.make_graph(
            self.nodes, "made", [image], [result], initializer=self.constants
        )
        opset = [onnx.helper.make_opsetid("", 17)]
        return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)


def detector() -> Any:
    """5 channels padded to 7, inside a block, and to 18 and 20, across its end; a head of 6."""
    net = Network()
    first = net.node("Relu", [net.convolution("image", "c1", 3, 5, side=3)], "r1")
    deep = net.convolution(first, "c2", 5, 5, side=3, group=5)
    wide = net.convolution(deep, "c3", 5, 7)
    added = net.node("Add", [net.pad(first, "p1", [0] * 5 + [2, 0, 0]), wide], "a1")
    pooled = net.node("MaxPool", [added], "m1", kernel_shape=[2, 2], strides=[2, 2])
    wider = net.convolution(pooled, "c4", 7, 18)
    across = net.node("Add", [net.pad(pooled, "p2", [0] * 5 + [11, 0, 0]), wider], "a2")
    last = net.convolution(across, "c5", 18, 20)
    again = net.node("Add", [net.pad(across, "p3", [0] * 5 + [2, 0, 0]), last], "a3")
    head = net.convolution(again, "c6", 20, 6)
    order = net.node("Transpose", [head], "t1", perm=[0, 2, 3, 1])
    shape = net.constant("shape", np.array([1, 54], np.int64))
    net.node("Reshape", [order, shape], "boxes")
    return net.model("boxes", 1, 54)


def agrees(before: Any, after: Any) -> None:
    image = {"image": np.random.default_rng(1).normal(size=(1, 3, 6, 6)).astype(np.float32)}
    old, new = (
        reference.ReferenceEvaluator(model).run(None, image)[0] for model in (before, after)
    )
    np.testing.assert_allclose(new, old, rtol=1e-4, atol=1e-4 * float(np.abs(old).max()))


def test_the_answers_are_the_same(blocks: Any) -> None:
    before = detector()
    agrees(before, blocks.in_blocks(before))


def test_every_map_has_whole_blocks_and_none_is_padded(blocks: Any) -> None:
    after = blocks.in_blocks(detector())
    assert {node.op_type for node in after.graph.node}.isdisjoint({"Pad"})
    shapes = {one.name: list(one.dims) for one in after.graph.initializer}
    filters = {name: shape for name, shape in shapes.items() if len(shape) == 4}
    assert filters == {
        "c1_weights": [16, 3, 3, 3],
        "c2_weights": [16, 1, 3, 3],
        "c3_weights": [16, 16, 1, 1],
        "c4_weights": [32, 16, 1, 1],
        "p2_ones": [32, 16, 1, 1],
        "c5_weights": [32, 32, 1, 1],
        "c6_weights": [6, 32, 1, 1],
    }


def test_the_original_is_left_alone(blocks: Any) -> None:
    before = detector()
    kept = before.SerializeToString()
    blocks.in_blocks(before)
    assert before.SerializeToString() == kept


@pytest.mark.parametrize(
    "pads",
    [
        [0, 0, 1, 0, 0, 2, 0, 0],  # a row, too
        [0, 1, 0, 0, 0, 2, 0, 0],  # before the first channel
        [0, 0, 0, 0, 0, 2, 0, -1],
    ],
)
def test_another_padding_is_refused(blocks: Any, pads: list[int]) -> None:
    net = Network()
    net.pad(net.convolution("image", "c1", 3, 5), "p1", pads)
    with pytest.raises(blocks.ChannelError, match="pads more than the end of the channels"):
        blocks.in_blocks(net.model("p1", 1, 7, 6, 6))


@pytest.mark.parametrize(("given", "wide", "group"), [(6, 6, 2), (6, 12, 6)])
def test_groups_of_several_channels_are_refused(
    blocks: Any, given: int, wide: int, group: int
) -> None:
    net = Network()
    source = net.convolution("image", "c1", 3, given)
    net.convolution(source, "c2", given, wide, group=group)
    with pytest.raises(blocks.ChannelError, match="other groups than one for each channel"):
        blocks.in_blocks(net.model("c2", 1, wide, 6, 6))


def test_a_map_of_unknown_channels_is_refused(blocks: Any) -> None:
    net = Network()
    source = net.node("Softmax", [net.convolution("image", "c1", 3, 16)], "s1", axis=1)
    net.convolution(source, "c2", 16, 16)
    with pytest.raises(blocks.ChannelError, match="takes no map whose channels are known"):
        blocks.in_blocks(net.model("c2", 1, 16, 6, 6))


def test_a_map_may_be_padded_twice(blocks: Any) -> None:
    net = Network()
    first = net.convolution("image", "c1", 3, 5)
    second = net.pad(first, "p1", [0] * 5 + [2, 0, 0])
    third = net.pad(second, "p2", [0] * 5 + [11, 0, 0])
    head = net.convolution(third, "c2", 18, 16)
    shape = net.constant("shape", np.array([1, 576], np.int64))
    net.node("Reshape", [head, shape], "boxes")
    before = net.model("boxes", 1, 576)
    agrees(before, blocks.in_blocks(before))


def test_what_does_not_know_of_blocks_is_refused(blocks: Any) -> None:
    net = Network()
    net.node("Softmax", [net.convolution("image", "c1", 3, 5)], "s1", axis=1)
    with pytest.raises(blocks.ChannelError, match="different or too many channels"):
        blocks.in_blocks(net.model("s1", 1, 5, 6, 6))
