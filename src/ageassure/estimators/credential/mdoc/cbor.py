"""CBOR (RFC 8949) within bounds; the only module that imports cbor2.

ISO/IEC 18013-5 hashes and signs encoded bytes, so one value must have one encoding: lengths and
integers take the fewest bytes, nothing has an indefinite length, no map has a key twice, nothing
follows the end. Tags are those that such documents need: a date and time (0), encoded CBOR (24) and
a full date (1004). The library would act on others: a bigfloat of eight bytes fills any memory.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from ageassure.estimators.credential.refusal import malformed
from ageassure.extras import require_extra

require_extra("mdoc", "cbor2")
import cbor2  # noqa: E402 - the extra is looked for first

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 16
MAX_ITEMS: Final = 20_000

ENCODED: Final = 24
"""Tag of a byte string that holds encoded CBOR."""

_TAGS: Final = frozenset({0, ENCODED, 1004})
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES: Final = frozenset({20, 21, 22})  # false, true, null
_FLOAT_BYTES: Final = {25: 2, 26: 4, 27: 8}


def decode(data: bytes) -> Any:  # noqa: ANN401 - a tree of plain values
    """Decode one item that fills ``data``.

    Raises:
        CredentialError: ``credential_malformed`` if it is not such CBOR, or beyond the bounds.
    """
    if type(data) is not bytes or not 0 < len(data) <= MAX_BYTES:
        raise malformed(f"got no CBOR of 1 to {MAX_BYTES} bytes")
    if _Walk(data).item(0, depth=0) != len(data):
        raise malformed("got CBOR with something after its end")
    with suppress(cbor2.CBORError, ValueError, OverflowError, RecursionError):  # raised below
        return cbor2.loads(
            data, max_depth=MAX_DEPTH + 1, allow_indefinite=False, allow_duplicate_keys=False
        )
    raise malformed("got malformed CBOR")


def encode(value: object) -> bytes:
    """Encode plain values; maps keep the order in which they were built."""
    return cbor2.dumps(value)


def embedded(content: bytes) -> object:
    """``24(<<content>>)``, to be encoded with what is around it.

    It comes out in the same bytes as it was decoded from, since each value has one encoding.
    """
    return cbor2.CBORTag(ENCODED, content)


def content_of(value: object) -> bytes:
    """The bytes in a decoded ``24(<<…>>)``.

    Raises:
        CredentialError: ``credential_malformed`` if it is anything else.
    """
    if isinstance(value, cbor2.CBORTag) and value.tag == ENCODED and type(value.value) is bytes:
        return value.value
    raise malformed("got no byte string of encoded CBOR")


class _Walk:
    """One pass over the heads, before anything is built."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._items = 0

    def item(self, at: int, *, depth: int, key: bool = False) -> int:
        """Check the item that begins at ``at``; return where it ends."""
        self._items += 1
        if depth > MAX_DEPTH or self._items > MAX_ITEMS:
            raise malformed("got CBOR that is nested too deep, or of too many items")
        major, argument, at = self._head(at)
        if key and major not in (_UNSIGNED, _NEGATIVE, _TEXT):
            raise malformed("got a CBOR map with a key that is neither text nor integer")
        if major in (_BYTES, _TEXT):
            if argument > len(self._data) - at:
                raise malformed("got truncated CBOR")
            return at + argument
        if major == _TAG:
            if argument not in _TAGS:
                raise malformed("got CBOR with a tag that no such document needs")
            return self.item(at, depth=depth + 1)
        if major in (_ARRAY, _MAP):
            for _ in range(argument):
                if major == _MAP:
                    at = self.item(at, depth=depth + 1, key=True)
                at = self.item(at, depth=depth + 1)
        return at

    def _head(self, at: int) -> tuple[int, int, int]:
        if at >= len(self._data):
            raise malformed("got truncated CBOR")
        major, short = divmod(self._data[at], 32)
        if major == _SIMPLE:
            return major, 0, at + 1 + self._simple_bytes(short)
        if short < 24:
            return major, short, at + 1
        size = 1 << (short - 24)
        if short > 27 or at + 1 + size > len(self._data):
            raise malformed("got truncated CBOR, or some of indefinite length")
        argument = int.from_bytes(self._data[at + 1 : at + 1 + size], "big")
        least = 24 if size == 1 else 1 << (4 * size)
        if argument < least:
            raise malformed("got CBOR that does not take the fewest bytes")
        return major, argument, at + 1 + size

    def _simple_bytes(self, short: int) -> int:
        if short in _SIMPLE_VALUES:
            return 0
        if short not in _FLOAT_BYTES:
            raise malformed("got CBOR with a simple value that no such document needs")
        return _FLOAT_BYTES[short]
