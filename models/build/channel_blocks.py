"""Give an ONNX network's feature maps whole blocks of 16 channels, the new ones zero.

onnxruntime lays feature maps out in blocks of 8 or 16 channels, and fuses a sum
and its activation into the convolution before them, as long as nothing stands
between that it has no blocked kernel for. A `Pad` along the channels is such a
thing: the map is laid out anew before and after it, and so are all maps that are
added to it later. Here

* every convolution between feature maps gives a whole number of blocks, by
  filters of zeros, which the blocks would have held anyway;
* a `Pad` that now adds no channel is left out, and one that adds a block
  becomes a 1×1 convolution whose weights are ones and zeros.

Adding zeros and multiplying by one are exact; sums of products are taken in
another order, so that the last bits differ. Outputs keep their channels.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import onnx
from onnx import helper, numpy_helper

BLOCK = 16
"""The wider of onnxruntime's blocks, that of AVX-512."""

_KEEPING = frozenset({"Add", "Relu", "MaxPool"})
_FLATTENING = frozenset({"Reshape", "Transpose"})


class ChannelError(Exception):
    """Something stands between the convolutions that this does not know."""


def in_blocks(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite a network that `tflite_to_onnx.convert` made.

    Raises:
        ChannelError: it has a node that would have to know of the new channels.
    """
    rewriting = _Rewriting(model.graph)
    for node in model.graph.node:
        rewriting.take(node)
    rewritten = onnx.ModelProto()
    rewritten.CopyFrom(model)
    del rewritten.graph.node[:], rewritten.graph.initializer[:]
    rewritten.graph.node.extend(rewriting.nodes)
    rewritten.graph.initializer.extend(rewriting.initializers())
    onnx.checker.check_model(rewritten, full_check=True)
    return rewritten


class _Rewriting:
    """Walks the nodes in their order."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._constants = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self._readers: dict[str, set[str]] = defaultdict(set)
        for node in graph.node:
            for name in node.input:
                self._readers[name].add(node.op_type)
        # Of every feature map: its channels in the original, and here.
        self._channels: dict[str, tuple[int, int]] = {}
        for value in graph.input:
            count = value.type.tensor_type.shape.dim[1].dim_value
            self._channels[value.name] = count, count
        self._renamed: dict[str, str] = {}

    def take(self, original: onnx.NodeProto) -> None:
        """Append what becomes of a node."""
        node = onnx.NodeProto()
        node.CopyFrom(original)
        node.input[:] = [self._renamed.get(name, name) for name in node.input]
        if node.op_type == "Conv":
            self._convolution(node)
        elif node.op_type == "Pad":
            self._pad(node)
        else:
            self._other(node)

    def initializers(self) -> list[onnx.TensorProto]:
        """The constants that are still used."""
        used = {name for node in self.nodes for name in node.input}
        return [
            numpy_helper.from_array(array, name)
            for name, array in self._constants.items()
            if name in used
        ]

    def _convolution(self, node: onnx.NodeProto) -> None:
        source, weights, *bias = node.input
        filters = self._constants[weights]
        before, given = self._map(node, source)
        group = next(attribute for attribute in node.attribute if attribute.name == "group")
        count = len(filters)
        if group.i > 1:
            if not group.i == count == before:
                raise ChannelError(f"{node.name} has other groups than one for each channel")
            group.i = wide = given
        else:
            filters = _widened(filters, 1, given)
            wide = count if self._readers[node.output[0]] <= _FLATTENING else _whole(count)
        for name, array in ((weights, filters), *((name, self._constants[name]) for name in bias)):
            self._constants[name] = _widened(array, 0, wide)
        self._channels[node.output[0]] = count, wide
        self.nodes.append(node)

    def _pad(self, node: onnx.NodeProto) -> None:
        source, pads = node.input
        added = self._constants[pads].tolist()
        before, given = self._map(node, source)
        count = before + added[5]
        if sum(map(abs, added)) != added[5] or _whole(before) != given:
            raise ChannelError(f"{node.name} pads more than the end of the channels of a map")
        target, wide = node.output[0], _whole(count)
        self._channels[target] = count, wide
        if wide == given:
            self._renamed[target] = source
            self._channels[source] = count, wide  # the zeros that it ends in count from now on
            return
        name = f"{target}_ones"
        self._constants[name] = np.eye(wide, given, dtype=np.float32)[..., None, None]
        kernel = {"group": 1, "kernel_shape": [1, 1]}
        self.nodes.append(
            helper.make_node("Conv", [source, name], [target], name=f"Conv_{target}", **kernel)
        )

    def _map(self, node: onnx.NodeProto, source: str) -> tuple[int, int]:
        if source not in self._channels:
            raise ChannelError(f"{node.name} takes no map whose channels are known")
        return self._channels[source]

    def _other(self, node: onnx.NodeProto) -> None:
        maps = [self._channels[name] for name in node.input if name in self._channels]
        if node.op_type in _KEEPING and len({wide for _, wide in maps}) == 1:
            # One that was to be padded first has fewer channels than the other.
            self._channels[node.output[0]] = max(maps)
        elif any(count != wide for count, wide in maps):
            raise ChannelError(f"{node.name} takes maps of different or too many channels")
        self.nodes.append(node)


def _whole(channels: int) -> int:
    return -(-channels // BLOCK) * BLOCK


def _widened(array: np.ndarray, axis: int, length: int) -> np.ndarray:
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, length - array.shape[axis])
    return np.pad(array, widths)
