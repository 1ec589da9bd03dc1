"""Arrays of statuses: packed, deflated, inflated within bounds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final, final

from ageassure.errors import ConfigurationError, StatusError

VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
"""Status values (section 7.1); 3 and 11 to 15 are for the application to define."""

BITS: Final = (1, 2, 4, 8)
MAX_LIST_BYTES: Final = 4 * 1024 * 1024
"""Largest list, inflated: 33 million places of one bit. Deflate packs a thousandfold."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """An array of statuses.

    Attributes:
        bits: Bits of each, 1, 2, 4 or 8.
        data: The packed array, the first place in the lowest bits of the first byte.

    Raises:
        ConfigurationError: If ``bits`` is another number, or ``data`` is empty or too large.
    """

    bits: int
    data: bytes

    def __post_init__(self) -> None:
        if type(self.bits) is not int or self.bits not in BITS:
            raise ConfigurationError("got another number of bits, expected 1, 2, 4 or 8")
        if type(self.data) is not bytes or not 0 < len(self.data) <= MAX_LIST_BYTES:
            raise ConfigurationError(f"got no list of 1 to {MAX_LIST_BYTES} bytes")

    def __len__(self) -> int:
        """Places; the last few may be padding."""
        return len(self.data) * 8 // self.bits

    def status(self, index: int) -> int:
        """The status at a place, 0 to 2**bits - 1.

        Raises:
            StatusError: If there is no such place; code ``status_refused``.
        """
        if type(index) is not int or not 0 <= index < len(self):
            raise StatusError("got a place that is not in the list", code="status_refused")
        place, shift = divmod(index * self.bits, 8)
        return self.data[place] >> shift & ((1 << self.bits) - 1)


@final
class StatusListBuilder:
    """The issuer's array, to be changed and published again. Not safe for threads.

    Where places are given out in order, the place tells when a credential was issued: draw them at
    random (section 13.2), and begin with more places than are needed.

    Args:
        size: Places; all begin as :data:`VALID`.
        bits: Bits of each.

    Raises:
        ConfigurationError: If one of these is out of range.
    """

    __slots__ = ("_bits", "_data", "_size")

    def __init__(self, size: int, *, bits: int = 1) -> None:
        if type(bits) is not int or bits not in BITS:
            raise ConfigurationError("got another number of bits, expected 1, 2, 4 or 8")
        if type(size) is not int or not 0 < size <= MAX_LIST_BYTES * 8 // bits:
            raise ConfigurationError("got another size, expected a positive int within the limit")
        self._size = size
        self._bits = bits
        self._data = bytearray((size * bits + 7) // 8)

    @classmethod
    def from_list(cls, status_list: StatusList) -> StatusListBuilder:
        """Go on with a list that was built before."""
        builder = cls(len(status_list), bits=status_list.bits)
        builder._data[:] = status_list.data
        return builder

    def set(self, index: int, status: int) -> None:
        """Change one status.

        Raises:
            ConfigurationError: If there is no such place, or the status has too many bits.
        """
        if type(index) is not int or not 0 <= index < self._size:
            raise ConfigurationError("got a place that is not in the list")
        if type(status) is not int or not 0 <= status < 1 << self._bits:
            raise ConfigurationError(f"got another status, expected 0 to {(1 << self._bits) - 1}")
        place, shift = divmod(index * self._bits, 8)
        cleared = self._data[place] & ~(((1 << self._bits) - 1) << shift)
        self._data[place] = cleared | status << shift

    def build(self) -> StatusList:
        """The list as it is now."""
        return StatusList(bits=self._bits, data=bytes(self._data))


def deflated(statuses: StatusList) -> bytes:
    """The list as one zlib stream (RFC 1950)."""
    return zlib.compress(statuses.data, 9)


def inflated(compressed: bytes) -> bytes | None:
    """One whole zlib stream (RFC 1950) of a bounded size; None for anything else."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, MAX_LIST_BYTES + 1)
    except zlib.error:
        return None
    if not 0 < len(data) <= MAX_LIST_BYTES or not stream.eof or stream.unused_data:
        return None
    return data
