"""Does a process that lives for weeks stay as it is? Many estimates, and what they cost over time.

    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 python benchmarks/soak.py --estimates 50000

A hardened process takes pictures in every format from a coroutine, in two threads, as a service
does. One in two hundred is as large as a telephone's. Among the estimates are refusals, deadlines
that pass and tasks that are cancelled. At even
distances the resident memory, the open files and the threads are counted, and every answer is held
against the first one for the same picture. Needs scikit-image and Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from skimage import data

from ageassure.errors import AgeAssuranceError, DeadlineError
from ageassure.estimators import FacialAgeEstimator
from ageassure.hardening import harden_process
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent / "results" / "soak.json"
COMMAND = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0 python benchmarks/soak.py"
SAMPLES = 100
THREADS = 2
SIDES = (288, 384)
LARGE_PIXELS, LARGE_EVERY = (4000, 3000), 200
REFUSED_EVERY, LATE_EVERY, CANCELLED_EVERY = 50, 70, 90


@dataclass
class Counts:
    """How the assessments ended, and the first answer for each picture."""

    estimated: int = 0
    large: int = 0
    refused: int = 0
    late: int = 0
    cancelled: int = 0
    other_answers: int = 0
    first: dict[int, float] = field(default_factory=dict)


def pictures() -> list[bytes]:
    portrait = data.astronaut()[..., ::-1]
    made = []
    for side in SIDES:
        pixels = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
        made += [
            cv2.imencode(".jpg", pixels)[1].tobytes(),
            cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
            cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes(),
            cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 90])[1].tobytes(),
        ]
    return made


def large() -> bytes:
    """The portrait in the middle of a picture of 12 megapixels."""
    pixels = np.full((LARGE_PIXELS[1], LARGE_PIXELS[0], 3), 127, np.uint8)
    portrait = cv2.resize(data.astronaut()[..., ::-1], (2400, 2400), interpolation=cv2.INTER_CUBIC)
    pixels[300:2700, 800:3200] = portrait
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def refusals() -> list[bytes]:
    grey = np.full((256, 256, 3), 127, np.uint8)
    portrait = pictures()[0]
    return [cv2.imencode(".jpg", grey)[1].tobytes(), portrait[:-40], b"GIF89a" + portrait, b""]


def state(done: int, started: float) -> dict[str, float]:
    gc.collect()
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]
    return {
        "estimates": done,
        "seconds": round(time.monotonic() - started, 1),
        "resident_kilobytes": int(status),
        "open_files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "system_threads": len(list(Path("/proc/self/task").iterdir())),
    }


async def one(
    number: int,
    files: list[list[bytes]],
    estimator: FacialAgeEstimator,
    threads: AssessmentThreads,
    counts: Counts,
) -> None:
    good, bad, (huge,) = files
    refused, is_large = number % REFUSED_EVERY == 1, number % LARGE_EVERY == 4
    index = -1 if is_large else number % len(bad if refused else good)
    held = bytearray(huge if is_large else (bad if refused else good)[index])
    late = 1e-4 if number % LATE_EVERY == 2 else None
    task = asyncio.create_task(threads.run(estimator.estimate, held, timeout_seconds=late))
    if number % CANCELLED_EVERY == 3:
        await asyncio.sleep(0.002)
        task.cancel()
    try:
        years = (await task).mean_years
    except asyncio.CancelledError:
        counts.cancelled += 1
    except DeadlineError:
        counts.late += 1
    except AgeAssuranceError:
        counts.refused += 1
    else:
        counts.estimated += 1
        counts.large += is_large
        counts.other_answers += counts.first.setdefault(index, years) != years
    if any(held):
        raise AssertionError("a file was not wiped")


async def soak(
    estimates: int, counts: Counts, report: Callable[[list[dict[str, float]]], None]
) -> None:
    files = [pictures(), refusals(), [large()]]
    estimator = FacialAgeEstimator()
    states = []
    started = time.monotonic()
    step = max(1, estimates // SAMPLES)
    with AssessmentThreads(threads=THREADS) as threads:
        numbers = iter(range(10**9))

        async def caller(until: int) -> None:
            while counts.estimated < until:
                await one(next(numbers), files, estimator, threads, counts)

        for done in range(step, estimates + 1, step):
            await asyncio.gather(*[caller(done) for _ in range(THREADS)])
            states.append(state(counts.estimated, started))
            report(states)


def summary(states: list[dict[str, float]]) -> dict[str, object]:
    """From a tenth of the way on: by then every buffer has been needed once."""
    settled = states[len(states) // 10 :]
    done = np.array([s["estimates"] for s in settled])
    memory = np.array([s["resident_kilobytes"] for s in settled])
    slope = float(np.polyfit(done, memory, 1)[0]) if len(settled) > 1 else 0.0
    return {
        "resident_kilobytes": [
            int(memory[0]),
            int(memory.min()),
            int(memory.max()),
            int(memory[-1]),
        ],
        "resident_kilobytes_meaning": "after a tenth, least, most, at the end",
        "kilobytes_per_1000_estimates": round(slope * 1000, 3),
        "open_files": sorted({int(s["open_files"]) for s in settled}),
        "threads": sorted({int(s["system_threads"]) for s in settled}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--estimates", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    hardened = harden_process().fully_hardened
    counts = Counts()

    def report(states: list[dict[str, float]]) -> None:
        """Write what is known so far: a soak that is broken off has its result too."""
        document = {
            "command": f"{COMMAND} --estimates {asked.estimates}",
            "asked_for": asked.estimates,
            "hardened": hardened,
            "python": sys.version.split()[0],
            "assessments": {
                "estimated": counts.estimated,
                "of them of 12 megapixels": counts.large,
                "refused": counts.refused,
                "past the deadline": counts.late,
                "cancelled": counts.cancelled,
                "with another answer than before": counts.other_answers,
            },
            "settled": summary(states),
            "states": states,
        }
        asked.out.write_text(json.dumps(document, indent=1) + "\n")

    asyncio.run(soak(asked.estimates, counts, report))
    print(asked.out.read_text())


if __name__ == "__main__":
    main()
