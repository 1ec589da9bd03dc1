"""Estimators of one's own that keep pictures: the check must not pass one of them."""

from __future__ import annotations

import ctypes
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.retention.harness import audit_retention
from ageassure.audit.retention.pictures import SMALL_PIXELS, Encoding
from ageassure.audit.retention.report import RetentionReport, RetentionVerdict
from ageassure.audit.retention.watched import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="the check needs Linux's /proc, and what it proves glibc's allocator",
)
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

ESTIMATORS = """
import ctypes, logging, os, sys, time
from pathlib import Path

libc = ctypes.CDLL(None)
CLEAN = Path(__file__).with_name("kept")

class Careless:
    def estimate(self, evidence):
        return bytes(evidence)[:10].upper()

class Hoarder:
    kept = []
    def estimate(self, evidence):
        self.kept.append(bytes(evidence))

class Printer:
    def estimate(self, evidence):
        sys.stdout.buffer.write(evidence)
        sys.stdout.flush()

class Logger:
    def estimate(self, evidence):
        logging.getLogger("own").debug("got %r", evidence)

class Daemon:
    # Leaves the picture to a process that is nobody's child.
    def estimate(self, evidence):
        reader, writer = os.pipe()
        if os.fork() == 0:
            if os.fork() == 0:
                os.close(reader)
                kept = bytes(evidence)
                os.close(writer)
                time.sleep(60)
            os._exit(0)
        os.close(writer)
        os.read(reader, 1)
        os.wait()

class Careful:
    # Leaves children that have ended, of its own and of nobody's.
    def estimate(self, evidence):
        if os.fork() == 0:
            os.fork()
            os._exit(0)
        time.sleep(0.2)
        return 1

class Native:
    # Writes with the C library, where Python's audit events do not see it.
    folder = CLEAN
    number = 0
    def estimate(self, evidence):
        self.number += 1
        name = f"{self.folder}-{self.number}.bin".encode()
        file = libc.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        assert file >= 0
        content = bytes(evidence)
        libc.write(file, content, len(content))
        libc.close(file)

class Shared(Native):
    folder = "/dev/shm/ageassure-test-kept"

class MemoryFile:
    def estimate(self, evidence):
        with memoryview(evidence) as view:
            os.write(os.memfd_create("kept"), view)

class Deleted:
    def estimate(self, evidence):
        file = os.open(CLEAN, os.O_RDWR | os.O_CREAT)
        os.unlink(CLEAN)
        with memoryview(evidence) as view:
            os.write(file, view)

class Piped:
    def estimate(self, evidence):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with memoryview(evidence) as view:
            os.write(writer, view[:60_000])

class Never:
    def estimate(self, evidence):
        raise RuntimeError("not today")

class NoPNG:
    def estimate(self, evidence):
        if evidence.startswith(b"\\x89PNG"):
            raise RuntimeError("what is this?")
        return 1

class Half:
    kept = []
    def estimate(self, evidence):
        import cv2, numpy
        pixels = cv2.imdecode(numpy.frombuffer(evidence, numpy.uint8), cv2.IMREAD_COLOR)
        self.kept.append(cv2.resize(pixels, (224, 224)))

class Shy:
    # Ends where it is traced.
    def estimate(self, evidence):
        if "TracerPid:\\t0" not in Path("/proc/self/status").read_text():
            os._exit(3)
        return 1
"""


class Audit:
    """Runs the check on one of the estimators."""

    def __init__(self, folder: Path) -> None:
        self.kept = folder / "kept"
        names = [
            line.split()[1].partition("(")[0].rstrip(":")
            for line in ESTIMATORS.splitlines()
            if line.startswith("class ")
        ]
        (folder / "own_estimators.py").write_text(ESTIMATORS)
        info = folder / "own_estimators-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-estimators\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            "[ageassure.estimators]\n"
            + "".join(f"{name.lower()} = own_estimators:{name}\n" for name in names)
        )

    def __call__(self, name: str, *encodings: Encoding) -> RetentionReport:
        return audit_retention(
            estimator=name,
            encodings=encodings or (Encoding.TURNED,),  # the fewest cases
            sizes=[SMALL_PIXELS],
            threads=[1],
        )


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield Audit(tmp_path)
    for left in Path("/dev/shm").glob("ageassure-test-kept*"):
        left.unlink()


@pytest.fixture
def no_strace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)


@needs_strace
def test_one_that_keeps_nothing_passes(audit: Audit) -> None:
    report = audit("careless")
    assert report.verdict is RetentionVerdict.PASSED
    assert report.control_found
    assert report.trace.calls == 0
    own = [line for line in report.lines if line.subject != CONTROL]
    assert {line.subject for line in own} == {"careless"}
    assert not {"fault", "deadline_exceeded", "called_off"} & {line.wanted for line in own}
    assert any("of your own" in limit for limit in report.limits)


def test_processes_that_have_ended_hold_nothing(audit: Audit, no_strace: None) -> None:
    report = audit("careful")
    assert report.found == ()
    assert all("strace" in text for text in report.not_shown)


def test_without_strace_files_are_not_shown(audit: Audit, no_strace: None) -> None:
    for name in ("careless", "native"):  # the second wrote every picture to a disk
        report = audit(name)
        assert report.verdict is RetentionVerdict.NOT_SHOWN
        assert not report.passed
        assert report.trace.calls is None
        assert any("strace is not installed" in text for text in report.not_shown)
    assert list(audit.kept.parent.glob("kept-*"))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("hoarder", "file"),
        ("printer", "file"),
        ("logger", "file as Python shows it"),
        ("daemon", "file"),
    ],
)
def test_one_that_keeps_the_file_fails(name: str, form: str, audit: Audit, no_strace: None) -> None:
    report = audit(name)
    assert report.verdict is RetentionVerdict.FAILED
    assert all(line.runs[form] > 0 for line in report.lines if line.subject == name)


@needs_strace
@pytest.mark.parametrize("name", ["native", "shared"])
def test_one_that_writes_with_native_code_fails(name: str, audit: Audit) -> None:
    report = audit(name)
    assert report.verdict is RetentionVerdict.FAILED
    assert report.trace.calls


@pytest.mark.parametrize("name", ["memoryfile", "deleted"])
def test_one_that_keeps_it_in_an_open_file_fails(name: str, audit: Audit, no_strace: None) -> None:
    report = audit(name)
    assert report.verdict is RetentionVerdict.FAILED
    assert report.runs_left
    assert report.files_open


def test_what_waits_in_a_pipe_is_not_shown(audit: Audit, no_strace: None) -> None:
    report = audit("piped")
    assert report.unread
    assert any("pipe" in text for text in report.not_shown)


def test_one_that_never_estimates_does_not_pass(audit: Audit, no_strace: None) -> None:
    report = audit("never")
    assert report.verdict is RetentionVerdict.NOT_SHOWN
    assert any("nothing was estimated" in text for text in report.not_shown)


def test_a_kind_of_file_that_was_never_estimated_is_named(audit: Audit, no_strace: None) -> None:
    report = audit("nopng", Encoding.TURNED, Encoding.ALPHA)
    (told,) = [text for text in report.not_shown if "nothing was estimated" in text]
    assert Encoding.ALPHA in told
    assert Encoding.TURNED not in told


def test_one_that_keeps_reduced_pictures_fails(audit: Audit, no_strace: None) -> None:
    report = audit("half")
    assert report.verdict is RetentionVerdict.FAILED
    assert report.runs_left


@needs_strace
def test_one_that_ends_where_it_is_traced_does_not_pass(audit: Audit) -> None:
    report = audit("shy")
    assert report.verdict is RetentionVerdict.NOT_SHOWN
    assert any("ended by itself under strace" in text for text in report.not_shown)
