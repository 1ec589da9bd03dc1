"""Choices that a policy must make; the weaker one of each pair has the uglier name."""

from __future__ import annotations

from enum import StrEnum


class Binding(StrEnum):
    """Must the evidence be tied to the person who is present?

    Members:
        REQUIRED: A live face, a document with a holder check, a credential bound to a key.
        UNBOUND_ACCEPTED: Anybody's document will do.
    """

    REQUIRED = "required"
    UNBOUND_ACCEPTED = "unbound_accepted"


class PresentationAttackRule(StrEnum):
    """Must a presentation attack have been looked for (ISO/IEC 30107-1)?

    Evidence to which the question does not apply (a document, a credential) is fine either way.

    Members:
        EVALUATED: Only a face that passed the check settles anything.
        UNEVALUATED_ACCEPTED: A printed photograph of an adult will do.
    """

    EVALUATED = "evaluated"
    UNEVALUATED_ACCEPTED = "unevaluated_accepted"


class OnContradiction(StrEnum):
    """What becomes of a chain in which one estimate contradicts another?

    Members:
        STAYS_INCONCLUSIVE: No automatic outcome; the person needs another way, such as a human.
        SETTLES_DESPITE_CONTRADICTION: The step that settled has the last word.
    """

    STAYS_INCONCLUSIVE = "stays_inconclusive"
    SETTLES_DESPITE_CONTRADICTION = "settles_despite_contradiction"


class Told(StrEnum):
    """What a token may tell beside the age, where the relying party asks for it."""

    METHOD = "method"
    LEVEL = "level"
