"""The one owner of decoded pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

import numpy as np

from ageassure.wiping import wipe_stack

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

ArrayT = TypeVar("ArrayT", bound="NDArray[Any]")


class Frame:
    """Owns a picture's pixels and zero-fills them when it is left.

    Use it as a context manager: the pixels are wiped on success, refusal and exception alike. What
    is derived from them (crops, network inputs) is handed over with :meth:`own` and wiped with
    them. A frame cannot be pickled or copied, and its ``repr`` says nothing of the picture.

    Not covered: memory that a decoder or a network allocated and freed by itself, and a frame that
    is dropped without being wiped. Not safe against reading in one thread while another wipes.

    Args:
        pixels: Writable RGB uint8 array [height, width, 3]; it belongs to the frame from now on.

    Raises:
        ValueError: If ``pixels`` is of another shape or type, or read-only.
    """

    __slots__ = ("_owned", "_pixels")

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(
                f"got {pixels.dtype} {pixels.shape}, expected uint8 [height, width, 3]"
            )
        self._owned: list[NDArray[Any]] | None = []
        self._pixels = self.own(pixels).view()
        self._pixels.flags.writeable = False

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """RGB pixels [height, width, 3], read-only; arrays taken from it are zeros after the wipe.

        Raises:
            ValueError: If the frame is wiped.
        """
        if self._owned is None:
            raise ValueError("the frame is wiped")
        return self._pixels

    def own(self, array: ArrayT) -> ArrayT:
        """Take over an array that derives from the pixels, so that it is wiped with them.

        Returns:
            The same array.

        Raises:
            ValueError: If the array is read-only, or the frame is wiped (then so is the array).
        """
        if not array.flags.writeable:
            raise ValueError("got a read-only array, expected one that can be wiped")
        if self._owned is None:
            array.fill(0)
            raise ValueError("the frame is wiped")
        self._owned.append(array)
        return array

    def wipe(self) -> None:
        """Fill every array, and this thread's stack, with zeros; doing so again changes nothing."""
        for array in self._owned or ():
            array.fill(0)
        self._owned = None
        wipe_stack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "<Frame>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a frame is neither pickled nor copied")
