"""Why an outcome is what it is: a closed set of codes, one sentence each.

No sentence holds personal data, nor a number that was derived from an estimate. Codes of
:class:`~ageassure.errors.EvidenceError` are reasons too.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(StrEnum):
    """Reasons that arise in a policy, a chain or the provider."""

    KNOWN_AT_OR_OVER = "known_at_or_over"
    KNOWN_UNDER = "known_under"
    CHALLENGE_AGE_REACHED = "challenge_age_reached"
    LOWER_BAR_MET = "lower_bar_met"
    CERTAINTY_REACHED = "certainty_reached"

    METHOD_NOT_ACCEPTED = "method_not_accepted"
    NOT_BOUND = "not_bound"
    PRESENTATION_ATTACK_NOT_EVALUATED = "presentation_attack_not_evaluated"
    LEVEL_TOO_LOW = "level_too_low"

    NO_BAR = "no_bar"
    PIPELINE_MISMATCH = "pipeline_mismatch"
    CHALLENGE_AGE_NOT_REACHED = "challenge_age_not_reached"
    LOWER_BAR_NOT_MET = "lower_bar_not_met"
    CERTAINTY_NOT_REACHED = "certainty_not_reached"
    BARS_DISAGREE = "bars_disagree"
    INTERVAL_SPANS_LIMIT = "interval_spans_limit"
    UNDER_NOT_ASKED = "under_not_asked"

    CONTRADICTION = "contradiction"
    EVIDENCE_MISSING = "evidence_missing"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    STEP_TIME_OVER = "step_time_over"


SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Reason.KNOWN_AT_OR_OVER: "The evidence states an age at or over the limit.",
        Reason.KNOWN_UNDER: "The evidence states an age under the limit.",
        Reason.CHALLENGE_AGE_REACHED: "The estimated age reaches the challenge age.",
        Reason.LOWER_BAR_MET: "The estimated age lies below the lower bar.",
        Reason.CERTAINTY_REACHED: "The probability reaches the certainty that the policy requires.",
        Reason.METHOD_NOT_ACCEPTED: "Methods of this class are not accepted for this request.",
        Reason.NOT_BOUND: "The evidence is not tied to the person who is present.",
        Reason.PRESENTATION_ATTACK_NOT_EVALUATED: (
            "Whether a living person was shown has not been evaluated."
        ),
        Reason.LEVEL_TOO_LOW: "The evidence does not reach the assurance level asked for.",
        Reason.NO_BAR: "The policy has no bar for an estimated age.",
        Reason.PIPELINE_MISMATCH: "The bar was earned by another pipeline than made the estimate.",
        Reason.CHALLENGE_AGE_NOT_REACHED: "The estimated age does not reach the challenge age.",
        Reason.LOWER_BAR_NOT_MET: "The estimated age does not lie below the lower bar.",
        Reason.CERTAINTY_NOT_REACHED: (
            "The probability does not reach the certainty that the policy requires."
        ),
        Reason.BARS_DISAGREE: "The estimate meets the bars of both sides, so neither is believed.",
        Reason.INTERVAL_SPANS_LIMIT: "The evidence leaves both sides of the limit possible.",
        Reason.UNDER_NOT_ASKED: (
            "The age is not at or over the limit, and whether it is under was not asked."
        ),
        Reason.CONTRADICTION: "Two methods contradict each other about the limit.",
        Reason.EVIDENCE_MISSING: "The next method's evidence was not given.",
        Reason.ATTEMPTS_EXHAUSTED: "All attempts of this method are used.",
        Reason.STEP_TIME_OVER: "The time for this method's evidence is over.",
        "picture_malformed": "The picture is damaged or incomplete.",
        "picture_too_large": "The picture is larger than is accepted.",
        "picture_unsupported": "The picture is of a kind that is not accepted.",
        "picture_blurred": "The picture is blurred.",
        "picture_dark": "The picture is too dark.",
        "picture_burnt_out": "The picture is too bright.",
        "no_face": "No face was found in the picture.",
        "several_faces": "More than one face was found in the picture.",
        "face_too_small": "The face is too small in the picture.",
        "face_turned": "The face is turned away from the camera.",
        "face_cut": "The face is cut off by the edge of the picture.",
        "face_unclear": "The face is not clearly seen.",
        "frames_disagree": "The pictures do not look like one person's.",
        "presentation_attack": "The check for a living person was not passed.",
        "document_malformed": "The document cannot be read.",
        "document_expired": "The document has expired.",
        "check_digit": "The document's check digits are not right.",
        "document_untrusted": "Who vouches for the document's chip is not trusted.",
        "document_altered": "The content of the document's chip was altered.",
        "document_contradictory": "The document contradicts itself.",
        "barcode_unreadable": "The document shows no readable barcode, or several.",
        "document_check_pending": "The check of the document is not done.",
        "document_check_failed": "The check of the document was not passed.",
        "document_check_unavailable": "The service that checks documents gave no answer.",
        "document_check_unauthentic": "The answer about the document belongs to something else.",
        "credential_malformed": "The credential cannot be read.",
        "credential_expired": "The credential has expired.",
        "credential_not_yet_valid": "The credential is not valid yet.",
        "credential_untrusted": "The credential's issuer is not trusted.",
        "credential_unverifiable": "Whether the credential is valid could not be established.",
        "credential_revoked": "The credential was revoked or suspended.",
        "credential_not_bound": "It was not shown that the credential belongs to who presents it.",
        "credential_wrong_transaction": "The credential was presented for another transaction.",
        "credential_replayed": "The credential was presented before.",
        "credential_declined": "The wallet gave no credential.",
        "credential_contradictory": "The credential contradicts itself about the age.",
        "credential_no_age": "The credential states no age.",
        "evidence": "The evidence could not be assessed.",
    }
)
"""Every reason code with its sentence; the reference documentation is made from it."""


class Explainable(Protocol):
    """A :class:`~ageassure.policy.Decision` or an :class:`~ageassure.results.AssuranceResult`."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reason codes in the order in which they arose."""
        ...


def explain(decided: Explainable) -> tuple[str, ...]:
    """One sentence for each reason, in order.

    Raises:
        ConfigurationError: If a code is not one of :data:`SENTENCES`.
    """
    unknown = sum(code not in SENTENCES for code in decided.reasons)
    if unknown:
        raise ConfigurationError(f"got {unknown} unknown reason codes, expected known ones")
    return tuple(SENTENCES[code] for code in decided.reasons)
