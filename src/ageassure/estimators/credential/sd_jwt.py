"""SD-JWT (RFC 9901), compact: taken apart, and its disclosures put where their digests stand.

Signatures are checked elsewhere (``key_binding``, ``sd_jwt_vc``); what stands here is section 7.1,
steps 1, 2.4 and 3 to 5. All objects and arrays are strict JSON, all encodings canonical.

Not here: the JWS JSON serialisation (section 8), nested SD-JWTs, what issuers and holders do.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Final, NamedTuple

from ageassure.errors import MalformedTokenError
from ageassure.estimators.credential.refusal import malformed
from ageassure.tokens import base64url
from ageassure.tokens.jws import CompactJWS, parse_compact
from ageassure.tokens.strict_json import parse_array, parse_object

MAX_CHARACTERS: Final = 64 * 1024
"""Longest presentation. One about an age alone has a tenth of it; portraits are not asked for."""

MAX_DISCLOSURES: Final = 200
MAX_CLAIMS_DEPTH: Final = 16
"""Deepest nesting once the disclosures are in their places; each by itself is bounded by
:data:`~ageassure.tokens.strict_json.MAX_DEPTH`."""

HASHES: Final = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
"""Hash algorithms by their names in IANA's Named Information registry; others are refused."""

DEFAULT_HASH: Final = "sha-256"

_DIGESTS: Final = "_sd"
_ELEMENT: Final = "..."
_ALGORITHM: Final = "_sd_alg"
_RESERVED: Final = frozenset({_DIGESTS, _ELEMENT, _ALGORITHM})


class SDJWT(NamedTuple):
    """An SD-JWT or SD-JWT+KB, not verified. Its ``repr`` shows nothing.

    Attributes:
        jws: The issuer-signed JWT.
        disclosures: As they were sent.
        key_binding: The key binding JWT, or None.
        presented: Everything before it, with the last tilde: what ``sd_hash`` is about.
    """

    jws: CompactJWS
    disclosures: tuple[str, ...]
    key_binding: str | None
    presented: str

    def __repr__(self) -> str:
        return "<SDJWT (content hidden)>"


class Claims(NamedTuple):
    """The processed payload. Its ``repr`` shows nothing.

    Attributes:
        members: All claims, the disclosed ones among them.
        disclosed: Names of those members that came out of a disclosure.
        hash_name: Python's name of the SD-JWT's hash algorithm.
    """

    members: dict[str, object]
    disclosed: frozenset[str]
    hash_name: str

    def __repr__(self) -> str:
        return "<Claims (content hidden)>"


def parse_sd_jwt(text: object) -> SDJWT:
    """Take an SD-JWT apart (section 4); nothing is verified.

    Raises:
        CredentialError: If it is no text of this form, or too long; ``credential_malformed``.
    """
    if not isinstance(text, str) or len(text) > MAX_CHARACTERS or not text.isascii():
        raise malformed(f"got no ASCII text of at most {MAX_CHARACTERS} characters")
    issuer_signed, *disclosures = text.split("~")
    last = disclosures.pop() if disclosures else None
    if last is None or len(disclosures) > MAX_DISCLOSURES or not all(disclosures):
        raise malformed(f"got no SD-JWT with at most {MAX_DISCLOSURES} disclosures")
    jws: CompactJWS | None = None
    with suppress(MalformedTokenError):  # raised below, without its frames
        jws = parse_compact(issuer_signed, max_bytes=MAX_CHARACTERS)
    if jws is None:
        raise malformed("got an SD-JWT whose issuer-signed part is no strict compact JWS")
    return SDJWT(jws, tuple(disclosures), last or None, text[: len(text) - len(last)])


def unverified_members(sd_jwt: SDJWT) -> dict[str, object]:
    """The payload as it was signed, for finding the key that has to have signed it.

    Raises:
        CredentialError: If it is not one strict JSON object; ``credential_malformed``.
    """
    members = parse_object(sd_jwt.jws.payload)
    if members is None:
        raise malformed("got an SD-JWT whose payload is not one strict JSON object")
    return members


def processed_claims(sd_jwt: SDJWT) -> Claims:
    """Put the disclosures in their places (section 7.1, steps 2.4 and 3 to 5).

    Args:
        sd_jwt: One whose signature was checked before.

    Raises:
        CredentialError: ``credential_malformed`` if the hash algorithm is unknown; a disclosure is
            malformed, not referenced, or referenced twice; a digest stands where none may, or
            twice; a disclosed name is reserved or taken; or the nesting is too deep.
    """
    members = unverified_members(sd_jwt)
    algorithm = members.pop(_ALGORITHM, DEFAULT_HASH)
    hash_name = HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if hash_name is None:
        raise malformed("got an SD-JWT with an unknown hash algorithm")
    disclosures: dict[str, list[object]] = {}
    for text in sd_jwt.disclosures:
        digest = base64url.encode(hashlib.new(hash_name, text.encode("ascii")).digest())
        if digest in disclosures:
            raise malformed("got one disclosure twice")
        disclosures[digest] = _parsed(text)
    places = _Places(disclosures)
    processed = places.filled_object(members, depth=1)
    if disclosures:
        raise malformed("got a disclosure that no digest refers to")
    return Claims(processed, frozenset(processed.keys() - members.keys()), hash_name)


def _parsed(text: str) -> list[object]:
    data = base64url.decode_text(text)
    parts = None if data is None else parse_array(data)
    if parts is None or len(parts) not in (2, 3) or not isinstance(parts[0], str):
        raise malformed("got a disclosure that is no array of salt, name and value")
    return parts


class _Places:
    """Walks through a payload once; takes the disclosures that it puts in places out of its map."""

    __slots__ = ("_disclosures", "_seen")

    def __init__(self, disclosures: dict[str, list[object]]) -> None:
        self._disclosures = disclosures
        self._seen: set[str] = set()

    def filled_object(self, members: dict[str, object], *, depth: int) -> dict[str, object]:
        if _ELEMENT in members or _ALGORITHM in members:
            raise malformed("got a reserved name where it must not be")
        filled = {
            name: self._filled(value, depth) for name, value in members.items() if name != _DIGESTS
        }
        digests = members.get(_DIGESTS, [])
        if not isinstance(digests, list):
            raise malformed("got digests that are no array")
        for digest in digests:
            parts = self._disclosure(digest)
            if parts is None:
                continue
            if len(parts) != 3:
                raise malformed("got an array element's disclosure for a member of an object")
            _, name, value = parts
            if not isinstance(name, str) or name in _RESERVED or name in filled:
                raise malformed("got a disclosure whose name is none, reserved or taken")
            filled[name] = self._filled(value, depth)
        return filled

    def _filled(self, value: object, depth: int) -> object:
        if isinstance(value, dict | list) and depth >= MAX_CLAIMS_DEPTH:
            raise malformed(f"got claims nested deeper than {MAX_CLAIMS_DEPTH}")
        if isinstance(value, dict):
            return self.filled_object(value, depth=depth + 1)
        if isinstance(value, list):
            return self._filled_array(value, depth + 1)
        return value

    def _filled_array(self, elements: list[object], depth: int) -> list[object]:
        filled = []
        for element in elements:
            if not isinstance(element, dict) or _ELEMENT not in element:
                filled.append(self._filled(element, depth))
                continue
            if len(element) != 1:
                raise malformed("got an array element's digest with other members beside it")
            parts = self._disclosure(element[_ELEMENT])
            if parts is None:
                continue
            if len(parts) != 2:
                raise malformed("got an object member's disclosure for an element of an array")
            filled.append(self._filled(parts[1], depth))
        return filled

    def _disclosure(self, digest: object) -> list[object] | None:
        """What a digest refers to, or None for what is not disclosed, and for a decoy."""
        if not isinstance(digest, str):
            raise malformed("got a digest that is no text")
        if digest in self._seen:
            raise malformed("got one digest twice")
        self._seen.add(digest)
        return self._disclosures.pop(digest, None)
