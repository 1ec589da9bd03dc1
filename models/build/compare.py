"""Compare an ONNX network with the TensorFlow Lite network that it comes from.

The original is run by LiteRT with its plain reference kernels, which share no
code with the converter or with onnxruntime.
"""

from __future__ import annotations

import os

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the first import of onnxruntime
import onnxruntime

# Both sides compute in float32 and add in another order. What is let through on one probe, as a
# share of the output's greatest value there (at least 1); ten times what is seen.
TOLERANCE = 2e-5


def probes(height: int, width: int) -> dict[str, np.ndarray]:
    """Input pictures `[1, H, W, 3]` in -1…1: noise, and pictures that give away swapped axes."""
    rng = np.random.default_rng(20260101)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / (height - 1) * 2 - 1, x / (width - 1) * 2 - 1
    corner = np.full((height, width, 3), -1, np.float32)
    corner[: height // 8, : width // 3, 0] = 1
    face = np.full((height, width, 3), -0.5, np.float32)
    face[(x / 0.5) ** 2 + ((y + 0.1) / 0.65) ** 2 < 1] = (0.7, 0.4, 0.25)
    for cx in (-0.2, 0.2):
        face[((x - cx) / 0.1) ** 2 + ((y + 0.25) / 0.05) ** 2 < 1] = -0.8
    face[(x / 0.2) ** 2 + ((y - 0.25) / 0.05) ** 2 < 1] = (0.3, -0.6, -0.6)
    pictures = {f"noise {n}": rng.uniform(-1, 1, (height, width, 3)) for n in range(4)}
    pictures |= {
        "black": np.full((height, width, 3), -1.0),
        "white": np.full((height, width, 3), 1.0),
        "ramp": np.stack([x, y, x * y], axis=-1),
        "checks": np.sign(np.sin(x * 20) * np.sin(y * 13))[..., None] * np.ones(3),
        "corner": corner,
        "drawn face": face,
    }
    return {name: picture[None].astype(np.float32) for name, picture in pictures.items()}


def differences(
    tflite_bytes: bytes, onnx_bytes: bytes, names: dict[str, str]
) -> dict[str, tuple[float, float]]:
    """Run both networks on all probes, the new one at two optimisation levels.

    Args:
        tflite_bytes: the original.
        onnx_bytes: the converted network, input `[1, 3, H, W]`.
        names: from each output's name in the original to that in the ONNX file.

    Returns:
        For each output the greatest absolute difference, and the greatest difference as a
        share of the output's greatest value (at least 1) on the same probe.
    """
    original = Interpreter(
        model_content=tflite_bytes,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        num_threads=1,
    )
    original.allocate_tensors()
    entry = original.get_input_details()[0]
    levels = onnxruntime.GraphOptimizationLevel
    sessions = [_session(onnx_bytes, n) for n in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL)]
    worst = dict.fromkeys(names.values(), (0.0, 0.0))
    for picture in probes(*entry["shape"][1:3]).values():
        original.set_tensor(entry["index"], picture)
        original.invoke()
        expected = {
            names[output["name"]]: original.get_tensor(output["index"])
            for output in original.get_output_details()
        }
        image = np.ascontiguousarray(picture.transpose(0, 3, 1, 2))
        for session in sessions:
            for name, wanted in expected.items():
                (found,) = session.run([name], {session.get_inputs()[0].name: image})
                difference = float(np.abs(found.reshape(wanted.shape) - wanted).max())
                share = difference / max(1, float(np.abs(wanted).max()))
                worst[name] = max(worst[name][0], difference), max(worst[name][1], share)
    return worst


def identical(original: bytes, changed: bytes) -> int:
    """Run two ONNX networks on the same inputs at three optimisation levels.

    Returns:
        How many inputs were tried.

    Raises:
        ValueError: an output differs in any bit.
    """
    levels = onnxruntime.GraphOptimizationLevel
    tried = (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_EXTENDED, levels.ORT_ENABLE_ALL)
    pairs = [(_session(original, level), _session(changed, level)) for level in tried]
    entry = pairs[0][0].get_inputs()[0]
    pictures = probes(*entry.shape[2:]).values()
    for picture in pictures:
        # Halved: the networks with normal weights see about -0.5…0.5.
        feed = {entry.name: np.ascontiguousarray(picture.transpose(0, 3, 1, 2) / 2)}
        for before, after in pairs:
            for wanted, found in zip(before.run(None, feed), after.run(None, feed), strict=True):
                if wanted.tobytes() != found.tobytes():
                    raise ValueError("the changed network gives another output")
    return len(pictures)


def _session(
    onnx_bytes: bytes, level: onnxruntime.GraphOptimizationLevel
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx_bytes, options, providers=["CPUExecutionProvider"])
