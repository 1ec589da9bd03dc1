"""JWK Sets (RFC 7517, 5), checked whole when they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import KeySetError
from ageassure.tokens import strict_json
from ageassure.tokens.keys.frozen import Frozen
from ageassure.tokens.keys.public import PublicJWK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_KEYS: Final = 100
MAX_KEY_SET_BYTES: Final = 256 * 1024


@final
class JWKSet(Frozen):
    """The public keys of one issuer. Frozen; equal to another with equal keys in the same order.

    RFC 7517 lets a reader skip keys that it does not understand. This one refuses the whole set:
    an issuer pinned for age tokens has no other keys in it.

    Attributes:
        keys: 1 to 100 keys, each ``kid`` once.

    Raises:
        KeySetError: If there are none or too many, or a ``kid`` occurs twice.
    """

    __slots__ = ("keys",)

    keys: tuple[PublicJWK, ...]

    def __init__(self, *, keys: Iterable[PublicJWK]) -> None:
        found = tuple(keys)
        if not 1 <= len(found) <= MAX_KEYS:
            raise KeySetError(f"got {len(found)} keys, expected 1 to {MAX_KEYS}")
        if not all(map(_is_key, found)):
            raise KeySetError("got a key that is no PublicJWK")
        if len({key.kid for key in found}) != len(found):
            raise KeySetError("got one kid twice in a set")
        self._set(keys=found)

    def _compared(self) -> tuple[object, ...]:
        return self.keys

    def __repr__(self) -> str:
        return f"JWKSet(keys={self.keys!r})"

    @classmethod
    def from_dict(cls, members: Mapping[str, object]) -> JWKSet:
        """Read a JWK Set; members other than ``keys`` are ignored (RFC 7517, 5).

        Raises:
            KeySetError: If it is no set, or one of its keys must not be used.
        """
        document: object = members
        keys = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(keys, list) or len(keys) > MAX_KEYS:
            raise KeySetError(f"got no JWK Set, expected an object with 1 to {MAX_KEYS} keys")
        return cls(keys=tuple(PublicJWK.from_dict(key) for key in keys))

    @classmethod
    def from_json(cls, text: str | bytes) -> JWKSet:
        """Read a JWK Set from strict JSON of at most 256 KiB.

        Raises:
            KeySetError: As :meth:`from_dict` does, and for duplicate members, a byte order mark,
                another encoding than UTF-8, depth, size, and numbers beyond 64-bit integers.
        """
        # A str may hold lone surrogates; "surrogatepass" lets the strict parser refuse them.
        data: object = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if not isinstance(data, bytes) or len(data) > MAX_KEY_SET_BYTES:
            raise KeySetError(f"got no JWK Set of at most {MAX_KEY_SET_BYTES} bytes")
        members = strict_json.parse_object(data)
        if members is None:
            raise KeySetError("got a JWK Set that is not one strict JSON object")
        return cls.from_dict(members)

    def to_dict(self) -> dict[str, list[dict[str, str]]]:
        """The set as it is to be published, ``application/jwk-set+json``."""
        return {"keys": [key.to_dict() for key in self.keys]}

    def get(self, kid: str) -> PublicJWK | None:
        """The key named ``kid``, or None."""
        return next((key for key in self.keys if key.kid == kid), None)

    def __iter__(self) -> Iterator[PublicJWK]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)


def _is_key(value: object) -> bool:
    return isinstance(value, PublicJWK)
