"""The converter, on small networks written here, against plain numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from .build_scripts import build_script

np = pytest.importorskip("numpy")
_REASON = "only needed to build the models"
tflite = pytest.importorskip("tflite", reason=_REASON)
flatbuffers = pytest.importorskip("flatbuffers", reason=_REASON)
reference = pytest.importorskip("onnx.reference", reason=_REASON)


@pytest.fixture(scope="module")
def converter() -> Any:
    return build_script("tflite_to_onnx")


@dataclass
class Network:
    """A `.tflite` file in the making; tensor 0 is the input `image`."""

    height: int = 5
    width: int = 6
    tensors: list[tuple[str, tuple[int, ...], Any]] = field(default_factory=list)
    operators: list[tuple[int, list[int], int, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tensors.append(("image", (1, self.height, self.width, 3), None))

    def constant(self, value: Any) -> int:
        self.tensors.append((f"c{len(self.tensors)}", value.shape, value))
        return len(self.tensors) - 1

    def add(self, kind: str, inputs: list[int], shape: tuple[int, ...], options: Any = None) -> int:
        self.tensors.append((f"t{len(self.tensors)}", shape, None))
        target = len(self.tensors) - 1
        code = getattr(tflite.BuiltinOperator, kind)
        self.operators.append((code, inputs, target, options))
        return target

    def name(self, tensor: int) -> str:
        return self.tensors[tensor][0]

    def to_bytes(self, *outputs: int) -> bytes:
        out = flatbuffers.Builder(0)
        buffers = [_buffer(out, value) for _, _, value in self.tensors]
        tensors = [_tensor(out, index, *entry) for index, entry in enumerate(self.tensors)]
        operators = [_operator(out, index, *op[1:]) for index, op in enumerate(self.operators)]
        codes = [_code(out, op[0]) for op in self.operators]
        tensors_at = _offsets(out, tflite.SubGraphStartTensorsVector, tensors)
        operators_at = _offsets(out, tflite.SubGraphStartOperatorsVector, operators)
        inputs_at, outputs_at = out.CreateNumpyVector(_i4([0])), out.CreateNumpyVector(_i4(outputs))
        tflite.SubGraphStart(out)
        tflite.SubGraphAddTensors(out, tensors_at)
        tflite.SubGraphAddInputs(out, inputs_at)
        tflite.SubGraphAddOutputs(out, outputs_at)
        tflite.SubGraphAddOperators(out, operators_at)
        graph = tflite.SubGraphEnd(out)
        graphs_at = _offsets(out, tflite.ModelStartSubgraphsVector, [graph])
        codes_at = _offsets(out, tflite.ModelStartOperatorCodesVector, codes)
        buffers_at = _offsets(out, tflite.ModelStartBuffersVector, buffers)
        tflite.ModelStart(out)
        tflite.ModelAddVersion(out, 3)
        tflite.ModelAddOperatorCodes(out, codes_at)
        tflite.ModelAddSubgraphs(out, graphs_at)
        tflite.ModelAddBuffers(out, buffers_at)
        out.Finish(tflite.ModelEnd(out), b"TFL3")
        return bytes(out.Output())


def _i4(values: Any) -> Any:
    return np.array(values, dtype=np.int32)


def _offsets(out: Any, start: Any, items: list[int]) -> int:
    start(out, len(items))
    for item in reversed(items):
        out.PrependUOffsetTRelative(item)
    return int(out.EndVector())


def _buffer(out: Any, value: Any) -> int:
    at = None if value is None else out.CreateByteVector(value.tobytes())
    tflite.BufferStart(out)
    if at is not None:
        tflite.BufferAddData(out, at)
    return int(tflite.BufferEnd(out))


def _tensor(out: Any, index: int, name: str, shape: tuple[int, ...], value: Any) -> int:
    kinds = {"float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "int8": "INT8"}
    kind = "float32" if value is None else value.dtype.name
    name_at, shape_at = out.CreateString(name), out.CreateNumpyVector(_i4(shape))
    tflite.TensorStart(out)
    tflite.TensorAddShape(out, shape_at)
    tflite.TensorAddType(out, getattr(tflite.TensorType, kinds[kind]))
    tflite.TensorAddBuffer(out, index)
    tflite.TensorAddName(out, name_at)
    return int(tflite.TensorEnd(out))


def _operator(out: Any, code_index: int, inputs: list[int], target: int, options: Any) -> int:
    inputs_at, outputs_at = out.CreateNumpyVector(_i4(inputs)), out.CreateNumpyVector(_i4([target]))
    options_at = None if options is None else options(out)
    tflite.OperatorStart(out)
    tflite.OperatorAddOpcodeIndex(out, code_index)
    tflite.OperatorAddInputs(out, inputs_at)
    tflite.OperatorAddOutputs(out, outputs_at)
    if options_at is not None:
        tflite.OperatorAddBuiltinOptions(out, options_at)
    return int(tflite.OperatorEnd(out))


def _code(out: Any, code: int) -> int:
    tflite.OperatorCodeStart(out)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(out, code)
    return int(tflite.OperatorCodeEnd(out))


def options(table: str, **values: int) -> Any:
    """Writes an options table such as `Conv2DOptions`."""

    def write(out: Any) -> int:
        getattr(tflite, f"{table}Start")(out)
        for key, value in values.items():
            getattr(tflite, f"{table}Add{key}")(out, value)
        return int(getattr(tflite, f"{table}End")(out))

    return write


SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3


def conv(stride: int, padding: int = SAME, activation: int = NONE, dilation: int = 1) -> Any:
    return options(
        "Conv2DOptions",
        StrideH=stride,
        StrideW=stride,
        Padding=padding,
        FusedActivationFunction=activation,
        DilationHFactor=dilation,
        DilationWFactor=dilation,
    )


def numpy_conv(x: Any, weights: Any, bias: Any, stride: int) -> Any:
    """`SAME` convolution of NHWC by weights [out, height, width, in], by its definition."""
    _, height, width, _ = x.shape
    count, rows, columns, _ = weights.shape
    out = np.zeros((1, -(-height // stride), -(-width // stride), count), np.float64)
    above = max((out.shape[1] - 1) * stride + rows - height, 0) // 2
    before = max((out.shape[2] - 1) * stride + columns - width, 0) // 2
    for i, j, r, c in np.ndindex(out.shape[1], out.shape[2], rows, columns):
        y, z = i * stride + r - above, j * stride + c - before
        if 0 <= y < height and 0 <= z < width:
            out[0, i, j] += weights[:, r, c] @ x[0, y, z]
    return out + bias


def converted(converter: Any, file: bytes, **outputs: Any) -> Any:
    return converter.convert(file, graph_name="test", input_name="image", outputs=outputs)


def run(model: Any, image: Any) -> list[Any]:
    nchw = np.ascontiguousarray(image.transpose(0, 3, 1, 2))
    return list(reference.ReferenceEvaluator(model).run(None, {"image": nchw}))


@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_residual_block_with_anchors_agrees_with_numpy(converter: Any, half: bool) -> None:
    rng = np.random.default_rng(0)
    net = Network()
    stored = np.float16 if half else np.float32
    weights = rng.normal(size=(4, 3, 3, 3)).astype(stored)
    bias = rng.normal(size=4).astype(stored)
    depthwise = rng.normal(size=(1, 3, 3, 4)).astype(np.float32)
    slope = rng.normal(size=(1, 1, 4)).astype(np.float32)
    # 5 × 6 pixels, stride 2, kernel 3: 3 × 3 with uneven padding of one axis.
    w, b = net.constant(weights), net.constant(bias)
    if half:
        w, b = (net.add("DEQUANTIZE", [i], net.tensors[i][1]) for i in (w, b))
    first = net.add("CONV_2D", [0, w, b], (1, 3, 3, 4), conv(2))
    bent = net.add("PRELU", [first, net.constant(slope)], (1, 3, 3, 4))
    deep = options("DepthwiseConv2DOptions", StrideH=1, StrideW=1, Padding=SAME, DepthMultiplier=1)
    zeros = net.constant(np.zeros(4, np.float32))
    second = net.add(
        "DEPTHWISE_CONV_2D", [bent, net.constant(depthwise), zeros], (1, 3, 3, 4), deep
    )
    wide = net.constant(_i4([[0, 0], [0, 0], [0, 0], [0, 2]]))
    left = net.add("PAD", [bent, wide], (1, 3, 3, 6))
    right = net.add("PAD", [second, wide], (1, 3, 3, 6))
    total = net.add("ADD", [left, right], (1, 3, 3, 6), options("AddOptions"))
    relu = net.add("RELU", [total], (1, 3, 3, 6))
    listed = net.add("RESHAPE", [relu], (1, 27, 2))
    other = net.add("RESHAPE", [bent], (1, 18, 2))
    both = net.add(
        "CONCATENATION", [listed, other], (1, 45, 2), options("ConcatenationOptions", Axis=1)
    )
    file = net.to_bytes(both)

    image = rng.normal(size=(1, 5, 6, 3)).astype(np.float32)
    x = numpy_conv(image, weights.astype(np.float64), bias.astype(np.float64), 2)
    x = np.where(x > 0, x, x * slope)
    apart = np.zeros((4, 3, 3, 4))
    apart[range(4), :, :, range(4)] = depthwise[0].transpose(2, 0, 1)
    y = np.maximum(np.pad(x + numpy_conv(x, apart, 0, 1), [(0, 0)] * 3 + [(0, 2)]), 0)
    expected = np.concatenate([y.reshape(1, 27, 2), x.reshape(1, 18, 2)], axis=1)

    output = converter.Output(name="anchors", shape=(1, 45, 2))
    model = converted(converter, file, **{net.name(both): output})
    (found,) = run(model, image)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    again = converted(converter, file, **{net.name(both): output})
    assert again.SerializeToString(deterministic=True) == model.SerializeToString(
        deterministic=True
    )


def test_max_pool_and_fused_activation(converter: Any) -> None:
    net = Network(height=4, width=6)
    pool = options(
        "Pool2DOptions",
        StrideH=2,
        StrideW=2,
        FilterHeight=2,
        FilterWidth=2,
        Padding=VALID,
        FusedActivationFunction=RELU,
    )
    pooled = net.add("MAX_POOL_2D", [0], (1, 2, 3, 3), pool)
    image = np.random.default_rng(1).normal(size=(1, 4, 6, 3)).astype(np.float32) - 1
    output = converter.Output(name="pooled", shape=(1, 18))
    (found,) = run(converted(converter, net.to_bytes(pooled), **{net.name(pooled): output}), image)
    expected = np.maximum(image.reshape(1, 2, 2, 3, 2, 3).max(axis=(2, 4)), 0)
    np.testing.assert_array_equal(found, expected.reshape(1, 18))


def test_prelu_is_exact(converter: Any) -> None:
    net = Network(height=1, width=4)
    slope = np.array([[[0.3, -0.7, 1.9]]], np.float32)
    bent = net.add("PRELU", [0, net.constant(slope)], (1, 1, 4, 3))
    image = np.random.default_rng(2).normal(size=(1, 1, 4, 3)).astype(np.float32)
    output = converter.Output(name="bent", shape=(1, 12))
    (found,) = run(converted(converter, net.to_bytes(bent), **{net.name(bent): output}), image)
    np.testing.assert_array_equal(found, np.where(image > 0, image, image * slope).reshape(1, 12))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        (128, 5, 2, (1, 2)),
        (64, 3, 1, (1, 1)),
        (5, 3, 2, (1, 1)),
        (6, 3, 2, (0, 1)),
        (3, 1, 2, (0, 0)),
    ],
)
def test_same_padding(
    converter: Any, size: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    assert converter.same_padding(size, kernel, stride) == expected


def _one_conv(conv_options: Any, weights: Any = None) -> tuple[Network, int]:
    net = Network()
    kernel = np.ones((2, 1, 1, 3), np.float32) if weights is None else weights
    inputs = [0, net.constant(kernel), net.constant(np.zeros(2, np.float32))]
    return net, net.add("CONV_2D", inputs, (1, 5, 6, 2), conv_options)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: _one_conv(conv(1, activation=RELU6)), "fused activation"),
        (lambda: _one_conv(conv(1, dilation=2)), "dilation"),
        (lambda: _one_conv(conv(1), np.ones((2, 1, 1, 3), np.int8)), "unknown type"),
        (lambda: (n := Network(), n.add("TANH", [0], (1, 5, 6, 3))), "operator 28 is not known"),
    ],
    ids=["activation", "dilation", "constant", "operator"],
)
def test_what_is_not_known_is_refused(converter: Any, network: Any, message: str) -> None:
    net, target = network()
    output = converter.Output(name="out", shape=net.tensors[target][1])
    with pytest.raises(converter.ConversionError, match=message):
        converted(converter, net.to_bytes(target), **{net.name(target): output})


def test_outputs_have_to_be_named_and_to_fit(converter: Any) -> None:
    net, target = _one_conv(conv(1))
    file = net.to_bytes(target)
    with pytest.raises(converter.ConversionError, match="got outputs"):
        converted(converter, file, elsewhere=converter.Output(name="out", shape=(1, 60)))
    with pytest.raises(converter.ConversionError, match="cannot have shape"):
        converted(
            converter, file, **{net.name(target): converter.Output(name="out", shape=(1, 59))}
        )
