"""How a credential is refused: with a code, and without the frames that have read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ageassure.errors import ConfigurationError, CredentialError, EvidenceError, UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.results import AgeEstimate

EvidenceT = TypeVar("EvidenceT")


def refused(message: str, *, code: str) -> CredentialError:
    """A refusal."""
    return CredentialError(message, code=code)


def malformed(message: str) -> CredentialError:
    """The most usual refusal."""
    return refused(message, code="credential_malformed")


def assess_alone(
    assess: Callable[[EvidenceT], AgeEstimate], held: list[object], kind: type[EvidenceT]
) -> AgeEstimate:
    """Assess the one thing in ``held``, and empty it; no frame that saw it is in a traceback.

    Args:
        assess: Reads the evidence. What it raises must have no cause and no context.
        held: The evidence. The caller keeps no other name for it.
        kind: What the evidence must be.

    Raises:
        EvidenceError: What ``assess`` raises, without its frames: their variables hold claims.
        UnfinishedError: Likewise, if the work under way is to stop.
        ConfigurationError: If the evidence is of another type, or ``assess`` raises one.
    """
    failure: EvidenceError | ConfigurationError | UnfinishedError
    try:
        evidence = held.pop()
        if isinstance(evidence, kind):
            return assess(evidence)
        failure = ConfigurationError(f"got evidence of another type, expected {kind.__name__}")
    except (EvidenceError, ConfigurationError, UnfinishedError) as error:
        failure = error.with_traceback(None)
    del evidence
    try:
        raise failure
    finally:
        del failure  # else error, traceback and this frame would keep each other alive
