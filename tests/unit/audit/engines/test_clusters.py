"""Ray and Daft on this machine, as programs of their own; skipped where they are not installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.engines.base import Task
from ageassure.audit.engines.threads import ThreadEngine
from ageassure.audit.prediction.run import RunFiles, predict
from ageassure.errors import MissingExtraError

from ..manifests import data_set
from ..plugins import install

if TYPE_CHECKING:
    from pathlib import Path

# A busy machine needs longer to start a cluster than Ray waits.
os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")

PICTURES = 90
WORKERS = 3


def needs(library: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        find_spec(library) is None, reason=f"{library} is not installed: ageassure[{library}]"
    )


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(tmp_path, monkeypatch)
    (tmp_path / "pids").mkdir()
    path = data_set(tmp_path, PICTURES)
    predict(
        read_manifest(path),
        root=tmp_path,
        task=Task(estimator="steady"),
        engine=ThreadEngine(threads=1),
        files=RunFiles.beside(tmp_path / "threads.parquet"),
    )
    monkeypatch.setenv("STEADY_PIDS", str(tmp_path / "pids"))
    monkeypatch.setenv("STEADY_SECONDS", "0.1")
    return path


def started(people: Path, engine: str, *, out: str = "p.parquet") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ageassure", "audit", "predict", "--manifest", str(people)]
    command += ["--estimator", "steady", "--out", str(people.parent / out)]
    command += ["--engine", engine, "--workers", str(WORKERS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def worker_pids(people: Path, program: int) -> list[int]:
    """Processes that made the estimator, but for the program itself."""
    found = (int(file.name) for file in (people.parent / "pids").iterdir())
    return [pid for pid in found if pid != program]


def kill_a_worker_in_mid_run(people: Path, process: subprocess.Popen[str]) -> None:
    journal = people.parent / "p.parquet.journal"
    deadline = time.monotonic() + 240
    while not journal.exists() or journal.read_bytes().count(b"\n") < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stdout and process.stdout.read()
        time.sleep(0.05)
    os.kill(worker_pids(people, process.pid)[0], signal.SIGKILL)
    assert journal.read_bytes().count(b"\n") < PICTURES, "it had finished before the kill"


@needs("ray")
def test_ray_loses_a_worker_and_gives_the_same_bytes(people: Path) -> None:
    with started(people, "ray") as process:
        kill_a_worker_in_mid_run(people, process)
        told = process.communicate(timeout=300)[0]
    assert process.returncode == 0, told
    folder = people.parent
    assert (folder / "p.parquet").read_bytes() == (folder / "threads.parquet").read_bytes()
    assert len(worker_pids(people, process.pid)) > WORKERS, "no worker was started anew"


@needs("daft")
def test_daft_gives_the_same_bytes(people: Path) -> None:
    with started(people, "daft") as process:
        told = process.communicate(timeout=300)[0]
    assert process.returncode == 0, told
    folder = people.parent
    assert (folder / "p.parquet").read_bytes() == (folder / "threads.parquet").read_bytes()
    assert len(worker_pids(people, process.pid)) == WORKERS


@needs("daft")
def test_daft_loses_a_worker_and_goes_on_when_asked_again(people: Path) -> None:
    with started(people, "daft") as process:
        kill_a_worker_in_mid_run(people, process)
        told = process.communicate(timeout=300)[0]
    folder = people.parent
    if process.returncode != 0:  # it may have answered the rest with the workers left
        assert "engine_failed" in told or "bad_predictions" in told
        with started(people, "daft") as process:
            told = process.communicate(timeout=300)[0]
    assert process.returncode == 0, told
    assert (folder / "p.parquet").read_bytes() == (folder / "threads.parquet").read_bytes()


LOOK = """
import json, os, pathlib, ray
from ageassure.audit.engines import ray_data
from ageassure.errors import EngineError
found = {}
with ray_data._connected(None, 1):
    session = pathlib.Path(ray._private.worker._global_node.get_session_dir_path())
    found["spills"], found["reports"] = ray_data._spills(), ray_data._reports()
    values = [ray.put(bytes(1000)) for _ in range(10)]
    found["spilled"] = [str(p) for p in session.rglob("*spilled*") if p.is_file()]
    found["usage"] = [p.name for p in session.rglob("usage_stats.json")]
    found["again"] = None
    try:
        with ray_data._connected(None, 1):
            pass
    except EngineError as error:
        found["again"] = str(error)
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
try:
    ray_data.check_cluster()
except EngineError as error:
    found["by_default"] = str(error)
ray.shutdown()
try:
    with ray_data._connected("127.0.0.1:1", 1):
        pass
except EngineError as error:
    found["nobody"] = str(error)
print("FOUND" + json.dumps(found))
"""


@needs("ray")
def test_ray_neither_spills_nor_reports_and_a_cluster_that_does_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=False, timeout=500
    )
    assert "FOUND" in done.stdout, done.stdout + done.stderr
    found = json.loads(done.stdout.rpartition("FOUND")[2])
    assert found["spills"] is False
    assert found["reports"] is False
    assert found["spilled"] == found["usage"] == []
    assert "in use in this process" in found["again"]
    assert "spills objects to disk" in found["by_default"]
    assert "cannot reach or start a Ray cluster" in found["nobody"]


REFUSE = """
import json
from ageassure.audit.engines import ray_data
from ageassure.errors import ConfigurationError, EngineError
found = []
for spills, reports in ((False, True), (True, False), (None, False), (False, None)):
    ray_data._spills, ray_data._reports = lambda: spills, lambda: reports
    try:
        ray_data.check_cluster()
    except EngineError as error:
        found.append(str(error))
for workers, address in ((0, None), (100_001, None), (1, "ray://host:1"), (1, "auto")):
    try:
        ray_data.RayEngine(workers=workers, address=address)
    except ConfigurationError as error:
        found.append(str(error))
print("FOUND" + json.dumps(found))
"""


@needs("ray")
def test_ray_is_refused_when_its_settings_cannot_be_established() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSE], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.rpartition("FOUND")[2])
    words = ["reports its use", "spills objects", "cannot establish", "cannot establish"]
    words += ["got 0 workers", "got 100001 workers", "another address", "another address"]
    for message, part in zip(found, words, strict=True):
        assert part in message


TELL = """
import json, socket, sys
asked = []
socket.getaddrinfo = lambda *a, **k: asked.append(str(a[0])) or []
from ageassure.audit.engines import daft as engine
from ageassure.errors import ConfigurationError, EngineError
import daft.scarf_telemetry
found = {"opted_out": daft.scarf_telemetry.opted_out(), "in_time": engine.reports_were_off_in_time}
try:
    engine.DaftEngine(workers=0)
except ConfigurationError as error:
    found["none"] = str(error)
engine.reports_were_off_in_time = False
try:
    engine.DaftEngine(workers=1)
except EngineError as error:
    found["late"] = str(error)
print("FOUND" + json.dumps({**found, "asked": asked}))
"""


@needs("daft")
def test_daft_reports_nothing() -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DO_NOT_TRACK", "DAFT_ANALYTICS_ENABLED", "SCARF_NO_ANALYTICS")
    }
    done = subprocess.run(
        [sys.executable, "-c", TELL], capture_output=True, text=True, check=True, env=environment
    )
    found = json.loads(done.stdout.rpartition("FOUND")[2])
    assert found["opted_out"] is True
    assert found["in_time"] is True
    assert found["asked"] == []
    assert "got 0 workers" in found["none"]
    assert "has reported that" in found["late"]


@pytest.mark.parametrize("module", ["ray_data", "daft"])
def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    name = f"ageassure.audit.engines.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    for library in ("ray", "daft"):
        monkeypatch.setitem(sys.modules, library, None)
    for variable in ("RAY_USAGE_STATS_ENABLED", "DAFT_ANALYTICS_ENABLED", "DO_NOT_TRACK"):
        monkeypatch.setenv(variable, "")
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[(ray|daft)\]'"):
        __import__(name)
