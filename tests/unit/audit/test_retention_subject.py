"""The watched process: what it answers, what it counts, and what is made of an strace log."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from select import select
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.retention import subject
from ageassure.audit.retention.given import GIVEN, Given
from ageassure.audit.retention.memory import process_tree
from ageassure.audit.retention.search import index_texts
from ageassure.audit.retention.stops import NOTHING, STOPS, Stops
from ageassure.audit.retention.subject import CASE, Log, Service, Watch, open_sockets
from ageassure.audit.retention.watched import WatchedProcess
from ageassure.deadline import checkpoint
from ageassure.errors import ConfigurationError, FaceError
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.hardening import HardeningReport, Measure
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def assess(file: bytearray) -> object:
    if file == b"face":
        raise FaceError("no face", code="no_face")
    if file == b"other":
        raise KeyError
    return len(file)


def served(
    *requests: bytes, stops: Stops | None = None, does: Any = assess
) -> list[dict[str, Any]]:
    inward, outward = os.pipe(), os.pipe()
    os.write(inward[1], b"".join(requests))
    os.close(inward[1])
    watch = Watch()
    watch.files, watch.network = 2, 3
    with asyncio.Runner() as runner, AssessmentThreads(threads=3, waiting=0) as pool:
        service = Service(assess=does, pool=pool, watch=watch, stops=stops)
        service.serve(runner, requests=inward[0], answers=outward[1])
    os.close(outward[1])
    os.close(inward[0])
    with os.fdopen(outward[0], "rb") as answers:
        return [json.loads(line) for line in answers]


def case(file: bytes, *, copies: int = 1, stop: str = NOTHING, given: Given = Given.FILE) -> bytes:
    return CASE.pack(copies, len(file), STOPS.index(stop), GIVEN.index(given)) + file * copies


def test_each_case_is_answered() -> None:
    cases = [case(b"picture", copies=3), case(b"face"), case(b"other")]
    answers = served(*cases)
    assert [answer["outcomes"] for answer in answers] == [
        ["estimated"] * 3,
        ["no_face"],
        ["another error"],
    ]
    assert answers[0]["files"] == 2
    assert answers[0]["network"] == 3


def test_a_case_that_breaks_off_ends_it() -> None:
    assert served() == []
    assert served(case(b"picture")[:-1]) == []


def test_a_file_that_was_not_wiped_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ageassure.wiping.Wiping.wipe", lambda _: None)
    assert served(case(b"picture"))[0]["outcomes"] == ["the file was not wiped"]


def test_evidence_is_given_as_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def looks(evidence: Any) -> object:
        shape = getattr(evidence, "shape", None)
        seen.append(shape or (type(evidence), [bytes(one) for one in evidence]))
        kept.append(evidence)
        return 1

    kept: list[Any] = []
    answers = served(
        case(b"abc", given=Given.PAIR), case(b"\1" * 12, given=Given.PIXELS), does=looks
    )
    assert seen == [(list, [b"abc", b"abc\0"]), (2, 2, 3)]
    assert [answer["outcomes"] for answer in answers] == [["estimated"]] * 2
    assert kept[0] == [bytes(3), bytes(4)]
    assert not kept[1].any()  # by the caller, who is the subject
    monkeypatch.setattr("ageassure.wiping.Wiping.wipe", lambda _: None)
    (answer,) = served(case(b"abc", given=Given.PAIR), does=looks)
    assert answer["outcomes"] == ["the file was not wiped"]


def test_errors_are_logged_where_the_search_will_look() -> None:
    log = Log()
    logger = logging.getLogger("ageassure.audit.retention.subject")
    logger.addHandler(log)
    try:
        served(case(b"other"))
    finally:
        logger.removeHandler(log)
    (line,) = log.lines
    assert "Traceback" in line
    assert "KeyError" in line


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> Stops:
    """Stops of a pipeline whose last step is a checkpoint and nothing else."""

    def sound(*_: object) -> str:
        checkpoint()
        return "sound"

    monkeypatch.setattr(FacialPipeline, "age_probabilities", sound)
    return Stops()


def last_step(_: bytearray) -> object:
    probabilities: Any = FacialPipeline.age_probabilities
    return probabilities(None, None, None)


@pytest.mark.parametrize("stop", [stop for stop in STOPS if stop])
def test_the_pipeline_is_stopped_as_it_is_wanted_and_not_afterwards(
    stop: str, stops: Stops
) -> None:
    asked, again = served(
        case(b"picture", stop=stop, copies=3), case(b"picture"), stops=stops, does=last_step
    )
    assert asked["outcomes"] == ["another error" if stop == "fault" else stop] * 3
    assert again["outcomes"] == ["estimated"]


def test_a_cancellation_that_does_not_come_is_not_waited_for_for_ever(
    stops: Stops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.audit.retention.stops._PATIENCE_SECONDS", 0.01)
    stops.wanted = "called_off"
    assert last_step(bytearray()) == "sound"


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Keeps ``main`` from changing this process for good."""
    seen: dict[str, Any] = {}
    report = HardeningReport(missing={Measure.DUMPABLE: "not here"})
    monkeypatch.setattr(subject, "harden_process", lambda: report)
    monkeypatch.setattr(subject, "set_dumpable", lambda **on: seen.update(on))
    monkeypatch.setattr(subject, "Stops", lambda: "stops")
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setattr(sys, "addaudithook", lambda hook: seen.update(hook=hook))
    monkeypatch.setattr(subject, "open_sockets", lambda: [(8, 9)])
    monkeypatch.setattr(os, "dup", lambda _: 77)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(os, "write", lambda to, text: seen.update(answer=json.loads(text), to=to))

    def serve(service: Service, _runner: object, **rest: object) -> None:
        seen.update(rest, stops=service.stops, watch=service.watch)
        seen["assess"] = getattr(service.assess, "__qualname__", "")
        seen["places"] = service.pool._places

    monkeypatch.setattr(Service, "serve", serve)
    return seen


def test_the_shipped_estimator_is_hardened(prepared: dict[str, Any]) -> None:
    subject.main(["4", "hardened", "facial"])
    assert prepared["answer"] == {"missing": ["dumpable"], "sockets": [[8, 9]]}
    assert prepared["dumpable"] is True
    assert prepared["places"] == 4
    assert prepared["stops"] == "stops"
    assert prepared["assess"] == "FacialAgeEstimator.estimate"
    assert prepared["hook"] is prepared["watch"]


def test_the_control_is_not(prepared: dict[str, Any]) -> None:
    subject.main(["1", "plain", "plain flow"])
    assert prepared["answer"] == {"missing": [], "sockets": [[8, 9]]}
    assert "dumpable" not in prepared
    assert prepared["stops"] is None
    assert prepared["assess"] == "PlainFlow.estimate"


def test_one_that_is_to_be_seen_unhardened_is_not_either(prepared: dict[str, Any]) -> None:
    subject.main(["1", "unhardened", "facial"])
    assert prepared["answer"] == {"missing": [], "sockets": [[8, 9]]}
    assert "dumpable" not in prepared
    assert prepared["stops"] is None
    assert prepared["assess"] == "FacialAgeEstimator.estimate"


def test_an_estimator_is_found_by_its_name(prepared: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="'nobody'"):
        subject.main(["1", "hardened", "nobody"])


def watched(events: Iterable[tuple[str, tuple[Any, ...]]]) -> tuple[int, int]:
    watch = Watch()
    for event, arguments in events:
        watch(event, arguments)
    return watch.files, watch.network


def test_writing_and_the_network_are_counted() -> None:
    assert watched([("open", ("a", "w", 0)), ("open", ("a", "r+", 0))]) == (2, 0)
    assert watched([("open", ("a", None, os.O_WRONLY)), ("os.mkdir", ("a", 0, -1))]) == (2, 0)
    assert watched([("open", ("a", "rb", 0)), ("open", ("a", None, 0)), ("import", ("os",))]) == (
        0,
        0,
    )
    assert watched([("open", (os.devnull, None, os.O_RDWR))]) == (0, 0)
    assert watched([("socket.getaddrinfo", ()), ("socket.connect", ())]) == (0, 2)


def test_the_events_are_those_of_this_python(tmp_path: Path) -> None:
    watch = Watch()
    on = True
    sys.addaudithook(lambda event, arguments: watch(event, arguments) if on else None)
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").read_text()
    descriptor = os.open(tmp_path / "other", os.O_CREAT | os.O_WRONLY)
    os.close(descriptor)
    (tmp_path / "file").rename(tmp_path / "new")
    with suppress(OSError):
        socket.socket().close()
    on = False
    assert (watch.files, watch.network > 0) == (3, True)


def test_a_process_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    ends = WatchedProcess("facial", threads=1, home=tmp_path, before=[sys.executable, "-c", ""])
    with pytest.raises(ConfigurationError, match="ended by itself"), ends:
        pass
    once = 'import sys; print(\'{"missing": [], "sockets": []}\', flush=True)'
    brief = WatchedProcess("facial", threads=1, home=tmp_path, before=[sys.executable, "-c", once])
    with brief, pytest.raises(ConfigurationError, match="ended by itself"):
        brief.assess(b"x" * 1_000_000)


def test_a_process_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.audit.retention.watched._PATIENCE_SECONDS", 0.1)
    stays = 'import time; print(\'{"missing": [], "sockets": []}\', flush=True); time.sleep(60)'
    with WatchedProcess("-", threads=1, home=tmp_path, before=[sys.executable, "-c", stays]) as one:
        pid = one._process.pid
    assert not Path(f"/proc/{pid}").exists()


def test_a_descendant_that_stays_is_killed_and_not_waited_for(tmp_path: Path) -> None:
    """It holds the pipe that the answers come through."""
    daemon = (
        "import os, sys, time\n"
        "if not os.fork():\n"
        "    time.sleep(60)\n"
        'print(\'{"missing": [], "sockets": []}\', flush=True)\n'
        "sys.stdin.buffer.read(1)\n"
    )
    starts = [sys.executable, "-c", daemon]
    with WatchedProcess("-", threads=1, home=tmp_path, before=starts) as one:
        _, pid = process_tree(one._process.pid)
        handle = os.pidfd_open(pid)
        began = time.monotonic()
    assert time.monotonic() - began < 20  # neither the daemon's minute nor the patience
    assert select([handle], [], [], 20)[0]
    os.close(handle)


def test_what_it_printed_is_searched_and_told_where_it_ends_by_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = bytes(range(200))
    (tmp_path / "ageassure_prints.py").write_text(
        "import sys\n"
        f"sys.stderr.buffer.write({printed!r})\n"
        "print('the end', file=sys.stderr)\n"
        'print(\'{"missing": [], "sockets": []}\', flush=True)\n'
        "sys.stdin.buffer.read(1)\n"
    )
    starts = [sys.executable, str(tmp_path / "ageassure_prints.py")]
    with WatchedProcess("facial", threads=1, home=tmp_path, before=starts) as one:
        found, _ = one.search(index_texts({"text": printed}))
        assert found["text"]
        assert one.written == set()
        assert capfd.readouterr().err == ""
        with pytest.raises(ConfigurationError, match="ended by itself"):
            one.assess(b"x" * 1_000_000)
    assert "the end" in capfd.readouterr().err


def test_the_sockets_that_are_open_are_told() -> None:
    before = set(open_sockets())
    with socket.socket(socket.AF_UNIX) as made:
        seen = os.fstat(made.fileno())
        assert set(open_sockets()) - before == {(seen.st_dev, seen.st_ino)}


def test_what_it_was_started_with_is_no_file_of_its_own(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+b") as log, (tmp_path / "kept").open("w+b") as kept:
        script = 'import time; print(\'{"missing": [], "sockets": []}\', flush=True); input()'
        streams = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            starts = [sys.executable, "-c", f"{script} #{kept.name}"]
            one = WatchedProcess("facial", threads=1, home=tmp_path, before=starts)
        finally:
            os.dup2(streams, 2)
            os.close(streams)
        with one:
            one.search(index_texts({"text": bytes(range(200))}))
            assert one.written == one.unread == set()
