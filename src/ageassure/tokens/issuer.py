"""Signing an age token from an allow-list."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError, IssuanceError, MalformedTokenError
from ageassure.results import AgeRequest, AssuranceLevel, Direction, MethodClass, Outcome
from ageassure.tokens import base64url
from ageassure.tokens.claims import (
    IAT_GRANULARITY_SECONDS,
    MAX_LIFETIME_SECONDS,
    MIN_LIFETIME_SECONDS,
    TOKEN_ID_BYTES,
    AgeClaims,
    checked_issuer,
    checked_policy_uri,
    parse_claims,
    token_header,
)
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.jws import sign_compact
from ageassure.tokens.keys import JWKSet, PublicJWK

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ageassure.tokens.keys import Signer

_SETTLES: Final = {Direction.OVER: Outcome.OVER, Direction.UNDER: Outcome.UNDER}


@final
class TokenIssuer:
    """Signs age tokens for one issuer with one key. Holds nothing about any person.

    Args:
        issuer: ``iss``, an https URL (http only for loopback).
        signing_key: A :class:`~ageassure.tokens.SigningKey`, or a service behind the same
            protocol, whose ``kid`` is the thumbprint of its public key.
        lifetime_seconds: 600 to 900, the same for every token: one of its own would mark a person.
            It runs from ``iat``, which is rounded down by up to 300 seconds.
        policy_uri: https URI of the public practice statement, the same for everybody, or None.
        now: Clock.
        random_bytes: Source of ``jti``; it is stored nowhere.

    Raises:
        ConfigurationError: If one of these is ill-formed.
    """

    __slots__ = (
        "_issuer",
        "_jwks",
        "_lifetime_seconds",
        "_now",
        "_policy_uri",
        "_random_bytes",
        "_signer",
    )

    def __init__(
        self,
        *,
        issuer: str,
        signing_key: Signer,
        lifetime_seconds: int = MAX_LIFETIME_SECONDS,
        policy_uri: str | None = None,
        now: Clock = utc_now,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        if (
            type(lifetime_seconds) is not int
            or not MIN_LIFETIME_SECONDS <= lifetime_seconds <= MAX_LIFETIME_SECONDS
        ):
            raise ConfigurationError(
                "got another lifetime_seconds, expected an int of "
                f"{MIN_LIFETIME_SECONDS} to {MAX_LIFETIME_SECONDS}"
            )
        read_clock(now)
        if not callable(random_bytes):
            raise ConfigurationError("got no source of random bytes")
        public = _public_of(signing_key)
        self._issuer = checked_issuer(issuer)
        self._policy_uri = None if policy_uri is None else checked_policy_uri(policy_uri)
        self._signer = signing_key
        self._jwks = JWKSet(keys=(public,))
        self._lifetime_seconds = lifetime_seconds
        self._now = now
        self._random_bytes = random_bytes

    @property
    def issuer(self) -> str:
        """``iss`` of every token."""
        return self._issuer

    @property
    def jwks(self) -> JWKSet:
        """The key set that relying parties pin."""
        return self._jwks

    def issue(
        self,
        request: AgeRequest,
        *,
        outcome: Outcome,
        method_class: MethodClass,
        level: AssuranceLevel,
        not_after: datetime | None = None,
    ) -> str:
        """Sign the answer to one request.

        Beside the limit that was asked, the token tells the method class and the level only if the
        request asked for them. Not checked: whether this (audience, nonce) had its token already;
        that is the provider's business.

        Args:
            request: What the relying party asked.
            outcome: What the policy decided; only the one that answers the question is signed.
            method_class: Class of the method that settled it.
            level: Assurance level reached.
            not_after: End of what the answer stands on, where that is itself an age result: the
                token expires no later. The end is rounded down like ``iat``, so that a shortened
                life marks nobody more closely than that.

        Raises:
            IssuanceError: If the outcome does not settle what was asked, the method or level is
                not what the relying party insists on, a declaration would not be told, no time is
                left until ``not_after``, or the signer fails.
        """
        _check_answer(request, outcome, method_class, level)
        now_seconds = int(read_clock(self._now))
        issued_at = now_seconds - now_seconds % IAT_GRANULARITY_SECONDS
        expires_at = issued_at + self._lifetime_seconds
        if not_after is not None:
            end = int(read_clock(lambda: not_after))
            expires_at = min(expires_at, end - end % IAT_GRANULARITY_SECONDS)
        if expires_at <= now_seconds:
            raise IssuanceError("got no time left until the end of what the answer stands on")
        claims = AgeClaims(
            issuer=self._issuer,
            audience=request.audience,
            nonce=request.nonce,
            token_id=self._fresh_token_id(),
            issued_at=issued_at,
            expires_at=expires_at,
            age_limit=request.age_limit,
            at_or_over=outcome is Outcome.OVER,
            method_class=method_class if request.tell_method else None,
            level=level if request.tell_level else None,
            policy_uri=self._policy_uri,
            holder_jkt=request.holder_jkt,
        )
        payload = claims.to_json()
        _check_payload(payload, claims)
        header = token_header(alg=self._signer.alg, kid=self._signer.kid)
        return sign_compact(header, payload, self._signer)

    def _fresh_token_id(self) -> str:
        random: object = None
        with suppress(Exception):  # the caller's code may raise anything; raised below
            random = self._random_bytes(TOKEN_ID_BYTES)
        if not (isinstance(random, bytes) and len(random) == TOKEN_ID_BYTES):
            raise IssuanceError(f"got no {TOKEN_ID_BYTES} random bytes")
        return base64url.encode(random)

    def __repr__(self) -> str:
        return f"<TokenIssuer issuer={self._issuer} kid={self._signer.kid}>"


def _public_of(signer: Signer) -> PublicJWK:
    """The public half of a signer that is one.

    Raises:
        ConfigurationError: If it lacks a member, or its kid or alg is not its public key's.
    """
    given: object = signer
    public = getattr(given, "public", None)
    if not isinstance(public, PublicJWK) or not callable(getattr(given, "sign", None)):
        raise ConfigurationError("got no signer, expected one with public, kid, alg and sign")
    named = getattr(given, "kid", None), getattr(given, "alg", None)
    if public.kid != public.thumbprint or named != (public.kid, public.alg):
        raise ConfigurationError("got a signer whose kid or alg is not its public key's")
    return public


def _check_answer(
    request: AgeRequest, outcome: Outcome, method_class: MethodClass, level: AssuranceLevel
) -> None:
    if not isinstance(request, AgeRequest):
        raise IssuanceError("got no AgeRequest")
    if outcome is not _SETTLES[request.direction]:
        # A token for "under" certifies a child: it is made only when "under" was asked.
        raise IssuanceError("got an outcome that does not settle what was asked")
    if type(method_class) is not MethodClass or type(level) is not AssuranceLevel:
        raise IssuanceError("got no method class or no level")
    if request.methods is not None and method_class not in request.methods:
        raise IssuanceError("got a method class that the relying party does not accept")
    if request.minimum_level is not None and level.rank < request.minimum_level.rank:
        raise IssuanceError("got a level below the one that the relying party insists on")
    if method_class is MethodClass.DECLARATION and not request.tell_method:
        raise IssuanceError("got a declaration for a request that does not ask for the method")


def _check_payload(payload: bytes, claims: AgeClaims) -> None:
    """What the verifier's own parser does not read back as these claims is never signed."""
    read_back: AgeClaims | None = None
    with suppress(MalformedTokenError):
        read_back = parse_claims(payload)
    if read_back != claims:
        raise IssuanceError("got a payload with a claim that is unknown or ill-formed")
