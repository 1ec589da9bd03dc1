"""Make a process forget: what the operating system and the allocator can add to wiped buffers.

The library wipes the arrays that it owns. What a decoder or a network allocated and freed by itself
is overwritten only if the C library is told to. :func:`harden_process` tells it, process-wide; it
is for services and workers, and is never a side effect of an import.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ageassure.errors import MissingExtraError
from ageassure.wiping import stack_is_left

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TUNABLE: Final = "glibc.malloc.tcache_count=0"
"""To be set in ``GLIBC_TUNABLES`` before the process starts; glibc reads it only then."""

_M_PERTURB: Final = -6
"""malloc.h of glibc: freed blocks are filled with the byte, new ones with its complement."""

_FILL: Final = 0xA5
_PR_SET_DUMPABLE: Final = 4
"""linux/prctl.h."""

_LARGE_BYTES: Final = 8_192
_SMALL_BYTES: Final = 1_000
"""The per-thread cache keeps blocks of up to 1,032 bytes, unfilled (glibc 2.36)."""

_LINKS_BYTES: Final = 32
"""The allocator keeps its own links in the first bytes of a free block."""

_MARK: Final = 0x5C
_PROBES: Final = 4


class Measure(StrEnum):
    """One thing that :func:`harden_process` sees to.

    Members:
        FREED_MEMORY: Freed blocks are overwritten.
        SMALL_BLOCKS: So are those of up to 1,032 bytes, which glibc would keep in a cache as they
            are.
        CORE_FILES: A crash writes no core file.
        DUMPABLE: The kernel dumps the process neither into a file nor into a crash handler's pipe,
            and shows its memory to nobody but root.
        STACK: What native code leaves on a thread's stack is overwritten when a picture's frame is:
            only where threads have 1 MiB of it or more.
        TELEMETRY: onnxruntime wrote no device id and looked no host up when it was imported.
    """

    FREED_MEMORY = "freed_memory"
    SMALL_BLOCKS = "small_blocks"
    CORE_FILES = "core_files"
    DUMPABLE = "dumpable"
    STACK = "stack"
    TELEMETRY = "telemetry"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardeningReport:
    """What was achieved, and what was not.

    Attributes:
        missing: Each measure that could not be achieved, with the reason.

    Raises:
        ValueError: If a reason is empty.
    """

    missing: Mapping[Measure, str]

    def __post_init__(self) -> None:
        if not all(self.missing.values()):
            raise ValueError("got a missing measure without a reason")

    @property
    def achieved(self) -> frozenset[Measure]:
        """Every measure that is not missing."""
        return frozenset(Measure) - self.missing.keys()

    @property
    def fully_hardened(self) -> bool:
        """Whether nothing is missing; a service may refuse to start otherwise."""
        return not self.missing


def harden_process() -> HardeningReport:
    """Harden this process, and say what could not be done.

    On Linux with glibc: freed memory is overwritten from now on (``mallopt(M_PERTURB)``), and
    nothing is dumped (``RLIMIT_CORE`` 0, ``PR_SET_DUMPABLE`` 0). With musl, on macOS and on Windows
    there is no such switch of the allocator: let a worker process exit after each assessment there.
    Whether it works is seen from what the allocator does, not from what it says, so that another
    one, preloaded, is noticed.

    Call it first, before evidence arrives, in every process: a child that is forked inherits all of
    it, one that is started by another program (``spawn``) none but the limit of core files. The
    per-thread cache of glibc can be switched off from outside alone, see :data:`TUNABLE`. Doing it
    again changes nothing.

    onnxruntime's memory arena needs no measure: this library's sessions never have one. Those of
    your own code are not looked at. Not covered: memory that is freed by other means than the C
    library's (Python's own small objects, buffers that a library keeps for reuse), swap, kernel
    buffers, and the stacks of threads for which ``threading.stack_size`` is set later or that other
    code than Python starts.

    Returns:
        What is missing, with reasons. Nothing is raised: what to do without is the caller's to say.
    """
    steps: dict[Measure, Callable[[], str | None]] = {
        Measure.FREED_MEMORY: _overwrite_freed_memory,
        Measure.SMALL_BLOCKS: _check_small_blocks,
        Measure.CORE_FILES: _forbid_core_files,
        Measure.DUMPABLE: lambda: set_dumpable(dumpable=False),
        Measure.STACK: stack_is_left,
        Measure.TELEMETRY: _check_telemetry,
    }
    reasons = {measure: step() for measure, step in steps.items()}
    return HardeningReport(missing={measure: why for measure, why in reasons.items() if why})


def set_dumpable(*, dumpable: bool) -> str | None:
    """Set whether the kernel may dump the process; returns None, or why that could not be done.

    :func:`harden_process` sets it off. The proof of non-retention sets it on again in the process
    that it looks into, since the memory of the others is shown to root alone.
    """
    if sys.platform != "linux":
        return f"{sys.platform} has no such switch"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0) != 0:
        return f"prctl failed: {os.strerror(ctypes.get_errno())}"
    return None


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return None
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.restype = None
    libc.free.argtypes = [ctypes.c_void_p]
    return libc


def _overwrite_freed_memory() -> str | None:
    libc = _glibc()
    if libc is None:
        return "the C library is not glibc and has no switch for it"
    if libc.mallopt(_M_PERTURB, _FILL) != 1:
        return "mallopt(M_PERTURB) failed"
    # New blocks show it: reading a freed one would be nobody's right.
    if set(_fresh_block(libc, _LARGE_BYTES)) != {_FILL ^ 0xFF}:
        return "another allocator than glibc's is in use"
    return None


def _check_small_blocks() -> str | None:
    libc = _glibc()
    if libc is None:
        return "the C library is not glibc and has no switch for it"
    wanted = f"the process was started without GLIBC_TUNABLES={TUNABLE}"
    if TUNABLE not in os.environ.get("GLIBC_TUNABLES", "").split(":"):
        return wanted
    blocks = [_fresh_block(libc, _SMALL_BYTES)[_LINKS_BYTES:] for _ in range(_PROBES)]
    # A cached block comes back with what was last written to it.
    if not all(blocks) or any(_MARK in block for block in blocks):
        return wanted
    return None


def _fresh_block(libc: ctypes.CDLL, size: int) -> bytes:
    """What a new block holds; a mark is left in it."""
    address = libc.malloc(size)
    if not address:
        return b""
    content = ctypes.string_at(address, size)
    ctypes.memset(address, _MARK, size)
    libc.free(address)
    return content


def _forbid_core_files() -> str | None:
    if sys.platform == "win32":
        return "Windows has no such limit"
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        return f"RLIMIT_CORE could not be set: {type(error).__name__}"
    return None


def _check_telemetry() -> str | None:
    if "onnxruntime" not in sys.modules and find_spec("onnxruntime") is None:
        return None
    try:
        # This imports onnxruntime, switched off.
        from ageassure.inference import telemetry_was_off_in_time
    except MissingExtraError:  # it is there but does not load: nothing of it runs
        return None
    if telemetry_was_off_in_time:
        return None
    return "onnxruntime was imported before its telemetry was switched off"
