"""The plain flow, as anybody would write it: the check has to find its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from ageassure.inference import read_pinned

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 128


class PlainFlow:
    """Decode, reduce, normalise, run a network with onnxruntime's own defaults, drop everything."""

    def __init__(self) -> None:
        model = read_pinned("blazeface-128", "blazeface-128.onnx")
        self._session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._name = self._session.get_inputs()[0].name

    def estimate(self, evidence: bytearray) -> Any:  # noqa: ANN401 - onnxruntime has no types
        """Run it; nothing is wiped."""
        return self._session.run(None, {self._name: network_input(bytes(evidence))})


def network_input(file: bytes) -> NDArray[np.float32]:
    """What the network is fed, ``[1, 3, 128, 128]``: −1 … 1."""
    pixels: Any = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    small = cv2.cvtColor(cv2.resize(pixels, (_SIDE, _SIDE)), cv2.COLOR_BGR2RGB)
    scaled = small.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))[None]
