"""What an estimate is made of, for ``face_speed.py``: the network and worker processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from ageassure.estimators import WorkerEstimator
from ageassure.inference import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

MATRIX_SIDES = (384, 512, 768, 1024)
AGE_NETWORK = "age-v2"

Json = dict[str, Any]


def _least_seconds(function: Callable[[], object], times: int) -> float:
    least = float("inf")
    for _ in range(times):
        begun = time.process_time()
        function()
        least = min(least, time.process_time() - begun)
    return least


def _multiplying(side: int) -> Callable[[], object]:
    """A network that multiplies by a constant matrix, as layers do, in one thread."""
    weights = np.random.default_rng(side).normal(size=(side, side)).astype(np.float32)
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
        "matmul",
        [helper.make_tensor_value_info("a", kind, [side, side])],
        [helper.make_tensor_value_info("c", kind, [side, side])],
        [onnx.numpy_helper.from_array(weights, "b")],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = {"a": weights.T.copy()}
    return lambda: session.run(None, given)


def network_rate() -> Json:
    """Multiply-adds a second: of the age network, and of onnxruntime's own matrix product."""
    network = load_model(AGE_NETWORK)
    chips = np.random.default_rng(1).normal(size=(2, 3, 96, 96)).astype(np.float32)
    products = {side: _multiplying(side) for side in MATRIX_SIDES}
    for product in products.values():
        product()
    network.run(chips)
    seconds: dict[int, float] = dict.fromkeys(MATRIX_SIDES, float("inf"))
    least = float("inf")
    for _ in range(200):  # in turn, so that the same moments of the machine meet both
        least = min(least, _least_seconds(lambda: network.run(chips), 4))
        for side, product in products.items():
            seconds[side] = min(seconds[side], _least_seconds(product, 2))
    rates = {side: side**3 / seconds[side] for side in MATRIX_SIDES}
    ours = 2 * network.manifest.cost.macs / least
    return {
        "network": AGE_NETWORK,
        "milliseconds_for_two_chips": round(least * 1000, 3),
        "giga_multiply_adds_per_second": round(ours / 1e9, 1),
        "matrix_products": {f"{side} × {side}": round(r / 1e9, 1) for side, r in rates.items()},
        "share_of_best_product": round(ours / max(rates.values()), 3),
        "share_by_product": {
            f"{side} × {side}": round(ours / rate, 3) for side, rate in rates.items()
        },
    }


def worker_processes(file: bytes) -> Json:
    """Wall-clock milliseconds of an estimate in a worker."""
    begun = time.perf_counter()
    with WorkerEstimator() as estimator:
        started = time.perf_counter() - begun
        estimator.estimate(file)
        back_to_back = _wall(lambda: estimator.estimate(file), 8)
        waited = []
        for _ in range(5):
            time.sleep(3)
            waited.append(_wall(lambda: estimator.estimate(file), 1))
    with WorkerEstimator(pictures_per_worker=1_000_000) as estimator:
        estimator.estimate(file)
        kept = _wall(lambda: estimator.estimate(file), 30)
    return {
        "start_ms": round(started * 1000),
        "one_picture_per_worker_back_to_back_ms": round(back_to_back, 1),
        "one_picture_per_worker_when_the_next_is_ready_ms": round(min(waited), 1),
        "worker_kept_ms": round(kept, 1),
    }


def _wall(function: Callable[[], object], times: int) -> float:
    least = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        function()
        least = min(least, time.perf_counter() - begun)
    return least * 1000
