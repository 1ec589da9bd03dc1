"""Similarity transforms of the plane: scale, rotation and shift, no reflection.

Points are float64 ``[N, 2]``, x to the right and y down, in pixels. A pixel's centre has whole
coordinates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """``q = scale · R(angle) · p + shift``, as ``q = factor · p + shift`` on complex numbers.

    Attributes:
        factor: ``scale · exp(i · angle)``; never 0.
        shift: Where the origin goes.
    """

    factor: complex
    shift: complex

    @classmethod
    def fit(cls, source: NDArray[np.float64], target: NDArray[np.float64]) -> Self:
        """The similarity that takes ``source`` to ``target`` with the least squared error.

        The error is measured among the target points, so that fitting the other way round gives
        slightly more than the inverse. All source points at one place leave the factor undefined;
        the caller's source is a template.
        """
        p = source @ (1, 1j)
        q = target @ (1, 1j)
        centred = p - p.mean()
        factor = np.vdot(centred, q) / np.vdot(centred, centred).real
        return cls(factor=complex(factor), shift=complex(q.mean() - factor * p.mean()))

    @classmethod
    def box(cls, *, centre: complex, side: float, angle: float, pixels: int) -> Self:
        """From an image of ``pixels`` × ``pixels`` to a turned square in the picture.

        Args:
            centre: Centre of the square.
            side: Its side.
            angle: By how much it is turned, radians, from x to y.
            pixels: Side of the image; its centre lies at ``(pixels − 1) / 2``.
        """
        factor = side / pixels * complex(math.cos(angle), math.sin(angle))
        middle = (pixels - 1) / 2 * (1 + 1j)
        return cls(factor=factor, shift=centre - factor * middle)

    @property
    def scale(self) -> float:
        """By how much lengths grow."""
        return abs(self.factor)

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transform points ``[..., 2]``."""
        places = np.ascontiguousarray(points).view(np.complex128)
        return self.moved(places).view(np.float64)

    def moved(self, places: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Transform points that are given as x + iy."""
        return self.factor * places + self.shift

    def matrix(self) -> NDArray[np.float64]:
        """The same as a 2 × 3 matrix."""
        a, b = self.factor.real, self.factor.imag
        return np.array([[a, -b, self.shift.real], [b, a, self.shift.imag]])
