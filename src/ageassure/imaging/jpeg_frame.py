"""JPEG: the frame header, and which coefficients its scans bring (ITU-T T.81, B.2 and G.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, Self

from ageassure.imaging.header import check_sides, malformed, unsupported

_UNSEEN: Final = -1
_LAST_COEFFICIENT: Final = 63
_MAX_SHIFT: Final = 13
"""Highest successive-approximation bit position (T.81, table B.3)."""


@dataclass(slots=True, kw_only=True)
class Component:
    """One component, with the lowest bit received so far of each of its 64 coefficients."""

    identifier: int
    across: int  # horizontal sampling factor
    down: int  # vertical sampling factor
    bits: list[int] = field(default_factory=lambda: [_UNSEEN] * (_LAST_COEFFICIENT + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSize:
    """What a scan must at least hold.

    Attributes:
        units: Minimum coded units (T.81, A.2), by which restart intervals are counted.
        least_bits: Bits that its blocks need even if all are alike.
    """

    units: int
    least_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JPEGFrame:
    """A frame header; its components keep account of the scans."""

    width: int
    height: int
    progressive: bool
    components: tuple[Component, ...]

    @classmethod
    def read(cls, payload: memoryview, *, progressive: bool) -> Self:
        """Read SOF0, SOF1 or SOF2 (T.81, B.2.2).

        Raises:
            PictureError: Malformed, not of 8 bits, not of one or three components, or of a size
                out of bounds.
        """
        if len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
            raise malformed("got a frame header of the wrong length")
        precision, height, width, count = struct.unpack_from(">BHHB", payload)
        if precision != 8:
            raise unsupported(f"got a JPEG of {precision} bits a sample, expected 8")
        if count not in {1, 3}:
            raise unsupported(f"got a JPEG of {count} components, expected grey or colour")
        check_sides(width, height)
        components = tuple(
            Component(identifier=identifier, across=sampling >> 4, down=sampling & 0x0F)
            for identifier, sampling, _table in struct.iter_unpack("BBB", payload[6:])
        )
        if not all(1 <= part.across <= 4 and 1 <= part.down <= 4 for part in components):
            raise malformed("got sampling factors out of bounds, expected 1 … 4")
        if len({part.identifier for part in components}) != count:
            raise malformed("got two components of one name")
        return cls(width=width, height=height, progressive=progressive, components=components)

    @property
    def names(self) -> bytes:
        """The components' identifiers."""
        return bytes(part.identifier for part in self.components)

    @property
    def complete(self) -> bool:
        """Whether the scans brought every bit of every coefficient."""
        return not any(any(part.bits) for part in self.components)

    def add_scan(self, payload: memoryview) -> ScanSize:
        """Read SOS (T.81, B.2.3) and check that it brings what is due (G.1.1.1).

        That every bit may come only once bounds the work that a file can ask for.

        Raises:
            PictureError: ``picture_malformed``.
        """
        if len(payload) < 1 or len(payload) != 4 + 2 * payload[0]:
            raise malformed("got a scan header of the wrong length")
        names = bytes(payload[1:-3:2])
        parts = [part for part in self.components if part.identifier in names]
        if not names or len(parts) != len(names):
            raise malformed("got a scan of components that the frame does not have")
        first, last, shifts = payload[-3:]
        high, low = shifts >> 4, shifts & 0x0F
        if not self._allows(first, last, high, low, len(parts)):
            raise malformed("got a scan of coefficients that its process does not allow")
        due = [high or _UNSEEN] * (last + 1 - first)
        for part in parts:
            if part.bits[first : last + 1] != due or (first and part.bits[0] == _UNSEEN):
                raise malformed("got a scan out of order, or one that repeats another")
            part.bits[first : last + 1] = [low] * len(due)
        units, blocks = self._count(parts)
        # The least that Huffman codes allow: one bit for a block's mean, one for its end.
        bits_a_block = 0 if first else 1 if self.progressive else 2
        return ScanSize(units=units, least_bits=blocks * bits_a_block)

    def _allows(self, first: int, last: int, high: int, low: int, count: int) -> bool:
        if not self.progressive:
            return (first, last, high, low) == (0, _LAST_COEFFICIENT, 0, 0)
        if high and low != high - 1:
            return False
        if first == 0:
            return last == 0 and low <= _MAX_SHIFT
        return first <= last <= _LAST_COEFFICIENT and count == 1 and low <= _MAX_SHIFT

    def _count(self, parts: list[Component]) -> tuple[int, int]:
        """Count a scan's minimum coded units and its blocks (T.81, A.1.1 and A.2)."""
        across = max(part.across for part in self.components)
        down = max(part.down for part in self.components)
        if len(parts) > 1:
            units = -(-self.width // (8 * across)) * -(-self.height // (8 * down))
            return units, units * sum(part.across * part.down for part in parts)
        columns = -(-self.width * parts[0].across // across)
        rows = -(-self.height * parts[0].down // down)
        units = -(-columns // 8) * -(-rows // 8)
        return units, units
