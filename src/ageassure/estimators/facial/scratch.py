"""Arrays that hold parts of a picture and are overwritten with zeros when the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ArrayT = TypeVar("ArrayT", bound="NDArray[Any]")


class Scratch:
    """Collects arrays and fills them with zeros at the end of a ``with`` block, however it ends.

    What it does not reach: temporary arrays inside numpy, OpenCV and onnxruntime.
    """

    def __init__(self) -> None:
        self._arrays: list[NDArray[np.generic]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for array in self._arrays:
            array.fill(0)
        self._arrays.clear()

    def keep(self, array: ArrayT) -> ArrayT:
        """Take note of ``array``, and hand it back."""
        self._arrays.append(array)
        return array
