"""The only module that imports onnxruntime.

Its Linux wheels keep a device id under ``~/.cache/Microsoft`` and look up a telemetry host as soon
as they are imported, unless ``ORT_DISABLE_TELEMETRY`` is set in the environment BEFORE; switching
it off later does not help. So it is set here, and stays set for child processes.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.errors import MissingExtraError, ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ageassure.inference.manifest import Tensor

_SWITCH: Final = "ORT_DISABLE_TELEMETRY"

telemetry_was_off_in_time: Final = (
    "onnxruntime" not in sys.modules or os.environ.get(_SWITCH) == "1"
)
"""False if somebody else had imported onnxruntime before the switch was set: its files are then
written and its host was looked up, and nothing here can undo it."""

os.environ[_SWITCH] = "1"

try:
    import onnxruntime  # type: ignore[import-untyped]
except ImportError:
    _missing = True
else:
    _missing = False
if _missing:
    raise MissingExtraError("onnxruntime is missing: run pip install 'ageassure[face]'")

_SILENT: Final = 4
"""Only fatal messages; ours are exceptions."""

onnxruntime.set_default_logger_severity(_SILENT)

THREADS: Final = 1
"""Threads of one call. The networks are small: more callers make better use of more processors."""


class Session:
    """One loaded network; may be shared by threads.

    Without the memory arena: it is faster here, and keeps no copy of a picture for later.

    Args:
        model: The ONNX file's bytes.
        takes: What the manifest says of the one input.
        gives: What it says of the outputs, in order.

    Raises:
        ModelIntegrityError: If onnxruntime cannot load it, or names, types or shapes are others
            than declared.
    """

    def __init__(self, model: bytes, *, takes: Tensor, gives: Sequence[Tensor]) -> None:
        session = _loaded(model, _options())
        if session is None:
            raise ModelIntegrityError("onnxruntime cannot load the model file")
        declared = ([_as_listed(takes)], [_as_listed(tensor) for tensor in gives])
        nodes = (session.get_inputs(), session.get_outputs())
        if declared != tuple([_listed(node) for node in side] for side in nodes):
            raise ModelIntegrityError("the network's input or outputs are not those declared")
        self._session = session
        self._input_name = takes.name

    def run(self, array: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the network.

        Returns:
            The outputs in their order, all finite.

        Raises:
            ModelIntegrityError: If onnxruntime fails, or an output is not finite.
        """
        outputs: list[NDArray[np.float32]] | None
        try:
            outputs = self._session.run(None, {self._input_name: array})
        except Exception:  # noqa: BLE001 - onnxruntime's exceptions have no common base
            outputs = None
        # Raised outside the except block: a chained error would keep the input alive.
        if outputs is None:
            raise ModelIntegrityError("onnxruntime failed to run the network")
        if not all(np.isfinite(output).all() for output in outputs):
            raise ModelIntegrityError("the network's output is not finite")
        return outputs


def _options() -> Any:  # noqa: ANN401 - onnxruntime has no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = THREADS
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _SILENT
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return options


def _loaded(model: bytes, options: Any) -> Any:  # noqa: ANN401 - onnxruntime has no types
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception:  # noqa: BLE001 - onnxruntime's exceptions have no common base
        return None


def _as_listed(tensor: Tensor) -> tuple[str, str, list[int | str]]:
    return tensor.name, {"float32": "tensor(float)"}[tensor.dtype], list(tensor.shape)


def _listed(node: Any) -> tuple[str, str, list[int | str]]:  # noqa: ANN401 - onnxruntime has no types
    return node.name, node.type, list(node.shape)
