"""What a relying party asks, and what the provider decided."""

from __future__ import annotations

from dataclasses import dataclass, field

from ageassure.errors import ConfigurationError
from ageassure.results.terms import (
    THUMBPRINT_PATTERN,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    checked_age_limit,
    checked_audience,
    checked_methods,
    checked_nonce,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRequest:
    """What a relying party asks: who asks, which limit, which nonce.

    Attributes:
        audience: The relying party's origin or client id.
        nonce: Its own fresh challenge, ``^[A-Za-z0-9_-]{22,128}$``; best a hash of what it keeps
            in its session.
        age_over: Ask whether the person has completed this many years. Exactly one of
            ``age_over`` and ``age_under``.
        age_under: Ask whether the person has not yet completed this many years.
        methods: Method classes that the relying party insists on; None leaves it to the policy.
        minimum_level: Assurance level that it insists on; None leaves it to the policy.
        tell_method: It wants the method class told in the token.
        tell_level: It wants the assurance level told in the token.
        holder_jkt: RFC 7638 thumbprint of the holder's one-time key, to bind the token to it.
        return_address: Where the token is to be delivered; must be registered for the audience.

    Raises:
        ConfigurationError: If a member is ill-formed or not exactly one limit is given.
    """

    audience: str
    nonce: str = field(repr=False)
    age_over: int | None = None
    age_under: int | None = None
    methods: frozenset[MethodClass] | None = None
    minimum_level: AssuranceLevel | None = None
    tell_method: bool = False
    tell_level: bool = False
    holder_jkt: str | None = field(default=None, repr=False)
    return_address: str | None = None

    def __post_init__(self) -> None:
        checked_audience(self.audience)
        checked_nonce(self.nonce)
        if (self.age_over is None) == (self.age_under is None):
            raise ConfigurationError("got both or neither of age_over and age_under, expected one")
        checked_age_limit(self.age_limit)
        if self.methods is not None:
            object.__setattr__(self, "methods", checked_methods(self.methods))
        if self.minimum_level is not None and not isinstance(self.minimum_level, AssuranceLevel):
            raise ConfigurationError("got a minimum_level that is no AssuranceLevel")
        if {type(self.tell_method), type(self.tell_level)} != {bool}:
            raise ConfigurationError("got a tell_method or tell_level that is no bool")
        jkt: object = self.holder_jkt
        if jkt is not None and not (isinstance(jkt, str) and THUMBPRINT_PATTERN.fullmatch(jkt)):
            raise ConfigurationError("got a malformed holder_jkt, expected an RFC 7638 thumbprint")
        address: object = self.return_address
        if address is not None and not isinstance(address, str):
            raise ConfigurationError("got a return_address that is no text")

    @property
    def age_limit(self) -> int:
        """The limit asked about, in completed years."""
        limit = self.age_over if self.age_over is not None else self.age_under
        assert limit is not None  # noqa: S101 - __post_init__ lets exactly one through
        return limit

    @property
    def direction(self) -> Direction:
        """Which side of the limit was asked about."""
        return Direction.OVER if self.age_over is not None else Direction.UNDER


@dataclass(frozen=True, slots=True, kw_only=True)
class AssuranceResult:
    """What the provider decided about one request.

    Attributes:
        outcome: OVER, UNDER or INCONCLUSIVE.
        reasons: Reason codes in the order in which they arose; no personal data.
        method_class: Class of the method that settled the outcome; None if none did.
        assurance_level: Level reached by the policy's table; None if nothing was settled.
        policy_digest: SHA-256 (64 hex digits) of the policy or chain that decided, for the
            provider's own record; the token does not carry it.
        token: The signed age token. None where nothing was settled, and where "under" was asked
            and the outcome is OVER. Hidden in ``repr``.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    policy_digest: str
    method_class: MethodClass | None = None
    assurance_level: AssuranceLevel | None = None
    token: str | None = field(default=None, repr=False)
