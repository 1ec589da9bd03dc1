"""What the audit's engines add to the estimator's own work, and what a large audit needs.

::

    python benchmarks/audit_engines.py
    python benchmarks/audit_engines.py --json benchmarks/results/audit_engines.json

Needs the extra ``audit``, for the picture the extra ``demo``; with the extra ``ray`` its engine is
measured, too. All figures are processor time, of all threads and, for Ray, of all its processes;
ratios are of rounds that follow one another in one run, so that other work on the machine disturbs
both alike.

* Overhead: a plain loop over copies of a public-domain portrait (512 × 512 pixels) – read the file,
  estimate, take seven numbers – against ``predict`` with one thread, everything that it writes
  included. Of a long and a short run the difference counts, so that loading is left out.
* Rows: manifests and journals of many made-up rows without an estimator: what a row costs beside
  its picture, in time, memory and bytes.
* Shards: reading the headers of a tar shard, which is done once before the run.
* Ray: likewise, so that starting the cluster is left out.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.util
import json
import os
import platform
import resource
import shutil
import statistics
import tarfile
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.datasets.places import find_pictures
from ageassure.audit.datasets.statement import AgeProof, Statement, statement_path
from ageassure.audit.engines.base import Task
from ageassure.audit.engines.threads import ThreadEngine
from ageassure.audit.prediction.assessing import Answer
from ageassure.audit.prediction.run import RunFiles, predict
from ageassure.audit.table import P_OVER_YEARS
from ageassure.estimators import FacialAgeEstimator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.datasets.manifest import Manifest
    from ageassure.audit.prediction.assessing import Job

PICTURES: Final = 120
FEW: Final = 20
ROUNDS: Final = 9
ROWS: Final = 200_000
MEMBERS: Final = 20_000
RAY_RUNS: Final = (60, 360)
TASK: Final = Task(estimator="facial")
MILLION: Final = 1_000_000

Json = dict[str, Any]


def portrait() -> bytes:
    content = (files("skimage.data") / "astronaut.png").read_bytes()
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    encoded = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 90))[1]
    return bytes(encoded.tobytes())


def manifest_of(folder: Path, count: int, *, pictures: bool) -> Path:
    """A manifest of ``count`` rows with four columns of people; optionally with its pictures."""
    picture = portrait() if pictures else b""
    path = folder / f"{count}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("sample_id,path,age,subject,sex,ethnicity,skin_tone,capture_domain\n")
        for row in range(count):
            name = f"pictures/{row:09}.jpg"
            file.write(f"{name},{name},{row % 80},p{row},female,group {row % 12},{row % 6},web\n")
    if pictures:
        (folder / "pictures").mkdir(exist_ok=True)
        for row in range(count):
            (folder / "pictures" / f"{row:09}.jpg").write_bytes(picture)
    statement = Statement(
        name="made up",
        licence="public domain",
        age_proof=AgeProof.APPARENT,
        manifest_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    statement_path(path).write_text(statement.to_toml(), encoding="utf-8")
    return path


def plain(folder: Path, people: Manifest) -> float:
    """Processor seconds of a plain loop, loading included."""
    started, found = time.process_time(), []
    estimator = FacialAgeEstimator()
    for path in people.paths or ():
        estimate = estimator.estimate(bytearray((folder / path).read_bytes()))
        chances = [estimate.probability_at_or_over(age) for age in P_OVER_YEARS]
        found.append((estimate.mean_years, *chances))
    assert len(found) == len(people)
    return time.process_time() - started


def with_engine(folder: Path, people: Manifest) -> float:
    """Processor seconds of ``predict`` with one thread, loading and writing included."""
    out = folder / "out"
    out.mkdir()
    started = time.process_time()
    engine, files_ = ThreadEngine(threads=1), RunFiles.beside(out / "p.parquet")
    predict(people, root=folder, task=TASK, engine=engine, files=files_)
    seconds = time.process_time() - started
    shutil.rmtree(out)
    return seconds


def overhead(folder: Path) -> Json:
    short, long = (
        read_manifest(manifest_of(folder, count, pictures=True)) for count in (FEW, FEW + PICTURES)
    )
    rounds = []
    for turn in range(ROUNDS):
        pair: dict[str, float] = {}
        for name in ("plain", "engine") if turn % 2 else ("engine", "plain"):
            gc.collect()
            run = plain if name == "plain" else with_engine
            pair[name] = run(folder, long) - run(folder, short)
        rounds.append(pair)
    ratios = sorted(pair["engine"] / pair["plain"] for pair in rounds)
    return {
        "pictures_per_round": PICTURES,
        "rounds": ROUNDS,
        "plain_ms_per_picture": _per(rounds, "plain"),
        "engine_ms_per_picture": _per(rounds, "engine"),
        "ratio_engine_to_plain": {
            "median": round(statistics.median(ratios), 4),
            "least": round(ratios[0], 4),
            "greatest": round(ratios[-1], 4),
        },
    }


def _per(rounds: list[dict[str, float]], name: str) -> float:
    return round(statistics.median(pair[name] for pair in rounds) / PICTURES * 1000, 3)


class Instant:
    """Answers without looking."""

    at_once = 1

    def answers(  # noqa: D102
        self, _task: Task, jobs: Sequence[Job]
    ) -> Iterator[list[Answer]]:
        chances = tuple(1 - age / 100 for age in P_OVER_YEARS)
        for start in range(0, len(jobs), 16):
            yield [
                Answer(
                    index=job.index,
                    status="ok",
                    estimated_age_years=20 + job.index % 977 / 7,
                    p_over=chances,
                    latency_ms=17.123456789,
                )
                for job in jobs[start : start + 16]
            ]


def rows(folder: Path) -> Json:
    path = manifest_of(folder, ROWS, pictures=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    people = read_manifest(path)
    reading = time.process_time() - started
    files_ = RunFiles.beside(folder / "rows.parquet")
    started = time.process_time()
    predict(people, root=folder, task=TASK, engine=Instant(), files=files_)
    writing = time.process_time() - started
    greatest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rows": ROWS,
        "seconds_per_million_rows": round((reading + writing) / ROWS * MILLION, 1),
        "mib_per_million_rows": round((greatest - before) / 1024 / ROWS * MILLION),
        "manifest_mb_per_million_rows": round(path.stat().st_size / ROWS, 1),
        "predictions_mb_per_million_rows": round(files_.predictions.stat().st_size / ROWS, 1),
    }


def shards(folder: Path) -> Json:
    path, picture = folder / "shard-00.tar", portrait()[:2000]
    (folder / "one").write_bytes(picture)
    with tarfile.open(path, "w") as archive:
        for member in range(MEMBERS):
            archive.add(folder / "one", arcname=f"{member:09}.jpg")
    started = time.process_time()
    find_pictures(folder, [f"shard-00.tar#{member:09}.jpg" for member in range(MEMBERS)])
    seconds = time.process_time() - started
    return {
        "members": MEMBERS,
        "seconds_per_million_members": round(seconds / MEMBERS * MILLION, 1),
    }


def family_seconds(pid: int) -> float:
    """Processor seconds of a process and everything below it, living or waited for (Linux)."""
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            used[int(entry.name)] = sum(map(int, fields[11:15])) / tick
    total, left = 0.0, [pid]
    while left:
        one = left.pop()
        total += used.get(one, 0.0)
        left += parents.get(one, [])
    return total


def ray_run(folder: Path, count: int, workers: int) -> float:
    """Processor seconds of a run on a cluster of its own, until the last answer."""
    from ageassure.audit.engines.ray_data import RayEngine
    from ageassure.audit.prediction.run import jobs_of

    jobs = jobs_of(read_manifest(manifest_of(folder, count, pictures=True)), folder)
    seen, seconds = 0, 0.0
    started = family_seconds(os.getpid())
    for answers in RayEngine(workers=workers).answers(TASK, jobs):
        seen += len(answers)
        if seen == count:
            seconds = family_seconds(os.getpid()) - started
    assert seen == count
    return seconds


def with_ray(folder: Path) -> Json | None:
    if importlib.util.find_spec("ray") is None:
        return None
    short, long = (ray_run(folder, count, workers=2) for count in RAY_RUNS)
    few, many = (read_manifest(folder / f"{count}.csv") for count in RAY_RUNS)
    alone = (plain(folder, many) - plain(folder, few)) / (RAY_RUNS[1] - RAY_RUNS[0]) * 1000
    marginal = (long - short) / (RAY_RUNS[1] - RAY_RUNS[0]) * 1000
    return {
        "ray": version("ray"),
        "workers": 2,
        "pictures": list(RAY_RUNS),
        "cluster_start_seconds": round(short - RAY_RUNS[0] * marginal / 1000, 1),
        "ms_per_picture": round(marginal, 2),
        "plain_ms_per_picture_right_after": round(alone, 2),
    }


def circumstances() -> Json:
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average_before": round(os.getloadavg()[0], 1),
        "onnxruntime": version("onnxruntime"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the audit's engines add.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    result: Json = {"benchmark": "audit_engines", "circumstances": circumstances()}
    for name, measure in (
        ("rows", rows),
        ("shards", shards),
        ("overhead", overhead),
        ("ray", with_ray),
    ):
        with tempfile.TemporaryDirectory() as folder:
            result[name] = measure(Path(folder))
        print(name, json.dumps(result[name], indent=1))
    if arguments.json is not None:
        text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
