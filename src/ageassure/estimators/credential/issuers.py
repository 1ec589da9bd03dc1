"""Which issuers of credentials are trusted, and with which key one of them must have signed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.refusal import refused
from ageassure.tokens.claims import checked_issuer
from ageassure.tokens.keys import JWKSet

if TYPE_CHECKING:
    from ageassure.estimators.credential.certificates import TrustAnchors
    from ageassure.tokens.keys import PublicJWK
    from ageassure.verifier.jwks.source import KeySource

_MAX_KID_CHARACTERS: Final = 256


@final
class TrustedIssuers:
    """Issuers by name with their keys, authorities whose certificates issuers show, or both.

    Trust is never taken from a credential: an issuer without keys here is believed only if one of
    the anchors certifies it.

    Args:
        issuers: Keys by ``iss``: a fixed ``JWKSet``, or a source such as a
            :class:`~ageassure.verifier.JWKSetClient` on the issuer's metadata. A credential of one
            of them is checked with these keys, whatever certificate it shows.
        anchors: Authorities for the certificate chains (``x5c``) of other issuers.

    Raises:
        ConfigurationError: If there are neither issuers nor anchors, or one is ill-formed.
    """

    __slots__ = ("_anchors", "_issuers")

    def __init__(
        self,
        issuers: Mapping[str, JWKSet | KeySource] | None = None,
        *,
        anchors: TrustAnchors | None = None,
    ) -> None:
        given: object = {} if issuers is None else issuers
        if not isinstance(given, Mapping) or (not given and anchors is None):
            raise ConfigurationError("got neither issuers nor anchors, expected at least one")
        for issuer, keys in given.items():
            checked_issuer(issuer)
            if not isinstance(keys, JWKSet) and not callable(getattr(keys, "key_set", None)):
                raise ConfigurationError("got an issuer without a JWKSet or a key source")
        self._issuers: dict[str, JWKSet | KeySource] = dict(given)
        self._anchors = anchors

    def key(
        self, header: Mapping[str, object], *, unverified_issuer: object, now_seconds: float
    ) -> PublicJWK:
        """The key that must have signed a credential.

        Args:
            header: Of the issuer-signed JWT.
            unverified_issuer: ``iss`` of its payload, or None; it is the signature under the key
                that makes it true.
            now_seconds: The present, POSIX seconds.

        Raises:
            CredentialError: ``credential_untrusted`` if nobody here vouches for such a key;
                ``credential_unverifiable`` if the issuer's keys cannot be had;
                ``credential_malformed`` for a malformed ``x5c``.
        """
        keys = None
        if isinstance(unverified_issuer, str):
            keys = self._issuers.get(unverified_issuer)
        if keys is not None:
            return _named(keys, header)
        if self._anchors is None or "x5c" not in header:
            raise refused(
                "got a credential of an issuer that is not trusted", code="credential_untrusted"
            )
        at = datetime.fromtimestamp(now_seconds, UTC)
        return self._anchors.key(header, issuer=unverified_issuer, at=at)


def _named(keys: JWKSet | KeySource, header: Mapping[str, object]) -> PublicJWK:
    kid = header.get("kid")
    if "kid" in header and (not isinstance(kid, str) or len(kid) > _MAX_KID_CHARACTERS):
        raise refused("got a kid that no key of the issuer has", code="credential_untrusted")
    key_set = keys if isinstance(keys, JWKSet) else _current(keys, None)
    if not isinstance(kid, str):
        fitting = [key for key in key_set if key.alg == header.get("alg")]
        if len(fitting) != 1:
            raise refused(
                "got no kid, and not one key of the issuer for the alg", code="credential_untrusted"
            )
        return fitting[0]
    key = key_set.get(kid)
    if key is None and not isinstance(keys, JWKSet):
        key = _current(keys, kid).get(kid)
    if key is None:
        raise refused("got a kid that no key of the issuer has", code="credential_untrusted")
    return key


def _current(source: KeySource, missing: str | None) -> JWKSet:
    key_set: object = None
    with suppress(Exception):  # a source may raise anything: then it has no set
        key_set = source.key_set(missing)
    if not isinstance(key_set, JWKSet):
        raise refused("the issuer's keys cannot be had", code="credential_unverifiable")
    return key_set
