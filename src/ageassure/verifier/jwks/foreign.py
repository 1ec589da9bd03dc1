"""Keys of issuers of other credentials than age tokens, and the metadata that names them.

SD-JWT VC lets an issuer publish its keys in a document of its own, or the address of its JWK Set
(draft-ietf-oauth-sd-jwt-vc, "JWT VC Issuer Metadata"). Both are fetched by the same bounded fetcher
as a JWK Set. The metadata's address stands under an issuer that the operator has pinned; the set's
is what the metadata say, save that nobody elsewhere can name an address in this machine.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError, KeySetError, KeySetUnavailableError
from ageassure.tokens.claims import checked_issuer
from ageassure.tokens.keys import MAX_KEY_SET_BYTES, MAX_KEYS, JWKSet, PublicJWK, jwk_thumbprint
from ageassure.tokens.keys.public import SECRET_MEMBERS
from ageassure.tokens.strict_json import dump_object, parse_object
from ageassure.verifier.fetching import take_apart
from ageassure.verifier.jwks.fetch import HTTPSFetcher
from ageassure.verifier.jwks.source import KeySetResponse

if TYPE_CHECKING:
    from ageassure.verifier.fetching.target import Target
    from ageassure.verifier.jwks.source import KeySetFetcher

WELL_KNOWN: Final = "/.well-known/jwt-vc-issuer"


def metadata_uri(issuer: str) -> str:
    """Where an issuer's metadata are: the well-known path between its host and its path.

    Raises:
        ConfigurationError: If ``issuer`` is no https URL (http for loopback) without query.
    """
    scheme, _, rest = checked_issuer(issuer).partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{WELL_KNOWN}{slash}{path}".rstrip("/")


def read_foreign_set(body: bytes) -> JWKSet:
    """Read a JWK Set of an issuer of other credentials.

    Unlike the set of an issuer of age tokens it may hold keys for other purposes, which are left
    out (RFC 7517, 5), and keys may be named as the issuer likes. A secret key refuses the set, as
    does one name for two keys.

    Raises:
        KeySetError: If it is no set, or holds no key that can be used here.
    """
    members = parse_object(body) if len(body) <= MAX_KEY_SET_BYTES else None
    keys = None if members is None else members.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise KeySetError(f"got no JWK Set, expected an object with at most {MAX_KEYS} keys")
    usable = [key for key in map(_usable, keys) if key is not None]
    return JWKSet(keys=tuple(usable))


def _usable(members: object) -> PublicJWK | None:
    if not isinstance(members, dict):
        return None
    if not SECRET_MEMBERS.isdisjoint(members):
        raise KeySetError("got a private or symmetric key, expected public ones")
    try:
        return PublicJWK.from_dict({"kid": jwk_thumbprint(members), **members})
    except KeySetError:
        return None


@final
class IssuerMetadataFetcher:
    """Fetches an issuer's metadata, and the JWK Set that they hold or name.

    Pass it to :class:`~ageassure.verifier.JWKSetClient` with the address of the metadata, and
    with :func:`read_foreign_set`.

    Args:
        issuer: ``iss`` of the credentials; the metadata must be of exactly this issuer.
        fetcher: Who fetches; by default an :class:`~ageassure.verifier.jwks.HTTPSFetcher`.

    Raises:
        ConfigurationError: If the issuer is malformed.
    """

    __slots__ = ("_fetcher", "_here", "_issuer")

    def __init__(self, issuer: str, *, fetcher: KeySetFetcher | None = None) -> None:
        self._issuer = checked_issuer(issuer)
        target = _taken_apart(metadata_uri(issuer))
        self._here = target is not None and target.loopback
        self._fetcher = HTTPSFetcher() if fetcher is None else fetcher

    def fetch(
        self,
        uri: str,
        *,
        etag: str | None,  # noqa: ARG002 - two documents have two tags, so none is asked with
        timeout_seconds: float,
    ) -> KeySetResponse:
        """Fetch the metadata at ``uri``, and the key set that they name, in the time for one.

        Raises:
            KeySetUnavailableError: If one of them cannot be had, or the metadata are another
                issuer's or malformed.
        """
        deadline = time.monotonic() + timeout_seconds
        response = self._fetcher.fetch(uri, etag=None, timeout_seconds=timeout_seconds)
        members = self._checked(response.body)
        if "jwks" in members:
            keys = members["jwks"]
            if not isinstance(keys, dict):
                raise KeySetUnavailableError("the issuer's metadata hold no key set")
            return KeySetResponse(body=dump_object(keys), max_age_seconds=response.max_age_seconds)
        address = members["jwks_uri"]
        target = _taken_apart(address)
        left = deadline - time.monotonic()
        if target is None or (target.loopback and not self._here) or left <= 0:
            raise KeySetUnavailableError("the issuer's metadata name no key set, or took too long")
        keys_response = self._fetcher.fetch(str(address), etag=None, timeout_seconds=left)
        ages = (response.max_age_seconds, keys_response.max_age_seconds)
        return KeySetResponse(
            body=keys_response.body,
            max_age_seconds=min((age for age in ages if age is not None), default=None),
        )

    def _checked(self, body: bytes | None) -> dict[str, object]:
        members = None if body is None or len(body) > MAX_KEY_SET_BYTES else parse_object(body)
        if members is None or members.get("issuer") != self._issuer:
            raise KeySetUnavailableError("the metadata are not those of the issuer")
        if ("jwks" in members) == ("jwks_uri" in members):
            raise KeySetUnavailableError(
                "the issuer's metadata have both or neither of jwks and jwks_uri"
            )
        return members


def _taken_apart(uri: object) -> Target | None:
    try:
        return take_apart(uri, name="jwks_uri")
    except ConfigurationError:
        return None
