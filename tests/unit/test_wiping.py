from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure import wiping
from ageassure.estimators.document import ChipData, HolderCheck, MachineReadableZone
from ageassure.wiping import Wiping, stack_is_left, wipe_stack

SIZES = [0, 1, 65_535, 65_536, 65_537, 200_000]


@pytest.mark.parametrize("size", SIZES)
def test_a_bytearray_is_zeros_and_may_grow_again(size: int) -> None:
    held = bytearray(b"\xa7" * size)
    with Wiping(held):
        assert held == b"\xa7" * size
    assert held == bytes(size)
    held.append(1)  # no view of it is held any more


def test_it_is_zeros_when_the_block_raises() -> None:
    held = bytearray(b"evidence")
    with pytest.raises(KeyboardInterrupt), Wiping(held):
        raise KeyboardInterrupt
    assert not any(held)


def test_only_the_part_that_was_handed_over_is_wiped() -> None:
    held = bytearray(b"before-evidence-after")
    with Wiping(memoryview(held)[7:15]):
        pass
    assert held == b"before-" + bytes(8) + b"-after"


def test_items_of_other_sizes_are_wiped_as_bytes() -> None:
    held = np.full((3, 5), 0x01020304, np.int32)
    with Wiping(memoryview(held.data)):
        pass
    assert not held.any()


def test_buffers_in_containers_are_wiped() -> None:
    one, two, three = bytearray(b"one"), bytearray(b"two"), bytearray(b"three")
    with Wiping({"face": [one, (two,)], "document": {"front": memoryview(three)}}):
        pass
    assert not any([*one, *two, *three])


def test_buffers_in_evidence_of_a_document_are_wiped() -> None:
    """Estimators do it themselves, but evidence that is refused reaches none."""
    zone, signed, group = bytearray(b"zone"), bytearray(b"signed"), bytearray(b"group")
    not_made = HolderCheck.NOT_MADE
    evidence = {
        "mrz": MachineReadableZone(lines=zone, holder_check=not_made),
        "chip": ChipData(security_object=signed, data_group_1=group, holder_check=not_made),
        "kind": ChipData,
    }
    with Wiping(evidence):
        pass
    assert not any([*zone, *signed, *group])


def test_a_container_that_holds_itself_does_no_harm() -> None:
    held = bytearray(b"evidence")
    loop: list[Any] = [held]
    loop.append(loop)
    with Wiping(loop):
        pass
    assert not any(held)


def test_what_cannot_or_must_not_be_overwritten_is_left_alone() -> None:
    array = np.ones(8, np.uint8)
    apart = bytearray(b"a-b-c-d-")
    released = memoryview(b"gone")
    released.release()
    frozen = b"frozen"
    with Wiping(
        [frozen, memoryview(frozen), array, memoryview(apart)[::2], released, None, "text"]
    ):
        pass
    assert frozen == b"frozen"
    assert array.all()
    assert apart == b"a-b-c-d-"


def test_wiping_early_and_again_changes_nothing() -> None:
    held = bytearray(b"evidence")
    wiping = Wiping(held)
    wiping.wipe()
    held[:] = b"another!"
    wiping.wipe()
    assert held == b"another!"


@given(
    st.recursive(
        st.binary(max_size=40).map(bytearray),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(max_size=3), inner)
            | st.lists(inner).map(tuple)
        ),
    )
)
def test_nothing_is_left_in_any_nesting(evidence: Any) -> None:
    with Wiping(evidence):
        pass
    pending = [evidence]
    while pending:
        thing = pending.pop()
        if isinstance(thing, bytearray):
            assert not any(thing)
        else:
            pending += thing.values() if isinstance(thing, dict) else thing


LEFT_ON_THE_STACK = """
import ctypes, os, sys
from ageassure.wiping import wipe_stack

PATTERN = bytes(range(33, 97)) * 1024

class Pattern(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char * len(PATTERN))]

def leave():
    pattern = Pattern.from_buffer_copy(PATTERN)
    call = ctypes.CDLL(None).gnu_get_libc_version
    call.argtypes, call.restype = [Pattern], None
    call(pattern)

def on_the_stack():
    for line in open("/proc/self/maps"):
        if line.rstrip().endswith("[stack]"):
            first, last = (int(end, 16) for end in line.split()[0].split("-"))
            with open("/proc/self/mem", "rb", 0) as memory:
                memory.seek(first)
                return memory.read(last - first).count(PATTERN[:64])

leave()
if sys.argv[1] == "wiped":
    wipe_stack()
print(on_the_stack() > 100)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs glibc")
@pytest.mark.parametrize("how", ["wiped", "left"])
def test_what_native_code_left_on_the_stack_is_overwritten(how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_ON_THE_STACK, how], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{how == 'left'}\n"


def test_a_stack_that_may_be_small_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(wiping, "_SCRUBBING", called.append)
    for size, calls in ((65_536, 0), (8_388_608, 1), (0, 2)):
        monkeypatch.setattr(threading, "stack_size", lambda size=size: size)
        wipe_stack()
        assert len(called) == calls
    monkeypatch.setattr(wiping, "_SCRUBBING", None)
    wipe_stack()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")
def test_where_the_stack_is_not_known_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    scrubbing = wiping._scrubbing
    with monkeypatch.context() as patched:
        patched.setattr(resource, "getrlimit", lambda _: (65_536, 65_536))
        assert scrubbing() is None
    with monkeypatch.context() as patched:
        patched.setattr(ctypes, "CDLL", lambda _: object())
        assert scrubbing() is None
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", "darwin")
        assert scrubbing() is None


def test_why_a_stack_is_not_overwritten_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiping, "_SCRUBBING", lambda _: None)
    for size, told in ((0, False), (1_048_576, False), (786_432, True)):
        monkeypatch.setattr(threading, "stack_size", lambda size=size: size)
        assert bool(stack_is_left()) is told
    monkeypatch.setattr(threading, "stack_size", lambda: 0)
    monkeypatch.setattr(wiping, "_SCRUBBING", None)
    assert stack_is_left()
