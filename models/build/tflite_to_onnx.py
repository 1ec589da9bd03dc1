"""Convert a small float TensorFlow Lite network to ONNX, without TensorFlow.

Knows the ten operators that the MediaPipe face networks use and refuses
everything else: a converter that guesses changes the network. The graph is
channels-first from the start, so the only transposes are those where a feature
map is flattened into a list of anchors.

Needs `tflite` (accessors of the file format), `onnx` and `numpy`. The same file
gives the same bytes with the same version of `onnx`.

Not checked here: that both networks compute the same; `compare.py` does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper
from tflite_graph import ConversionError, TfliteGraph, options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Old enough for every onnxruntime since 2022; nothing newer is needed.
OPSET = 17
IR_VERSION = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Name and shape that an output of the network gets in the ONNX graph."""

    name: str
    shape: tuple[int, ...]


def convert(
    model_bytes: bytes, *, graph_name: str, input_name: str, outputs: Mapping[str, Output]
) -> onnx.ModelProto:
    """Convert one network.

    Args:
        model_bytes: the `.tflite` file.
        graph_name: name of the ONNX graph.
        input_name: name of its one input, float32 `[1, 3, H, W]`.
        outputs: from the name of each output in the file to what it becomes, in
            the order wanted in the ONNX graph; shapes keep the number of elements.

    Returns:
        A model with float32 weights that passed `onnx.checker`.

    Raises:
        ConversionError: an operator, option, type or output that is not known.
    """
    source = TfliteGraph(model_bytes)
    if set(outputs) != set(source.outputs):
        raise ConversionError(f"got outputs {sorted(outputs)}, expected {sorted(source.outputs)}")
    builder = _Builder(source, input_name)
    for code, operator in source.operators():
        if code not in _HANDLERS:
            raise ConversionError(f"operator {code} is not known")
        _HANDLERS[code](builder, operator)
    for name, output in outputs.items():
        builder.add_output(source.outputs[name], output)
    image = helper.make_tensor_value_info(
        input_name, TensorProto.FLOAT, [1, 3, source.height, source.width]
    )
    results = [
        helper.make_tensor_value_info(output.name, TensorProto.FLOAT, list(output.shape))
        for output in outputs.values()
    ]
    model = helper.make_model(
        helper.make_graph(builder.nodes, graph_name, [image], results, builder.initializers),
        producer_name="tflite_to_onnx",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after one axis under TensorFlow's rule `SAME`.

    An odd pixel goes after. Written out rather than left to ONNX's `auto_pad`,
    so that the file says what is computed.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class _Builder:
    """Walks the operators and collects ONNX nodes.

    A tensor of rank 4 is NHWC in the file and NCHW here; any other rank keeps its
    order.
    """

    def __init__(self, source: TfliteGraph, input_name: str) -> None:
        self.source = source
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[TensorProto] = []
        self._names = {source.input: input_name}
        self._widened: dict[int, np.ndarray] = {}

    def add_output(self, tensor: int, output: Output) -> None:
        """Give a tensor of the file its name and shape as an output."""
        if np.prod(output.shape) != np.prod(self.source.shape(tensor)):
            raise ConversionError(f"output {output.name!r} cannot have shape {output.shape}")
        shape = self._initializer(f"{output.name}_shape", np.array(output.shape, np.int64))
        self._raw_node("Reshape", [self._in_file_order(tensor), shape], output.name)

    # -- operators of the file -------------------------------------------------

    def dequantize(self, operator: tflite.Operator) -> None:
        # The float16 constants of the file are widened once, here.
        self._widened[operator.Outputs(0)] = self.source.constant(operator.Inputs(0))

    def convolution(self, operator: tflite.Operator) -> None:
        options = options_of(operator, tflite.Conv2DOptions)
        weights = self._floats(operator.Inputs(1)).transpose(0, 3, 1, 2)
        self._convolution(operator, options, weights, group=1)

    def depthwise(self, operator: tflite.Operator) -> None:
        options = options_of(operator, tflite.DepthwiseConv2DOptions)
        if options.DepthMultiplier() != 1:
            raise ConversionError(f"got depth multiplier {options.DepthMultiplier()}, expected 1")
        weights = self._floats(operator.Inputs(1)).transpose(3, 0, 1, 2)
        self._convolution(operator, options, weights, group=weights.shape[0])

    def max_pool(self, operator: tflite.Operator) -> None:
        options = options_of(operator, tflite.Pool2DOptions)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        window = self._window(options, operator.Inputs(0), kernel)
        self._node("MaxPool", operator, kernel_shape=kernel, **window)
        self._activate(options.FusedActivationFunction(), operator)

    def add(self, operator: tflite.Operator) -> None:
        options = options_of(operator, tflite.AddOptions)
        left, right = operator.Inputs(0), operator.Inputs(1)
        if self.source.shape(left) != self.source.shape(right):
            raise ConversionError("a sum with broadcasting is not known")
        self._node("Add", operator, [self._names[right]])
        self._activate(options.FusedActivationFunction(), operator)

    def relu(self, operator: tflite.Operator) -> None:
        self._node("Relu", operator)

    def prelu(self, operator: tflite.Operator) -> None:
        """max(x, 0) − slope · max(−x, 0): exactly PReLU, bit for bit.

        onnxruntime has no fast kernel for PRelu and leaves its blocked layout
        for it; written with Relu and 1×1 depthwise convolutions Face Mesh runs
        three to four times as fast.
        """
        slope = self._floats(operator.Inputs(1))
        if slope.shape[:-1] != (1, 1):
            raise ConversionError(f"got slope of shape {slope.shape}, expected (1, 1, channels)")
        name = f"t{operator.Outputs(0)}"
        by_channel = slope.reshape(-1, 1, 1, 1)
        minus_one = self._initializer(f"{name}_minus_one", np.full_like(by_channel, -1))
        minus_slope = self._initializer(f"{name}_minus_slope", -by_channel)
        kernel: dict[str, int | list[int]] = {"group": slope.size, "kernel_shape": [1, 1]}
        x = self._names[operator.Inputs(0)]
        positive = self._raw_node("Relu", [x], f"{name}_positive")
        mirrored = self._raw_node("Conv", [x, minus_one], f"{name}_mirrored", **kernel)
        negative = self._raw_node("Relu", [mirrored], f"{name}_negative")
        scaled = self._raw_node("Conv", [negative, minus_slope], f"{name}_scaled", **kernel)
        self._names[operator.Outputs(0)] = self._raw_node("Add", [positive, scaled], name)

    def pad(self, operator: tflite.Operator) -> None:
        if len(self.source.shape(operator.Inputs(0))) != 4:
            raise ConversionError("padding of a rank other than 4 is not known")
        pads = self.source.constant(operator.Inputs(1))[[0, 3, 1, 2]]
        values = pads.T.reshape(-1).astype(np.int64)
        name = self._initializer(f"t{operator.Outputs(0)}_pads", values)
        self._node("Pad", operator, [name])

    def reshape(self, operator: tflite.Operator) -> None:
        target = operator.Outputs(0)
        shape = self.source.shape(target)
        if len(shape) == 4:
            raise ConversionError("a reshape to rank 4 is not known")
        name = self._initializer(f"t{target}_shape", np.array(shape, np.int64))
        x = self._in_file_order(operator.Inputs(0))
        self._names[target] = self._raw_node("Reshape", [x, name], f"t{target}")

    def concatenation(self, operator: tflite.Operator) -> None:
        options = options_of(operator, tflite.ConcatenationOptions)
        if len(self.source.shape(operator.Outputs(0))) == 4:
            raise ConversionError("a concatenation of rank 4 is not known")
        others = [self._names[int(i)] for i in operator.InputsAsNumpy()[1:]]
        self._node("Concat", operator, others, axis=options.Axis())
        self._activate(options.FusedActivationFunction(), operator)

    # -- shared parts ----------------------------------------------------------

    def _convolution(
        self,
        operator: tflite.Operator,
        options: tflite.Conv2DOptions,
        weights: np.ndarray,
        group: int,
    ) -> None:
        if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
            raise ConversionError("dilation is not known")
        name = f"t{operator.Outputs(0)}"
        constants = [
            self._initializer(f"{name}_weights", weights),
            self._initializer(f"{name}_bias", self._floats(operator.Inputs(2))),
        ]
        kernel = [int(n) for n in weights.shape[2:]]
        window = self._window(options, operator.Inputs(0), kernel)
        self._node("Conv", operator, constants, group=group, kernel_shape=kernel, **window)
        self._activate(options.FusedActivationFunction(), operator)

    def _window(
        self, options: tflite.Conv2DOptions, tensor: int, kernel: list[int]
    ) -> dict[str, list[int]]:
        strides = [options.StrideH(), options.StrideW()]
        pads = [(0, 0), (0, 0)]
        if options.Padding() == tflite.Padding.SAME:
            sizes = self.source.shape(tensor)[1:3]
            pads = [same_padding(*axis) for axis in zip(sizes, kernel, strides, strict=True)]
        return {"strides": strides, "pads": [pads[0][0], pads[1][0], pads[0][1], pads[1][1]]}

    def _activate(self, function: int, operator: tflite.Operator) -> None:
        """Append the activation that the operator has fused into it."""
        if function == tflite.ActivationFunctionType.NONE:
            return
        if function != tflite.ActivationFunctionType.RELU:
            raise ConversionError(f"fused activation {function} is not known")
        target = operator.Outputs(0)
        self._names[target] = self._raw_node("Relu", [self._names[target]], f"t{target}_relu")

    def _floats(self, tensor: int) -> np.ndarray:
        value = self._widened[tensor] if tensor in self._widened else self.source.constant(tensor)
        if value.dtype.kind != "f":
            raise ConversionError(f"got {value.dtype} for constant {tensor}, expected floats")
        return value.astype(np.float32)

    def _in_file_order(self, tensor: int) -> str:
        """Name of the tensor with its elements in the order of the file."""
        shape = self.source.shape(tensor)
        if len(shape) != 4 or shape[3] == 1 or shape[1:3] == (1, 1):
            return self._names[tensor]
        return self._raw_node(
            "Transpose", [self._names[tensor]], f"t{tensor}_nhwc", perm=[0, 2, 3, 1]
        )

    def _initializer(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(
        self,
        kind: str,
        operator: tflite.Operator,
        more_inputs: list[str] | None = None,
        **attributes: int | list[int],
    ) -> None:
        """Add the node that computes the operator's output from its first input."""
        inputs = [self._names[operator.Inputs(0)], *(more_inputs or [])]
        target = operator.Outputs(0)
        self._names[target] = self._raw_node(kind, inputs, f"t{target}", **attributes)

    def _raw_node(
        self, kind: str, inputs: list[str], output: str, **attributes: int | list[int]
    ) -> str:
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **attributes)
        )
        return output


_HANDLERS: dict[int, Callable[[_Builder, tflite.Operator], None]] = {
    tflite.BuiltinOperator.ADD: _Builder.add,
    tflite.BuiltinOperator.CONCATENATION: _Builder.concatenation,
    tflite.BuiltinOperator.CONV_2D: _Builder.convolution,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: _Builder.depthwise,
    tflite.BuiltinOperator.DEQUANTIZE: _Builder.dequantize,
    tflite.BuiltinOperator.MAX_POOL_2D: _Builder.max_pool,
    tflite.BuiltinOperator.PAD: _Builder.pad,
    tflite.BuiltinOperator.PRELU: _Builder.prelu,
    tflite.BuiltinOperator.RELU: _Builder.relu,
    tflite.BuiltinOperator.RESHAPE: _Builder.reshape,
}
