"""SD-JWT VC as evidence: an issuer's statements about somebody's age, presented by its holder.

RFC 9901, sections 7.1 and 7.3, with draft-ietf-oauth-sd-jwt-vc (text between -18 and -19). The
media type of the credential is ``dc+sd-jwt``; the older name ``vc+sd-jwt``, which the draft gave up
in November 2024, is refused. Type metadata (``vct`` as an address) are not fetched.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import (
    AlgorithmError,
    BirthDateError,
    ConfigurationError,
    SignatureError,
)
from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.estimators.credential.issuers import TrustedIssuers
from ageassure.estimators.credential.key_binding import holder_key, verify_key_binding
from ageassure.estimators.credential.refusal import assess_alone, malformed, refused
from ageassure.estimators.credential.sd_jwt import (
    SDJWT,
    Claims,
    parse_sd_jwt,
    processed_claims,
    unverified_members,
)
from ageassure.estimators.credential.statements import (
    holder_provenance,
    interval_of_statements,
    read_statements,
)
from ageassure.estimators.credential.status import require_valid_status
from ageassure.estimators.credential.times import check_times, seconds
from ageassure.estimators.document.held import Hidden
from ageassure.results import (
    AgeInterval,
    checked_audience,
    checked_nonce,
)
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.jws import verify_signature
from ageassure.verifier.status import StatusChecker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ageassure.results import AgeEstimate
    from ageassure.tokens.keys import PublicJWK

CREDENTIAL_TYPE: Final = "dc+sd-jwt"
AGE_STATEMENTS: Final = "age_equal_or_over"
BIRTH_DATE: Final = "birthdate"
LEEWAY_SECONDS: Final = 30

NEVER_DISCLOSED: Final = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status"})
"""Claims that must stand in the signed payload itself (SD-JWT VC, "Registered JWT Claims"): else a
holder could leave out the expiry."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SDJWTPresentation(Hidden):
    """An SD-JWT VC with key binding, as a wallet presents it.

    Attributes:
        presentation: The SD-JWT+KB, compact.
        audience: Whom it must be presented to: in OpenID4VP the client identifier with its prefix,
            or ``origin:`` and the origin. Out of what the caller stored with the request.
        nonce: The request's nonce, out of the same place. One answer is taken for one nonce: that
            is the caller's business.

    Raises:
        ConfigurationError: If audience or nonce are malformed.
    """

    presentation: str
    audience: str
    nonce: str

    def __post_init__(self) -> None:
        checked_audience(self.audience)
        checked_nonce(self.nonce)


@final
class SDJWTEstimator:
    """Reads the age out of SD-JWT VCs. Keeps nothing, and is safe for threads.

    ``age_equal_or_over`` is read; only where none of it is disclosed, ``birthdate``, which leaves
    here as completed years. All other claims are dropped unread. An estimate is of the class
    ``verification`` and bound: key binding is always demanded.

    Args:
        issuers: Whom to trust.
        types: Accepted values of ``vct``, at least one; compared as they are written.
        status: Checks the status of credentials that have one. None: they are refused.
        now: Clock.

    Raises:
        ConfigurationError: If one of these is empty or ill-formed.
    """

    __slots__ = ("_issuers", "_now", "_status", "_types")

    def __init__(
        self,
        *,
        issuers: TrustedIssuers,
        types: Collection[str],
        status: StatusChecker | None,
        now: Clock = utc_now,
    ) -> None:
        if not isinstance(issuers, TrustedIssuers):
            raise ConfigurationError("got issuers that are no TrustedIssuers")
        if isinstance(types, str) or not types or not all(isinstance(t, str) for t in types):
            raise ConfigurationError("got no types, expected at least one vct")
        if status is not None and not isinstance(status, StatusChecker):
            raise ConfigurationError("got a status that is no StatusChecker")
        read_clock(now)
        self._issuers = issuers
        self._types = frozenset(types)
        self._status = status
        self._now = now

    def estimate(self, evidence: SDJWTPresentation) -> AgeEstimate:
        """Verify one presentation, and read the age out of it.

        Raises:
            CredentialError: If it is refused; the code says why.
            ConfigurationError: If the evidence is no :class:`SDJWTPresentation`.
        """
        held: list[object] = [evidence]
        del evidence
        return assess_alone(self._assessed, held, SDJWTPresentation)

    def _assessed(self, evidence: SDJWTPresentation) -> AgeEstimate:
        now_seconds = read_clock(self._now)
        claims = verified_claims(
            evidence.presentation,
            issuers=self._issuers,
            types=self._types,
            audience=evidence.audience,
            nonce=evidence.nonce,
            now_seconds=now_seconds,
        )
        require_valid_status(claims.members, self._status)
        return _age_of(claims.members, datetime.fromtimestamp(now_seconds, UTC))


def verified_claims(
    presentation: object,
    *,
    issuers: TrustedIssuers,
    types: Collection[str],
    audience: str,
    nonce: str,
    now_seconds: float,
) -> Claims:
    """Verify an SD-JWT VC with key binding; its status excepted.

    Raises:
        CredentialError: If it is refused.
    """
    sd_jwt = parse_sd_jwt(presentation)
    if sd_jwt.jws.header.get("typ") != CREDENTIAL_TYPE:
        raise refused("got another typ, expected that of an SD-JWT VC", code="credential_untrusted")
    key = issuers.key(
        sd_jwt.jws.header,
        unverified_issuer=unverified_members(sd_jwt).get("iss"),
        now_seconds=now_seconds,
    )
    _check_signature(sd_jwt, key)
    claims = processed_claims(sd_jwt)
    if not claims.disclosed.isdisjoint(NEVER_DISCLOSED):
        raise malformed("got a disclosure of a claim that may not be disclosed selectively")
    kind = claims.members.get("vct")
    if not isinstance(kind, str) or kind not in types:
        raise refused("got a credential of another type", code="credential_untrusted")
    check_times(claims.members, now_seconds=now_seconds, leeway_seconds=LEEWAY_SECONDS)
    verify_key_binding(
        sd_jwt.key_binding,
        key=holder_key(claims.members.get("cnf")),
        presented=sd_jwt.presented,
        hash_name=claims.hash_name,
        audience=audience,
        nonce=nonce,
        now_seconds=now_seconds,
        leeway_seconds=LEEWAY_SECONDS,
    )
    return claims


def _check_signature(sd_jwt: SDJWT, key: PublicJWK) -> None:
    signed = False
    with suppress(AlgorithmError, SignatureError):  # raised below, without its frames
        verify_signature(sd_jwt.jws, key)
        signed = True
    if not signed:
        raise refused(
            "got a credential that the issuer's key has not signed", code="credential_untrusted"
        )


def _age_of(members: Mapping[str, object], now: datetime) -> AgeInterval:
    provenance = holder_provenance(now)
    statements = read_statements(members.get(AGE_STATEMENTS, {}))
    if statements:
        return interval_of_statements(
            statements, issued_at_seconds=seconds(members, "iat"), provenance=provenance
        )
    if BIRTH_DATE not in members:
        raise refused("got a credential that states nothing about an age", code="credential_no_age")
    interval = None
    with suppress(BirthDateError):  # raised below, without its frames
        interval = age_interval(BirthDate.from_iso(members[BIRTH_DATE]), provenance=provenance)
    if interval is None:
        raise malformed("got a birth date that is none, or of no living person")
    return interval
