"""What the relying party asked, checked before any token is read, and the checks against it."""

from __future__ import annotations

from collections.abc import Collection
from hmac import compare_digest
from typing import TYPE_CHECKING, Final, NamedTuple

from ageassure.errors import (
    AgeRequirementNotMetError,
    AssuranceNotMetError,
    ConfigurationError,
    NonceMismatchError,
)
from ageassure.results import (
    THUMBPRINT_PATTERN,
    AssuranceLevel,
    MethodClass,
    checked_age_limit,
    checked_nonce,
)

if TYPE_CHECKING:
    from ageassure.tokens.claims import AgeClaims

# Looked up once: in Python 3.11 an Enum's class looks its members up in several steps.
_DECLARATION: Final = MethodClass.DECLARATION


class Expectation(NamedTuple):
    """The arguments of one ``verify``, as :func:`checked_expectation` leaves them."""

    nonce: str
    age_over: int | None
    age_under: int | None
    methods: Collection[MethodClass] | None
    minimum_level: AssuranceLevel | None
    holder_jkt: str | None

    def __repr__(self) -> str:
        return "<Expectation (content hidden)>"

    def check_nonce(self, claims: AgeClaims) -> None:
        """Step 9, in constant time, on bytes.

        Raises:
            NonceMismatchError: If the nonce differs.
        """
        if not compare_digest(claims.nonce.encode("utf-8"), self.nonce.encode("ascii")):
            raise NonceMismatchError("got a nonce that is not the one asked with")

    def check_age(self, claims: AgeClaims) -> None:
        """Step 11: "over N" needs true at a limit ≥ N, "under N" false at a limit ≤ N.

        Raises:
            AgeRequirementNotMetError: If the token does not say so.
        """
        if self.age_over is not None:
            met = claims.at_or_over and claims.age_limit >= self.age_over
        else:
            assert self.age_under is not None  # noqa: S101 - checked_expectation lets exactly one through
            met = not claims.at_or_over and claims.age_limit <= self.age_under
        if not met:
            raise AgeRequirementNotMetError("got a token that does not say what was asked")

    def check_assurance(self, claims: AgeClaims) -> None:
        """Step 12: what was demanded must be told; a declaration must be named to be taken.

        Raises:
            AssuranceNotMetError: If the method class or the level is not among those demanded.
        """
        if self.methods is None:
            if claims.method_class is _DECLARATION:
                raise AssuranceNotMetError("got a declaration, which was not named in methods")
        elif claims.method_class not in self.methods:
            raise AssuranceNotMetError("got a method class that was not named, or none")
        if self.minimum_level is not None and (
            claims.level is None or claims.level.rank < self.minimum_level.rank
        ):
            raise AssuranceNotMetError("got a level below the one demanded, or none")


def checked_expectation(
    nonce: str,
    age_over: int | None,
    age_under: int | None,
    methods: Collection[MethodClass] | None,
    minimum_level: AssuranceLevel | None,
    holder_jkt: str | None,
) -> Expectation:
    """What is expected of one token.

    Raises:
        ConfigurationError: If an argument is missing, empty or ill-formed.
    """
    checked_nonce(nonce)
    if (age_over is None) == (age_under is None):
        raise ConfigurationError("got both or neither of age_over and age_under, expected one")
    checked_age_limit(age_under if age_over is None else age_over)
    if methods is not None:
        methods = _checked_methods(methods)
    if minimum_level is not None and not isinstance(minimum_level, AssuranceLevel):
        raise ConfigurationError("got another minimum_level, expected an AssuranceLevel")
    jkt: object = holder_jkt
    if jkt is not None and not (isinstance(jkt, str) and THUMBPRINT_PATTERN.fullmatch(jkt)):
        raise ConfigurationError("got a malformed holder_jkt, expected an RFC 7638 thumbprint")
    return Expectation(nonce, age_over, age_under, methods, minimum_level, holder_jkt)


def _checked_methods(methods: object) -> frozenset[MethodClass]:
    if not isinstance(methods, Collection) or not methods:
        raise ConfigurationError("got no methods, expected a collection of at least one")
    if not all(isinstance(method, MethodClass) for method in methods):
        raise ConfigurationError("got a method that is no MethodClass")
    return frozenset(methods)
