"""Evidence in writable buffers is filled with zeros when it was used, whatever happened to it.

So is the part of the thread's stack on which native code has worked.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Final, Self, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

__all__ = ["Wiping", "stack_is_left", "wipe_stack"]

STACK_BYTES: Final = 192 * 1024
"""How much of the stack is overwritten. onnxruntime's matrix products lay 64 KiB of what they
multiply on it, below a few more of its frames."""

_LEAST_STACK_BYTES: Final = 1024 * 1024
"""Threads that may have less are left alone rather than overrun."""

_ZEROS: Final = memoryview(bytes(65_536))
"""Written piece by piece, so that wiping needs no memory that there may not be."""


@final
class Wiping:
    """Wipes the writable buffers in a piece of evidence when its ``with`` block is left.

    Buffers are ``bytearray`` and writable, contiguous ``memoryview``; those in a list, a tuple, the
    values of a ``dict`` or the fields of a dataclass count as well, at any depth. Anything else is
    left alone: ``bytes`` cannot be overwritten, an array stays its owner's, and what another
    mapping would do to get at its values is not known. No evidence is kept alive but those buffers.

    Args:
        evidence: What is about to be used.
    """

    __slots__ = ("_views",)

    def __init__(self, evidence: object) -> None:
        self._views = list(_writable(evidence))

    def wipe(self) -> None:
        """Fill the buffers with zeros and let go of them; doing so again changes nothing."""
        while self._views:
            with self._views.pop() as view:
                for start in range(0, len(view), len(_ZEROS)):
                    part = view[start : start + len(_ZEROS)]
                    part[:] = _ZEROS[: len(part)]
                    part.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.wipe()


def _writable(evidence: object) -> Iterator[memoryview]:
    pending, seen = [evidence], set()
    while pending:
        thing = pending.pop()
        if isinstance(thing, bytearray | memoryview):
            view = _bytes_of(thing)
            if view is not None:
                yield view
        elif id(thing) not in seen:
            seen.add(id(thing))
            pending += _parts(thing)


def _parts(thing: object) -> Iterable[object]:
    if isinstance(thing, dict):
        return thing.values()
    if isinstance(thing, list | tuple):
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        return [getattr(thing, field.name, None) for field in fields(thing)]
    return ()


def _bytes_of(buffer: bytearray | memoryview) -> memoryview | None:
    try:
        view = memoryview(buffer).cast("B")
    except (TypeError, ValueError):  # one with gaps, or released
        return None
    return None if view.readonly else view


def wipe_stack() -> None:
    """Overwrite what native code has left on this thread's stack, below the caller; Linux only.

    Neither an allocator nor any buffer of ours has to do with it: kernels of onnxruntime keep parts
    of their inputs there while they work, and leave them until something else needs the place. It
    takes well under a millisecond. Nothing is done in threads that may have a small stack; see
    :func:`stack_is_left`.
    """
    if _SCRUBBING is not None and not _stack_may_be_small():
        _SCRUBBING(_ZEROS_BY_VALUE)


def stack_is_left() -> str | None:
    """Why :func:`wipe_stack` does nothing in threads that start now; None where it works.

    Their stacks are as large as the limit says (``ulimit -s``), or ``threading.stack_size``.
    """
    if _SCRUBBING is None or _stack_may_be_small():
        return "only stacks of 1 MiB or more, with glibc, are overwritten"
    return None


def _stack_may_be_small() -> bool:
    size = threading.stack_size()  # 0 is the system's own
    return 0 < size < _LEAST_STACK_BYTES


class _Zeros(ctypes.Structure):
    """Passed by value, it is laid on the stack, where the function called does not look at it."""

    _fields_ = (("zeros", ctypes.c_char * STACK_BYTES),)


_ZEROS_BY_VALUE: Final = _Zeros()


def _scrubbing() -> Callable[[_Zeros], object] | None:
    if sys.platform != "linux":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_STACK)[0]
    if limit != resource.RLIM_INFINITY and limit < _LEAST_STACK_BYTES:
        return None
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):  # musl's threads have small stacks
        return None
    function = libc.gnu_get_libc_version  # takes no argument, and looks at none
    function.argtypes = [_Zeros]
    function.restype = None
    return function


_SCRUBBING: Final = _scrubbing()
