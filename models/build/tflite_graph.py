"""Read a TensorFlow Lite file: one graph, its tensors, constants and options.

Only reading; what the operators mean is in `tflite_to_onnx.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import tflite

if TYPE_CHECKING:
    import numpy as np

_DTYPES = {
    tflite.TensorType.FLOAT32: "<f4",
    tflite.TensorType.FLOAT16: "<f2",
    tflite.TensorType.INT32: "<i4",
}


class _Options(Protocol):
    def Init(self, buffer: object, position: int) -> None: ...  # noqa: N802 - the schema's name


_Table = TypeVar("_Table", bound=_Options)


class ConversionError(Exception):
    """The network has something that the converter does not know."""


class TfliteGraph:
    """The one graph of a `.tflite` file with one image `[1, H, W, 3]` as its input.

    Args:
        model_bytes: the whole file.

    Raises:
        ConversionError: more than one graph or input, or another input shape.
    """

    def __init__(self, model_bytes: bytes) -> None:
        self._model = tflite.Model.GetRootAs(model_bytes, 0)
        if self._model.SubgraphsLength() != 1:
            raise ConversionError(f"got {self._model.SubgraphsLength()} graphs, expected 1")
        self._graph = self._model.Subgraphs(0)
        if self._graph.InputsLength() != 1:
            raise ConversionError(f"got {self._graph.InputsLength()} inputs, expected 1")
        self.input: int = self._graph.Inputs(0)
        shape = self.shape(self.input)
        if len(shape) != 4 or (shape[0], shape[3]) != (1, 3):
            raise ConversionError(f"got input shape {shape}, expected (1, height, width, 3)")
        self.height, self.width = shape[1:3]
        self.outputs: dict[str, int] = {
            self._graph.Tensors(i).Name().decode(): int(i) for i in self._graph.OutputsAsNumpy()
        }

    def operators(self) -> list[tuple[int, tflite.Operator]]:
        """Operators in the order in which they run, each with its built-in code."""
        found = []
        for index in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(index)
            entry = self._model.OperatorCodes(operator.OpcodeIndex())
            # Files older than schema 3a fill only the deprecated byte-sized field.
            found.append((max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode()), operator))
        return found

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Shape of a tensor, as in the file."""
        return tuple(int(n) for n in self._graph.Tensors(tensor).ShapeAsNumpy())

    def constant(self, tensor: int) -> np.ndarray:
        """A constant of the file, in its own shape and type.

        Raises:
            ConversionError: the tensor is computed, or its type is not known.
        """
        entry = self._graph.Tensors(tensor)
        buffer = self._model.Buffers(entry.Buffer())
        if not buffer.DataLength():
            raise ConversionError(f"tensor {tensor} is not a constant")
        if entry.Type() not in _DTYPES:
            raise ConversionError(f"constant {tensor} has unknown type {entry.Type()}")
        return buffer.DataAsNumpy().view(_DTYPES[entry.Type()]).reshape(self.shape(tensor))


def options_of(operator: tflite.Operator, kind: type[_Table]) -> _Table:
    """The operator's options, read as the table `kind` of the schema."""
    table = operator.BuiltinOptions()
    options = kind()
    options.Init(table.Bytes, table.Pos)
    return options
