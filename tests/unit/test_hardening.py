"""What harden_process does is looked at from interpreters of their own: it cannot be undone."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ageassure import hardening
from ageassure.errors import MissingExtraError
from ageassure.hardening import TUNABLE, HardeningReport, Measure

glibc_only = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"),
    reason="needs glibc",
)

REPORT = """
from ageassure.hardening import harden_process
report = harden_process()
for measure, why in report.missing.items():
    print(measure, "|", why)
print(report.fully_hardened)
"""


def run(code: str, *, tunables: str | None = TUNABLE, first: str = "") -> list[str]:
    environment = {
        key: value for key, value in os.environ.items() if key not in {"GLIBC_TUNABLES", "ORT_"}
    }
    if tunables is not None:
        environment["GLIBC_TUNABLES"] = tunables
    done = subprocess.run(
        [sys.executable, "-c", first + code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


@glibc_only
def test_a_process_started_rightly_is_fully_hardened() -> None:
    assert run(REPORT) == ["True"]
    assert run(REPORT, tunables=f"glibc.malloc.trim_threshold=131072:{TUNABLE}") == ["True"]


@glibc_only
@pytest.mark.parametrize("late", ["", f"import os; os.environ['GLIBC_TUNABLES'] = '{TUNABLE}'"])
def test_the_cache_that_cannot_be_switched_off_later_is_told(late: str) -> None:
    assert run(REPORT, tunables=None, first=late) == [
        f"small_blocks | the process was started without GLIBC_TUNABLES={TUNABLE}",
        "False",
    ]


@glibc_only
@pytest.mark.parametrize(
    "small",
    [
        "import threading; threading.stack_size(768 * 1024)",
        "import resource as r; r.setrlimit(r.RLIMIT_STACK, (768 * 1024, 768 * 1024))",
    ],
)
def test_stacks_that_are_not_overwritten_are_told(small: str) -> None:
    assert run(REPORT, first=f"{small}\n") == [
        "stack | only stacks of 1 MiB or more, with glibc, are overwritten",
        "False",
    ]


BLOCKS = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
from ageassure.hardening import harden_process
if hardened:
    harden_process()
for size in (64, 1000, 2000, 100_000):
    # A neighbour keeps the freed block from being merged into the untouched rest of the heap.
    block, neighbour = libc.malloc(size), libc.malloc(64)
    ctypes.memset(block, 0x41, size)
    libc.free(block)
    print(size, b"A" * 32 in ctypes.string_at(block, size))
"""


@glibc_only
@pytest.mark.parametrize("hardened", [True, False])
def test_freed_blocks_are_overwritten(hardened: bool) -> None:
    lines = run(BLOCKS, first=f"hardened = {hardened}\n")
    assert lines == [f"{size} {not hardened}" for size in (64, 1000, 2000, 100_000)]


@glibc_only
def test_nothing_is_dumped() -> None:
    code = """
import ctypes, resource
from ageassure.hardening import harden_process, set_dumpable
dumpable = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
print(dumpable())
harden_process()
print(dumpable(), resource.getrlimit(resource.RLIMIT_CORE))
set_dumpable(dumpable=True)
print(dumpable())
"""
    assert run(code) == ["1", "0 (0, 0)", "1"]


@glibc_only
def test_it_is_no_side_effect_of_an_import() -> None:
    code = """
import ctypes, resource
before = resource.getrlimit(resource.RLIMIT_CORE)
import ageassure, ageassure.hardening, ageassure.estimators, ageassure.provider
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), before == resource.getrlimit(resource.RLIMIT_CORE))
"""
    assert run(code) == ["1 True"]


FAKE = """
import os, sys, types
os.environ.pop("ORT_DISABLE_TELEMETRY", None)
fake = types.ModuleType("onnxruntime")
fake.__spec__ = types.SimpleNamespace()
fake.set_default_logger_severity = lambda _: None
sys.modules["onnxruntime"] = fake
"""


@glibc_only
def test_onnxruntime_imported_earlier_is_told() -> None:
    assert run(REPORT, first=FAKE) == [
        "telemetry | onnxruntime was imported before its telemetry was switched off",
        "False",
    ]


def test_without_onnxruntime_there_is_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(hardening, "find_spec", lambda _: None)
        patched.delitem(sys.modules, "onnxruntime", raising=False)
        patched.setitem(sys.modules, "ageassure.inference", None)
        assert hardening._check_telemetry() is None


@glibc_only
def test_an_onnxruntime_that_does_not_load_is_no_obstacle() -> None:
    assert run(REPORT, first="import sys; sys.modules['onnxruntime'] = None\n") == ["True"]


class FakeLibc:
    """A C library whose switches fail in one way or another."""

    def __init__(self, *, accepts: int = 1, address: int | None = None) -> None:
        self.gnu_get_libc_version = None
        self.mallopt = lambda _option, _value: accepts
        self.prctl = lambda *_: -1
        self.malloc = Call(address)
        self.free = Call(None)


class Call(SimpleNamespace):
    """A function to which a result type can be given, as with ctypes."""

    def __init__(self, result: int | None) -> None:
        super().__init__()
        self.result = result

    def __call__(self, _: Any) -> int | None:
        return self.result


def reasons(
    monkeypatch: pytest.MonkeyPatch, libc: object, platform: str = "linux"
) -> dict[Measure, str]:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: libc)
    monkeypatch.setattr(hardening, "_forbid_core_files", lambda: None)
    monkeypatch.setattr(hardening, "stack_is_left", lambda: None)  # found when it is imported
    monkeypatch.setenv("GLIBC_TUNABLES", TUNABLE)
    return dict(hardening.harden_process().missing)


def test_another_c_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    musl = SimpleNamespace(prctl=lambda *_: 0)
    missing = reasons(monkeypatch, musl)
    assert set(missing) == {Measure.FREED_MEMORY, Measure.SMALL_BLOCKS}
    assert all("not glibc" in why for why in missing.values())


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_another_system_is_told(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = reasons(monkeypatch, None, platform)
    assert set(missing) == {Measure.FREED_MEMORY, Measure.SMALL_BLOCKS, Measure.DUMPABLE}


def test_another_allocator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    block = ctypes.create_string_buffer(b"\x5c" * 8192)
    missing = reasons(monkeypatch, FakeLibc(address=ctypes.addressof(block)))
    assert missing[Measure.FREED_MEMORY] == "another allocator than glibc's is in use"
    assert missing[Measure.SMALL_BLOCKS].startswith("the process was started without")
    assert missing[Measure.DUMPABLE].startswith("prctl failed")


def test_refused_switches_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = reasons(monkeypatch, FakeLibc(accepts=0))
    assert missing[Measure.FREED_MEMORY] == "mallopt(M_PERTURB) failed"


def test_no_memory_for_the_probe_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = reasons(monkeypatch, FakeLibc(address=None))
    assert {Measure.FREED_MEMORY, Measure.SMALL_BLOCKS} <= set(missing)


def test_core_files_that_cannot_be_forbidden_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")

    def fails(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", fails)
    assert hardening._forbid_core_files() == "RLIMIT_CORE could not be set: ValueError"
    monkeypatch.setattr(sys, "platform", "win32")
    assert hardening._forbid_core_files() == "Windows has no such limit"


def test_the_report_says_what_is_missing() -> None:
    whole = HardeningReport(missing={})
    assert whole.fully_hardened
    assert whole.achieved == set(Measure)
    part = HardeningReport(missing={Measure.DUMPABLE: "no such switch"})
    assert not part.fully_hardened
    assert part.achieved == set(Measure) - {Measure.DUMPABLE}
    with pytest.raises(ValueError, match="reason"):
        HardeningReport(missing={Measure.DUMPABLE: ""})


@pytest.mark.parametrize("in_time", [True, False])
def test_telemetry_is_judged_by_what_the_session_module_saw(
    in_time: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.inference.telemetry_was_off_in_time", in_time)
    assert (hardening._check_telemetry() is None) is in_time


def test_a_broken_onnxruntime_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise MissingExtraError("it does not load")

    monkeypatch.setitem(sys.modules, "ageassure.inference", Broken())
    assert hardening._check_telemetry() is None


def test_the_variable_alone_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardening, "_glibc", lambda: FakeLibc(address=None))
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=01")
    assert str(hardening._check_small_blocks()).endswith(TUNABLE)
