from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.engines.base import Task
from ageassure.audit.engines.threads import ThreadEngine
from ageassure.audit.prediction.assessing import ALL_YEARS
from ageassure.audit.prediction.files import read_predictions
from ageassure.audit.prediction.run import RunFiles, predict
from ageassure.audit.resources import Resources
from ageassure.audit.table import P_OVER_YEARS
from ageassure.errors import DataSetError, PredictionsError

from ..manifests import HEADER, ROWS, data_set, manifest_file
from ..plugins import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ageassure.audit.prediction.assessing import Answer, Job

TASK = Task(estimator="steady")


@pytest.fixture(autouse=True)
def _steady(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)


class Reversed:
    """Answers from the last to the first, some twice."""

    at_once = 1

    def answers(self, task: Task, jobs: Sequence[Job]) -> Iterator[list[Answer]]:
        assessor = task.assessor()
        for job in reversed(jobs):
            yield [assessor(job), assessor(job)]


class Lazy:
    at_once = 1

    def answers(self, task: Task, jobs: Sequence[Job]) -> Iterator[list[Answer]]:
        assessor = task.assessor()
        yield [assessor(job) for job in jobs[1:]]


def run(path: Path, out: Path, engine: Reversed | Lazy | ThreadEngine | None = None) -> bytes:
    predict(
        read_manifest(path),
        root=path.parent,
        task=TASK,
        engine=ThreadEngine(threads=1) if engine is None else engine,
        files=RunFiles.beside(out),
    )
    return out.read_bytes()


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_threads_and_their_order_do_not_change_a_byte(tmp_path: Path, name: str) -> None:
    path = data_set(tmp_path, 40)
    engines: list[ThreadEngine | Reversed] = [
        ThreadEngine(threads=1),
        ThreadEngine(threads=7),
        Reversed(),
    ]
    found = {run(path, tmp_path / f"{n}{name}", engine) for n, engine in enumerate(engines)}
    assert len(found) == 1


def test_every_row_of_the_manifest_has_one_in_its_order(tmp_path: Path) -> None:
    path = data_set(tmp_path, 30)
    (tmp_path / "pictures" / "3.png").unlink()
    run(path, tmp_path / "p.csv")
    found = read_predictions(tmp_path / "p.csv")
    assert list(found.sample_ids) == [f"s{n}" for n in range(30)]
    statuses = [found.status.values[code] for code in found.status.codes]
    assert statuses[3] == "picture_unreadable"
    assert set(statuses) == {"ok", "no_face", "picture_unreadable"}


def test_the_record_names_what_the_predictions_were_made_from(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    predictions = run(path, tmp_path / "p.csv")
    record = json.loads((tmp_path / "p.run.json").read_text())
    assert record["manifest_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["predictions_sha256"] == hashlib.sha256(predictions).hexdigest()
    assert record["pipeline_digest"] == "5" * 64
    face = {"numpy", "onnxruntime", "opencv-python-headless", "simplejpeg"}
    assert record["versions"].keys() == {"ageassure", "ageassure-models", *face}
    cost = Resources.from_data(record["resources"])
    assert cost.p95_ms >= cost.median_ms > 0
    assert (cost.n, cost.at_once, cost.network_threads, cost.model_bytes) == (9, 1, None, None)
    latencies = (tmp_path / "p.latencies.csv").read_text().splitlines()
    assert latencies[0] == "sample_id,latency_ms"
    assert len(latencies) == 10
    assert not (tmp_path / "p.csv.journal").exists()


def test_a_run_may_tell_whole_distributions(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    short, whole = (read_predictions(_with(path, tmp_path / name, years)) for name, years in (
        ("s.csv", P_OVER_YEARS), ("w.csv", ALL_YEARS)
    ))  # fmt: skip
    assert json.loads((tmp_path / "w.run.json").read_text())["p_over_years"] == list(ALL_YEARS)
    assert whole.p_over.shape == (9, 120)
    columns = [ALL_YEARS.index(age) for age in P_OVER_YEARS]
    np.testing.assert_array_equal(whole.p_over[:, columns], short.p_over)
    np.testing.assert_array_equal(whole.estimated_age_years, short.estimated_age_years)
    seen = ~np.isnan(whole.estimated_age_years)
    assert seen.any()
    # The mean of whole numbers is the sum of P(age ≥ a) over a = 1, 2, …
    np.testing.assert_allclose(
        whole.p_over[seen].sum(axis=1), whole.estimated_age_years[seen], rtol=1e-9
    )


def _with(path: Path, out: Path, years: tuple[int, ...]) -> Path:
    predict(
        read_manifest(path),
        root=path.parent,
        task=Task(estimator="steady", p_over_years=years),
        engine=ThreadEngine(threads=1),
        files=RunFiles.beside(out),
    )
    return out


def test_nothing_but_the_files_named_is_written(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    out = tmp_path / "out"
    out.mkdir()
    run(path, out / "p.parquet")
    names = sorted(file.name for file in out.iterdir())
    assert names == ["p.latencies.parquet", "p.parquet", "p.run.json"]


def test_predictions_are_not_overwritten(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    run(path, tmp_path / "p.csv")
    with pytest.raises(PredictionsError, match=r"p\.csv exists and is not overwritten"):
        run(path, tmp_path / "p.csv")


def test_the_record_of_other_predictions_is_not_overwritten(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    run(path, tmp_path / "p.csv")
    record = (tmp_path / "p.run.json").read_bytes()
    with pytest.raises(PredictionsError, match=r"p\.run\.json exists and is not overwritten"):
        run(path, tmp_path / "p.parquet")
    assert (tmp_path / "p.run.json").read_bytes() == record
    assert not (tmp_path / "p.parquet").exists()


def test_a_manifest_without_paths_has_no_pictures(tmp_path: Path) -> None:
    path = manifest_file(tmp_path, "sample_id,age", "a,20")
    with pytest.raises(DataSetError, match="no column path"):
        run(path, tmp_path / "p.csv")


def test_an_engine_that_leaves_pictures_out_is_found_out(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    with pytest.raises(PredictionsError, match="1 pictures were not answered"):
        run(path, tmp_path / "p.csv", Lazy())
    assert not (tmp_path / "p.csv").exists()
    run(path, tmp_path / "p.csv")


def test_pictures_that_are_all_missing_are_rows(tmp_path: Path) -> None:
    path = manifest_file(tmp_path, HEADER, *ROWS)
    run(path, tmp_path / "p.csv")
    record = json.loads((tmp_path / "p.run.json").read_text())
    assert record["resources"] is None
    assert (tmp_path / "p.csv").read_text().count("picture_unreadable") == 3


def test_progress_counts_what_is_new(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)
    told: list[object] = []

    def progress(total: int, done: int) -> Callable[[int], object]:
        told.append((total, done))
        return told.append

    people, files = read_manifest(path), RunFiles.beside(tmp_path / "p.csv")
    with pytest.raises(PredictionsError):
        predict(people, root=tmp_path, task=TASK, engine=Lazy(), files=files, progress=progress)
    engine = ThreadEngine(threads=1)
    predict(people, root=tmp_path, task=TASK, engine=engine, files=files, progress=progress)
    assert told == [(9, 0), 8, (9, 8), 1]


def test_a_record_that_cannot_be_written_leaves_the_journal(tmp_path: Path) -> None:
    path = data_set(tmp_path, 9)

    def in_the_way(_count: int, _done: int) -> Callable[[int], object]:
        (tmp_path / "p.run.json").mkdir()
        return lambda _new: None

    people, files = read_manifest(path), RunFiles.beside(tmp_path / "p.csv")
    engine = ThreadEngine(threads=1)
    with pytest.raises(PredictionsError, match=r"cannot write p\.run\.json"):
        predict(people, root=tmp_path, task=TASK, engine=engine, files=files, progress=in_the_way)
    assert files.journal.exists()
    (tmp_path / "p.run.json").rmdir()
    first = (tmp_path / "p.csv").read_bytes()
    assert run(path, tmp_path / "p.csv") == first


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_a_run_killed_again_and_again_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = data_set(tmp_path, 60)
    whole = run(path, tmp_path / f"whole-{name}")
    monkeypatch.setenv("STEADY_SECONDS", "0.02")
    out = tmp_path / name
    command = [sys.executable, "-m", "ageassure", "audit", "predict", "--manifest", str(path)]
    command += ["--estimator", "steady", "--out", str(out), "--workers", "3"]
    journal, seen = tmp_path / f"{name}.journal", 0
    for _ in range(3):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        with process:
            deadline = time.monotonic() + 60
            while journal_size(journal) <= seen and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL, "it had finished before it was killed"
        assert not out.exists()
        seen = journal_size(journal)
    subprocess.run(command, check=True, capture_output=True)
    assert out.read_bytes() == whole
    assert not journal.exists()


def journal_size(path: Path) -> int:
    """Bytes after the first line; 0 while there is none."""
    content = path.read_bytes() if path.exists() else b""
    return len(content.partition(b"\n")[2])
