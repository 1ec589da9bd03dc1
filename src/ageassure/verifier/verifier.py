"""The verifier of age tokens: fourteen steps in a fixed order, the first failure wins."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import (
    AgeAssuranceError,
    AudienceMismatchError,
    ConfigurationError,
    VerificationError,
)
from ageassure.results import checked_audience
from ageassure.tokens.claims import parse_claims
from ageassure.tokens.clock import Clock, read_clock
from ageassure.tokens.jws import parse_compact, verify_signature
from ageassure.verifier.checks import check_header, check_holder, check_times, claim_once
from ageassure.verifier.expectation import checked_expectation
from ageassure.verifier.pinned import PinnedKeys
from ageassure.verifier.replay import replay_key
from ageassure.verifier.verified import VerifiedAge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ageassure.results import AssuranceLevel, MethodClass
    from ageassure.tokens.keys import JWKSet
    from ageassure.verifier.expectation import Expectation
    from ageassure.verifier.jwks.source import KeySource
    from ageassure.verifier.replay import ReplayStore

MAX_LEEWAY_SECONDS: Final = 60
DEFAULT_LEEWAY_SECONDS: Final = 30


@final
class TokenVerifier:
    """Verifies age tokens for one relying party. Safe for threads if its store is.

    Offline with fixed key sets; with a key source no more is fetched than an issuer's key set.

    Args:
        issuers: Key set by issuer (``iss``), at least one: a fixed ``JWKSet``, or a source such as
            :class:`~ageassure.verifier.JWKSetClient`. Every ``kid`` is the RFC 7638 thumbprint of
            its key; a source whose set breaks this counts as unavailable. A key that is in the sets
            of several issuers belongs to each of them; two fixed sets must not share one.
        audience: The relying party's own name, the one it asks with.
        replay_store: Where accepted tokens are recorded.
        now: Clock giving an aware datetime, e.g. ``lambda: datetime.now(UTC)``.
        leeway_seconds: How far the issuer's clock may differ, 0 to 60.

    Raises:
        ConfigurationError: If one of these is missing, empty or ill-formed.
        KeySetError: If in a fixed set a ``kid`` is no thumbprint, or is in two fixed sets.
    """

    __slots__ = ("_audience", "_leeway_seconds", "_now", "_pinned", "_replay_store")

    def __init__(
        self,
        *,
        issuers: Mapping[str, JWKSet | KeySource],
        audience: str,
        replay_store: ReplayStore,
        now: Clock,
        leeway_seconds: int = DEFAULT_LEEWAY_SECONDS,
    ) -> None:
        if type(leeway_seconds) is not int or not 0 <= leeway_seconds <= MAX_LEEWAY_SECONDS:
            raise ConfigurationError(
                f"got another leeway_seconds, expected an int of 0 to {MAX_LEEWAY_SECONDS}"
            )
        if not callable(getattr(replay_store, "claim", None)):
            raise ConfigurationError("got a replay_store without claim()")
        read_clock(now)
        self._audience = checked_audience(audience)
        self._pinned = PinnedKeys(issuers, self._audience)
        self._replay_store = replay_store
        self._now = now
        self._leeway_seconds = leeway_seconds

    @property
    def audience(self) -> str:
        """The relying party's own name, the one it asks with."""
        return self._audience

    def verify(
        self,
        token: str,
        *,
        nonce: str,
        age_over: int | None = None,
        age_under: int | None = None,
        methods: Collection[MethodClass] | None = None,
        minimum_level: AssuranceLevel | None = None,
        holder_jkt: str | None = None,
        holder_proof: str | None = None,
    ) -> VerifiedAge:
        """Verify one token, and accept it once.

        A token that fails an earlier check is not used up. Tell the outside world nothing but
        that verification failed; class and code are for the operator.

        Args:
            token: What the presenter sent.
            nonce: The nonce of this relying party's own request, out of its own session.
            age_over: Demand that the person has completed this many years, 1 to 99. Exactly one
                of ``age_over`` and ``age_under``.
            age_under: Demand that the person has not yet completed this many years.
            methods: Demand that the token tells one of these method classes. Without it any class
                is taken, told or not, save a declaration.
            minimum_level: Demand that the token tells at least this assurance level.
            holder_jkt: Demand a token bound to the key with this thumbprint, and a proof by it.
            holder_proof: What the presenter sent as proof of holding the token's key; if given it
                must be right. Without it and ``holder_jkt`` a bound token is accepted as it is.

        Returns:
            What was established.

        Raises:
            ConfigurationError: If an expectation or the clock is missing or ill-formed; the token
                was not read.
            VerificationError: If the token is refused; the subclass and its code say by which step.
        """
        refusal: AgeAssuranceError
        try:
            return self._verified(
                token,
                checked_expectation(nonce, age_over, age_under, methods, minimum_level, holder_jkt),
                holder_proof,
                read_clock(self._now),
            )
        except (VerificationError, ConfigurationError) as error:
            # The inner frames hold the token and its claims: what is raised keeps neither.
            refusal = error.with_traceback(None)
        del token, nonce, holder_proof, holder_jkt
        try:
            raise refusal
        finally:
            del refusal  # else error, traceback and this frame would keep each other alive

    async def verify_async(
        self,
        token: str,
        *,
        nonce: str,
        age_over: int | None = None,
        age_under: int | None = None,
        methods: Collection[MethodClass] | None = None,
        minimum_level: AssuranceLevel | None = None,
        holder_jkt: str | None = None,
        holder_proof: str | None = None,
    ) -> VerifiedAge:
        """Verify one token without blocking the event loop; else as :meth:`verify`.

        A fetch of keys is awaited; the rest runs in a thread, because the replay store may wait
        for something. A call that is cancelled may still have used the token up.

        Raises:
            ConfigurationError: As :meth:`verify`.
            VerificationError: As :meth:`verify`.
        """
        import asyncio  # whoever awaits has loaded it; whoever does not is spared it

        await self.keys_ready(token)
        refusal: AgeAssuranceError
        try:
            return await asyncio.to_thread(
                self.verify,
                token,
                nonce=nonce,
                age_over=age_over,
                age_under=age_under,
                methods=methods,
                minimum_level=minimum_level,
                holder_jkt=holder_jkt,
                holder_proof=holder_proof,
            )
        except (VerificationError, ConfigurationError) as error:
            refusal = error.with_traceback(None)
        del token, nonce, holder_proof, holder_jkt
        try:
            raise refusal
        finally:
            del refusal

    async def keys_ready(self, token: str) -> None:
        """Wait, without blocking the event loop, for the fetch of keys that this token may need.

        For those who call :meth:`verify` in a thread of their own. It refuses nothing: what is
        malformed or unknown is refused in its turn.
        """
        kid: object = None
        with suppress(VerificationError):
            kid = parse_compact(token, known_headers=self._pinned.headers).header.get("kid")
        await self._pinned.ready(kid)

    def _verified(
        self, token: str, expected: Expectation, holder_proof: str | None, now_seconds: float
    ) -> VerifiedAge:
        jws = parse_compact(token, known_headers=self._pinned.headers)  # steps 1 and 2
        check_header(jws.header)  # the rest of 2, 3
        pinned = self._pinned.find(jws.header.get("kid"), jws.header.get("alg"))  # 4
        verify_signature(jws, pinned.key)  # the rest of 4, 5
        claims = parse_claims(jws.payload)  # 6
        if claims.issuer != pinned.issuer:  # 7
            pinned = self._pinned.of_issuer(claims.issuer, pinned)
        if claims.audience != self._audience:  # 8
            raise AudienceMismatchError("got an aud that is another relying party")
        expected.check_nonce(claims)  # 9
        check_times(claims, now_seconds, self._leeway_seconds)  # 10
        expected.check_age(claims)  # 11
        expected.check_assurance(claims)  # 12
        if holder_proof is not None or expected.holder_jkt is not None:  # 13
            check_holder(
                holder_proof,
                token=token,
                claims=claims,
                expected=expected,
                now_seconds=now_seconds,
                leeway_seconds=self._leeway_seconds,
            )
        key = replay_key(pinned.prefix, claims.token_id)  # 14
        claim_once(self._replay_store, key, claims.expires_at + self._leeway_seconds)
        return VerifiedAge(  # in order: with names it takes twice the time
            claims.issuer,
            claims.audience,
            expected.age_over,
            expected.age_under,
            claims.age_limit,
            claims.method_class,
            claims.level,
            claims.policy_uri,
            _moment(claims.issued_at),
            _moment(claims.expires_at),
            claims.holder_jkt,
        )


@lru_cache(maxsize=64)  # issuers round times, so that many tokens share them
def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
