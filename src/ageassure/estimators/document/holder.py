"""Was the person who is present held against the document? The caller says; nothing here can."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ageassure.errors import ConfigurationError
from ageassure.results import MethodClass, PresentationAttack, Provenance

if TYPE_CHECKING:
    from datetime import datetime


class HolderCheck(StrEnum):
    """Who compared the person who is present with the document's portrait, and how.

    A document by itself proves an age of the document, not of the bearer. Whoever makes the
    evidence attests one of these, for this very presentation; the library cannot check it, and a
    wrong attestation makes anybody's passport a proof for everybody.

    Members:
        NOT_MADE: Nobody did. The estimate is unbound, and a policy that requires binding does not
            settle on it.
        IN_PERSON: A trained human being had person and document before them.
        LIVE_FACE: Software compared the portrait with a live face, and a check for presentation
            attacks (ISO/IEC 30107) passed.
        FACE_WITHOUT_LIVENESS: Software compared the portrait with a picture; nobody checked that
            a living person was before the camera. A policy has to name that to accept it.
    """

    NOT_MADE = "not_made"
    IN_PERSON = "in_person"
    LIVE_FACE = "live_face"
    FACE_WITHOUT_LIVENESS = "face_without_liveness"


_PRESENTATION_ATTACK = {
    HolderCheck.NOT_MADE: PresentationAttack.NOT_APPLICABLE,
    HolderCheck.IN_PERSON: PresentationAttack.NOT_APPLICABLE,
    HolderCheck.LIVE_FACE: PresentationAttack.PASSED,
    HolderCheck.FACE_WITHOUT_LIVENESS: PresentationAttack.NOT_EVALUATED,
}


def checked_holder_check(value: object) -> HolderCheck:
    """Return a member of :class:`HolderCheck`.

    Raises:
        ConfigurationError: If it is anything else; ``True`` does not say who checked what.
    """
    if not isinstance(value, HolderCheck):
        raise ConfigurationError("got a holder_check that is no HolderCheck")
    return value


def document_provenance(holder_check: HolderCheck, at: datetime) -> Provenance:
    """Provenance of an age that a document states at ``at``.

    Raises:
        ConfigurationError: If ``at`` is naive.
    """
    return Provenance(
        method_class=MethodClass.VERIFICATION,
        bound=holder_check is not HolderCheck.NOT_MADE,
        presentation_attack=_PRESENTATION_ATTACK[holder_check],
        as_of=at,
    )
