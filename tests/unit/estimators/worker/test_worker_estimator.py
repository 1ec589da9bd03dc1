"""Real worker processes, with an estimator that does what its evidence says."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest
from skimage.data import astronaut

from ageassure.deadline import Deadline
from ageassure.errors import (
    AgeAssuranceError,
    CalledOffError,
    ConfigurationError,
    DeadlineError,
    EvidenceError,
    FaceError,
    WorkerError,
)
from ageassure.estimators import Estimator, FacialAgeEstimator, WorkerEstimator
from ageassure.estimators.worker import estimator as module
from ageassure.hardening import TUNABLE
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

OWN = """
import os, sys, time
from ageassure.errors import FaceError
from ageassure.testing import estimated_age, known_age

class Obedient:
    def __init__(self):
        self.count = 0

    def estimate(self, evidence):
        self.count += 1
        if isinstance(evidence, list):
            return known_age(len(evidence), 100)
        order = bytes(evidence[:5])
        print("noise", flush=True)
        print("noise", file=sys.stderr, flush=True)
        if order == b"crash":
            os.kill(os.getpid(), 9)
        if order == b"exits":
            os._exit(0)
        if order == b"hangs":
            time.sleep(600)
        if order == b"junk.":
            for number in range(3, 16):
                try:
                    os.write(number, b"\\xff" * 64)
                except OSError:
                    pass
        if order == b"face.":
            raise FaceError("got 2 faces, expected one", code="several_faces")
        if order == b"fault":
            raise RuntimeError(bytes(evidence))
        if order == b"pid..":
            return known_age(os.getpid() % 100, None)
        if order == b"tunes":
            return known_age(int("tcache_count=0" in os.environ["GLIBC_TUNABLES"]), None)
        return known_age(self.count, None)

def defective():
    raise RuntimeError("no weights")
"""

ENTRY_POINTS = """\
[ageassure.estimators]
obedient = own_obedient:Obedient
defective = own_obedient:defective
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_obedient.py").write_text(OWN)
    info = folder / "own_obedient-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-obedient\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def lasting(own: None) -> Iterator[WorkerEstimator]:
    """One worker for many pictures: the tests that do not need a new one are quicker by it."""
    with WorkerEstimator("obedient", pictures_per_worker=1000) as estimator:
        yield estimator


def children() -> dict[int, str]:
    """This process's children and the states that the system gives them."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(rest[1]) == os.getpid():
            found[int(stat.parent.name)] = rest[0]
    return found


def test_it_is_an_estimator(lasting: WorkerEstimator) -> None:
    assert isinstance(lasting, Estimator)


def test_the_shipped_estimator_says_the_same_in_a_worker() -> None:
    picture = cv2.imencode(".jpg", astronaut()[..., ::-1])[1].tobytes()  # type: ignore[no-untyped-call]
    here = FacialAgeEstimator().estimate(picture)
    held = bytearray(picture)
    with WorkerEstimator() as estimator:
        there = estimator.estimate(held)
        assert not any(held)
        held = bytearray(b"GIF89a")
        with pytest.raises(AgeAssuranceError) as caught:
            estimator.estimate(held)
    assert caught.value.code == "picture_unsupported"
    assert not any(held)
    assert there.mean_years == pytest.approx(here.mean_years, abs=1e-9)
    assert there.pipeline_digest == here.pipeline_digest
    assert there.method_class is here.method_class


@pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: memoryview(bytearray(data))])
def test_files_of_every_kind_are_taken_and_wiped_where_they_can_be(
    kind: Callable[[bytes], Any], lasting: WorkerEstimator
) -> None:
    for size in (0, 1, 70_000, 3_000_000):  # a pipe holds 65,536 bytes
        held = kind(b"evidence".ljust(size, b"."))
        assert lasting.estimate(held).bounds_at_or_over(1) == (1.0, 1.0)
        if not isinstance(held, bytes):
            assert not any(held)


def test_several_files_are_one_piece_of_evidence(lasting: WorkerEstimator) -> None:
    held = [bytearray(b"one"), bytearray(b"two")]
    assert lasting.estimate([*held, b"three"]).interval(0.5) == (3, 100)
    assert lasting.estimate((b"one",)).interval(0.5) == (1, 100)
    assert not any(held[0] + held[1])


def test_what_an_estimator_raises_comes_back_without_its_evidence(lasting: WorkerEstimator) -> None:
    parts = [b"fault: a sec", b"ret"]
    with pytest.raises(FaceError, match="got 2 faces") as caught:
        lasting.estimate(bytearray(b"face."))
    assert caught.value.code == "several_faces"
    with pytest.raises(EvidenceError) as fault:
        lasting.estimate(b"".join(parts))
    assert str(fault.value) == "the estimator raised RuntimeError"
    for error in (caught.value, fault.value):
        assert error.__context__ is None
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert "secret" not in "".join(shown.format())


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        "text",
        [],
        [b"x"] * 65,
        [b"x", "text"],
        {"face": b"x"},
        memoryview(b"a-b-c-")[::2],
    ],
)
def test_what_is_no_file_is_refused(evidence: Any, lasting: WorkerEstimator) -> None:
    with pytest.raises(EvidenceError, match="expected"):
        lasting.estimate(evidence)


def test_too_many_bytes_are_refused(
    lasting: WorkerEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_REQUEST_BYTES", 10)
    held = [bytearray(b"evidence"), bytearray(b"more")]
    with pytest.raises(EvidenceError, match="at most 10"):
        lasting.estimate(held)
    assert not any(held[0] + held[1])


@needs_proc
def test_each_picture_has_a_worker_of_its_own_and_no_zombie_is_left(own: None) -> None:
    before = children()
    with WorkerEstimator("obedient", workers=2) as estimator:
        for _ in range(4):
            assert estimator.estimate(b"x").interval(0.5)[0] == 1  # its first picture
            now = {pid: state for pid, state in children().items() if pid not in before}
            assert len(now) == 2
            assert "Z" not in now.values()
    assert children().keys() <= before.keys()


def test_a_worker_may_take_several_pictures_before_it_is_replaced(own: None) -> None:
    with WorkerEstimator("obedient", pictures_per_worker=2) as estimator:
        counts = []
        for order in (b"x", b"x", b"x", b"face.", b"x"):
            try:
                counts.append(estimator.estimate(order).interval(0.5)[0])
            except FaceError:
                counts.append(0)
    assert counts == [1, 2, 1, 0, 1]  # a refusal counts as well


@pytest.mark.parametrize("order", [b"crash", b"exits", b"junk."])
def test_a_worker_that_ends_or_answers_wrongly_is_an_error_and_the_next_one_works(
    order: bytes, own: None
) -> None:
    held = bytearray(order)
    with WorkerEstimator("obedient", pictures_per_worker=1000) as estimator:
        with pytest.raises(WorkerError) as caught:
            estimator.estimate(held)
        assert caught.value.code == "worker_failed"
        assert caught.value.__context__ is None
        assert not any(held)
        assert estimator.estimate(b"x").interval(0.5)[0] == 1


@needs_proc
def test_a_worker_that_was_killed_while_it_waited_is_replaced(own: None) -> None:
    before = children()
    with WorkerEstimator("obedient") as estimator:
        (worker,) = children().keys() - before.keys()
        os.kill(worker, signal.SIGKILL)
        os.waitid(os.P_PID, worker, os.WEXITED | os.WNOWAIT)
        assert estimator.estimate(b"x").interval(0.5)[0] == 1


@needs_proc
def test_a_deadline_ends_a_worker_in_the_middle_of_its_work(own: None) -> None:
    before = children()
    held = bytearray(b"hangs")
    with WorkerEstimator("obedient") as estimator:
        workers = children().keys() - before.keys()
        with pytest.raises(DeadlineError):
            estimator.estimate(held, timeout_seconds=0.2)
        assert not any(held)
        assert not workers & children().keys()
        held = bytearray(b"hangs")
        with Deadline(0.2), pytest.raises(DeadlineError):
            estimator.estimate(held)
        assert not any(held)


def test_a_cancellation_ends_a_worker_in_the_middle_of_its_work(own: None) -> None:
    held = bytearray(b"hangs")

    async def cancel() -> None:
        task = asyncio.create_task(threads.run(estimator.estimate, held))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with WorkerEstimator("obedient") as estimator, AssessmentThreads(threads=1) as threads:
        asyncio.run(cancel())
    assert not any(held)


def test_a_large_file_that_nobody_reads_does_not_hold_up_a_deadline(own: None) -> None:
    with WorkerEstimator("obedient", pictures_per_worker=2) as estimator:
        worker = estimator._free.get()
        assert worker is not None
        os.kill(worker._process.pid, signal.SIGSTOP)
        estimator._free.put(worker)
        held = bytearray(5_000_000)
        held[:] = b"x" * len(held)
        with pytest.raises(DeadlineError):
            estimator.estimate(held, timeout_seconds=0.2)
        assert not any(held)


def test_more_callers_than_workers_wait_for_their_turn(own: None) -> None:
    with (
        WorkerEstimator("obedient", workers=2, pictures_per_worker=1000) as estimator,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(lambda _: estimator.estimate(b"x").interval(0.5)[0], range(40)))
    assert sum(sorted(answers)[-2:]) >= 40  # each picture was counted by one of two workers


def test_a_caller_that_waits_for_a_worker_has_a_deadline(own: None) -> None:
    with WorkerEstimator("obedient") as estimator, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(estimator.estimate, b"hangs", timeout_seconds=2)
        while not estimator._free.empty():
            time.sleep(0.001)
        held = bytearray(b"x")
        with pytest.raises(DeadlineError):
            estimator.estimate(held, timeout_seconds=0.05)
        assert not any(held)
        assert isinstance(busy.exception(), DeadlineError)


@pytest.mark.parametrize(
    ("name", "kind", "match"),
    [
        ("nobody", ConfigurationError, "'nobody'"),
        ("defective", EvidenceError, "the estimator raised RuntimeError"),
    ],
)
def test_a_set_up_that_cannot_work_is_told_at_once(
    name: str, kind: type[AgeAssuranceError], match: str, own: None
) -> None:
    before = children() if sys.platform == "linux" else {}
    with pytest.raises(kind, match=match):
        WorkerEstimator(name, workers=2)
    if sys.platform == "linux":
        assert children().keys() <= before.keys()


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "1", None, float("nan"), [1]])
@pytest.mark.parametrize("name", ["workers", "pictures_per_worker"])
def test_numbers_that_are_none_are_refused(name: str, count: Any) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        WorkerEstimator("obedient", **{name: count})


@pytest.mark.parametrize("name", [None, b"facial", 5, "a\0b", "\ud800", "a\nb", "x" * 1000])
def test_names_that_are_none_are_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a name of an estimator"):
        WorkerEstimator(name)


@pytest.mark.parametrize("seconds", [10**400, -(10**400), float("nan"), "1", True])
def test_a_timeout_that_is_no_number_is_refused(seconds: Any, lasting: WorkerEstimator) -> None:
    held = bytearray(b"evidence")
    with pytest.raises(ConfigurationError, match="timeout"):
        lasting.estimate(held, timeout_seconds=seconds)
    assert not any(held)


def test_workers_that_cannot_be_started_are_an_error(
    own: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WorkerEstimator("obedient") as estimator:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        assert estimator.estimate(b"x").interval(0.5)[0] == 1  # what runs still answers
        held = bytearray(b"x")
        with pytest.raises(WorkerError, match="started"):
            estimator.estimate(held)
        assert not any(held)
        monkeypatch.undo()
        monkeypatch.setenv("PYTHONPATH", os.environ["PYTHONPATH"])
        assert estimator.estimate(b"x").interval(0.5)[0] == 1


def test_closed_workers_refuse_and_wipe(own: None) -> None:
    held = bytearray(b"x")
    with WorkerEstimator("obedient") as estimator:
        pass
    estimator.close()
    with pytest.raises(CalledOffError, match="closed"):
        estimator.estimate(held)
    assert not any(held)


def test_workers_belong_to_the_process_that_made_them(
    lasting: WorkerEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_pid = os.getpid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: own_pid + 1)
        with pytest.raises(ConfigurationError, match="fork"):
            lasting.estimate(b"x")
        lasting.close()  # ends nothing that is another's
    assert lasting.estimate(b"x").interval(0.5)[0] >= 1


def test_a_worker_is_hardened_from_its_start_as_far_as_the_platform_allows(
    lasting: WorkerEstimator, own: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lasting.estimate(b"tunes").interval(0.5)[0] == 1
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=131072")
    with WorkerEstimator("obedient") as estimator:
        assert estimator.estimate(b"tunes").interval(0.5)[0] == 1
    monkeypatch.setenv("GLIBC_TUNABLES", TUNABLE)
    with WorkerEstimator("obedient") as estimator:
        assert estimator.estimate(b"tunes").interval(0.5)[0] == 1


@needs_proc
def test_a_worker_ends_when_its_parent_does(own: None) -> None:
    code = """
import os
from ageassure.estimators import WorkerEstimator
estimator = WorkerEstimator("obedient")
print(estimator._free.get()._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    pid = int(done.stdout)
    for _ in range(3000):
        state = Path(f"/proc/{pid}/stat")
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return  # waits to be buried by whoever is first in this container
        except OSError:
            return
        time.sleep(0.01)
    raise AssertionError


def test_it_works_without_a_guarded_main_module(own: None) -> None:
    code = (
        "from ageassure.estimators import WorkerEstimator\n"
        "estimator = WorkerEstimator('obedient')\n"
        "print(estimator.estimate(b'x').interval(0.5)[0])\n"
        "estimator.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
