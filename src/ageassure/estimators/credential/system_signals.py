"""Answers of operating systems about the age of a device's user, as an app passes them on.

Both come unsigned: an altered app, or anything else that can reach your server, can say whatever it
likes. So they are declarations here, whatever the system did to establish them, and the tier that
the system names raises nothing; a policy has to name the class, and the level is always
``asserted``. Send them with an attestation of the app (Play Integrity, App Attest), which is not
checked here; even then nobody vouches that the signal is about the person who is present.

Sources, read in November 2026: Google, "Understand age signals responses" (Play Age Signals API,
beta, since version 0.0.4 with ``ageRangeSource`` and its tiers; the names of older versions,
``userStatus``, are refused); Apple, ``DeclaredAgeRange``, ``AgeRangeService.AgeRange`` with its
``AgeRangeDeclaration`` (iOS 26, cases up to 26.5). Both vendors change these from year to year, and
what is not known here is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.declaration import declared
from ageassure.estimators.credential.refusal import assess_alone, malformed, refused
from ageassure.estimators.document.held import Hidden
from ageassure.results import MAX_AGE_LIMIT, AgeInterval
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.tokens.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ageassure.results import AgeEstimate

MAX_SIGNAL_BYTES: Final = 4096
GOOGLE_MAX_YEARS: Final = 18
"""Highest bound that Google's documentation names, for both ends."""


class PlayTier(StrEnum):
    """How Google says that it established an age range (``ageRangeSource``)."""

    TIER_A = "TIER_A"
    """The user told Google; Google may or may not have confirmed it."""
    TIER_B = "TIER_B"
    """A parent or guardian manages the age."""
    TIER_C = "TIER_C"
    """Assessed by a credit card, an e-mail address, a selfie, an identity document or a tax id."""
    TIER_D = "TIER_D"
    """Checked by a document together with a selfie, or by a digital identity document."""


class AppleDeclaration(StrEnum):
    """How Apple says that an age range was set (``ageRangeDeclaration``)."""

    SELF_DECLARED = "selfDeclared"
    GUARDIAN_DECLARED = "guardianDeclared"
    CHECKED_BY_OTHER_METHOD = "checkedByOtherMethod"
    GUARDIAN_CHECKED_BY_OTHER_METHOD = "guardianCheckedByOtherMethod"
    GOVERNMENT_ID_CHECKED = "governmentIDChecked"
    GUARDIAN_GOVERNMENT_ID_CHECKED = "guardianGovernmentIDChecked"
    PAYMENT_CHECKED = "paymentChecked"
    GUARDIAN_PAYMENT_CHECKED = "guardianPaymentChecked"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PlayAgeSignals(Hidden):
    """What ``checkAgeSignals()`` gave an Android app, as JSON under the names of the fields.

    Attributes:
        answer: An object with ``ageSignalsStatus``, ``ageRangeSource``, ``ageLower`` and
            ``ageUpper`` (both inclusive, null where there is none). Others are ignored.
    """

    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class AppleAgeRange(Hidden):
    """What ``requestAgeRange`` gave an app, as JSON under the names of the properties.

    The framework gives Swift values; your app writes them as
    ``{"response": "sharing", "lowerBound": 13, "upperBound": 16, "ageRangeDeclaration":
    "selfDeclared"}``, or ``{"response": "declinedSharing"}``.

    Attributes:
        answer: That object. ``lowerBound`` is inclusive; ``upperBound`` is the lowest age gate that
            the age does not reach, and is read as exclusive. Null or absent: no bound. Others are
            ignored.
    """

    answer: bytes


@final
class SystemSignalEstimator:
    """Reads the signals of operating systems: class ``declaration``, never bound. Keeps nothing.

    The ranges are wide, and a limit between two ends is INCONCLUSIVE: set the custom age ranges of
    your app, or its age gates, to the limits of your policies.

    Args:
        play_tiers: Tiers of Google's that are read at all; others are refused.
        apple_declarations: Likewise for Apple.
        now: Clock.

    Raises:
        ConfigurationError: If both are empty, or one holds anything else.
    """

    __slots__ = ("_apple", "_now", "_play")

    def __init__(
        self,
        *,
        play_tiers: Collection[PlayTier],
        apple_declarations: Collection[AppleDeclaration],
        now: Clock = utc_now,
    ) -> None:
        tiers, declarations = list(play_tiers), list(apple_declarations)
        if not (tiers or declarations):
            raise ConfigurationError("got neither play_tiers nor apple_declarations")
        if not all(isinstance(each, PlayTier) for each in tiers):
            raise ConfigurationError("got a play_tier that is no PlayTier")
        if not all(isinstance(each, AppleDeclaration) for each in declarations):
            raise ConfigurationError("got an apple_declaration that is no AppleDeclaration")
        read_clock(now)
        self._play = frozenset(each.value for each in tiers)
        self._apple = frozenset(each.value for each in declarations)
        self._now = now

    def estimate(self, evidence: PlayAgeSignals | AppleAgeRange) -> AgeEstimate:
        """Read one signal.

        Raises:
            CredentialError: ``credential_malformed``; ``credential_no_age`` if no age is shared;
                ``credential_untrusted`` if it was established in a way that is not accepted.
            ConfigurationError: If the evidence is neither.
        """
        held: list[object] = [evidence]
        del evidence
        if isinstance(held[0], AppleAgeRange):
            return assess_alone(self._read_apple, held, AppleAgeRange)
        return assess_alone(self._read_play, held, PlayAgeSignals)

    def _read_play(self, evidence: PlayAgeSignals) -> AgeEstimate:
        members = _members(evidence.answer)
        status = members.get("ageSignalsStatus")
        if status in ("NOT_SHARED", "VERIFICATION_REQUIRED"):
            raise refused("the system shares no age", code="credential_no_age")
        if status != "SHARED":
            raise malformed("got a signal with an unknown ageSignalsStatus")
        _check_source(members.get("ageRangeSource"), set(PlayTier), self._play)
        lower = _bound(members, "ageLower", GOOGLE_MAX_YEARS)
        upper = _bound(members, "ageUpper", GOOGLE_MAX_YEARS)
        return self._interval(lower, None if upper is None else upper + 1)

    def _read_apple(self, evidence: AppleAgeRange) -> AgeEstimate:
        members = _members(evidence.answer)
        response = members.get("response")
        if response == "declinedSharing":
            raise refused("the person shares no age", code="credential_no_age")
        if response != "sharing":
            raise malformed("got a signal with an unknown response")
        _check_source(members.get("ageRangeDeclaration"), set(AppleDeclaration), self._apple)
        return self._interval(
            _bound(members, "lowerBound", MAX_AGE_LIMIT),
            _bound(members, "upperBound", MAX_AGE_LIMIT),
        )

    def _interval(self, lower: int | None, upper: int | None) -> AgeInterval:
        if lower is None and upper is None:
            raise refused("got a signal without any bound", code="credential_no_age")
        if lower is not None and upper is not None and lower >= upper:
            raise refused("got a signal whose bounds cross", code="credential_contradictory")
        return AgeInterval(
            lower_years=lower or 0,
            upper_years=upper,
            provenance=declared(datetime.fromtimestamp(read_clock(self._now), UTC)),
        )


def _members(answer: object) -> dict[str, object]:
    members = None
    if isinstance(answer, bytes) and len(answer) <= MAX_SIGNAL_BYTES:
        members = parse_object(answer)
    if members is None:
        raise malformed(f"got no strict JSON object of at most {MAX_SIGNAL_BYTES} bytes")
    return members


def _check_source(source: object, known: Collection[str], accepted: Collection[str]) -> None:
    if not isinstance(source, str) or source not in known:
        raise malformed("got a signal that was established in an unknown way")
    if source not in accepted:
        raise refused(
            "got a signal that was established in a way that is not accepted",
            code="credential_untrusted",
        )


def _bound(members: Mapping[str, object], name: str, most: int) -> int | None:
    value = members.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= most:
        raise malformed(f"got a malformed {name}, expected an int of 0 to {most}")
    return value
