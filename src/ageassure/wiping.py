"""Evidence in writable buffers is filled with zeros when it was used, whatever happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

__all__ = ["Wiping"]

_ZEROS: Final = memoryview(bytes(65_536))
"""Written piece by piece, so that wiping needs no memory that there may not be."""


@final
class Wiping:
    """Wipes the writable buffers in a piece of evidence when its ``with`` block is left.

    Buffers are ``bytearray`` and writable, contiguous ``memoryview``; those in a list, a tuple or
    the values of a ``dict`` count as well, at any depth. Anything else is left alone: ``bytes``
    cannot be overwritten, an array stays its owner's, and what another mapping would do to get at
    its values is not known. No evidence is kept alive but those buffers.

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
        elif isinstance(thing, dict | list | tuple) and id(thing) not in seen:
            seen.add(id(thing))
            pending += thing.values() if isinstance(thing, dict) else thing


def _bytes_of(buffer: bytearray | memoryview) -> memoryview | None:
    try:
        view = memoryview(buffer).cast("B")
    except (TypeError, ValueError):  # one with gaps, or released
        return None
    return None if view.readonly else view
