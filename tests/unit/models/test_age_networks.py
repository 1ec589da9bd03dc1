"""The age networks' files: one answer, however and by whatever they are run; and what they cost."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import skimage.data

from ageassure.estimators.facial.pipeline import AGE_MODELS
from ageassure.estimators.facial.raw import CLASS_YEARS
from ageassure.inference import load_manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODELS = Path(__file__).resolve().parents[3] / "models"
YEARS = 1e-4
"""How far mean ages may lie apart."""

MAX_BYTES = 25_000_000
LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL")

each_network = pytest.mark.parametrize("model_id", AGE_MODELS)


def path_of(model_id: str) -> Path:
    return MODELS / model_id / f"{model_id}.onnx"


def chips(model_id: str) -> NDArray[np.float32]:
    """A face at several places, noise, and even grey: normalised, ``[8, 3, side, side]``."""
    manifest = load_manifest(model_id)
    side = int(manifest.input.shape[2])
    portrait: Any = skimage.data.astronaut()  # type: ignore[no-untyped-call]
    rng = np.random.default_rng(5)
    pictures = [portrait[y : y + side, x : x + side] for x, y in ((170, 60), (180, 80), (200, 70))]
    pictures += [portrait[40 : 40 + 2 * side : 2, 150 : 150 + 2 * side : 2]]
    pictures += [rng.integers(0, 256, (side, side, 3)) for _ in range(2)]
    pictures += [np.full((side, side, 3), grey) for grey in (0, 128)]
    stacked = np.stack(pictures).astype(np.float32) - np.array(manifest.mean, dtype=np.float32)
    scaled: NDArray[np.float32] = (stacked / manifest.divisor).astype(np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def mean_years(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = probabilities.astype(np.float64) @ CLASS_YEARS
    return found


def run(model_id: str, level: str, threads: int, batch: int) -> NDArray[np.float64]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        path_of(model_id).read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    images = chips(model_id)
    parts = [images[start : start + batch] for start in range(0, len(images), batch)]
    return np.concatenate([mean_years(session.run(None, {"images": part})[0]) for part in parts])


@each_network
def test_every_way_to_run_it_gives_the_same_age(model_id: str) -> None:
    shipped = run(model_id, "ORT_ENABLE_ALL", 1, 2)
    for level, threads, batch in product(LEVELS, (1, 2), (1, 3, 8)):
        np.testing.assert_allclose(run(model_id, level, threads, batch), shipped, atol=YEARS)


@each_network
def test_the_reference_evaluator_gives_the_same_age(model_id: str) -> None:
    pytest.importorskip("onnx", reason="onnx is only needed to build the models")
    from onnx.reference import ReferenceEvaluator

    images = chips(model_id)[:3]
    evaluator: Any = ReferenceEvaluator(str(path_of(model_id)))
    found = evaluator.run(None, {"images": images})
    shipped = run(model_id, "ORT_ENABLE_ALL", 1, 2)[:3]
    np.testing.assert_allclose(mean_years(found[0]), shipped, atol=YEARS)


@each_network
def test_the_file_is_small_enough(model_id: str) -> None:
    assert path_of(model_id).stat().st_size <= MAX_BYTES


@each_network
def test_all_age_networks_have_the_same_classes_and_fit(model_id: str) -> None:
    """One raw answer and one alignment serve all of them."""
    manifest, first = load_manifest(model_id), load_manifest(AGE_MODELS[0])
    assert manifest.details["class_years"] == CLASS_YEARS.tolist()
    assert manifest.fit == first.fit
    assert (manifest.mean, manifest.divisor) == (first.mean, first.divisor)


@each_network
def test_pixels_are_multiplied_by_convolutions_only(model_id: str) -> None:
    """A product of matrices packs its operands on the stack, where onnxruntime leaves them."""
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(path_of(model_id)).graph
    takes_pixels = {node.op_type for node in graph.node if graph.input[0].name in node.input}
    assert takes_pixels
    assert not takes_pixels & {"MatMul", "Gemm", "Einsum"}
