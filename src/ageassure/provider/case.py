"""One request that was let in, and each single step of answering it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ageassure.deadline import checkpoint
from ageassure.errors import (
    AgeAssuranceError,
    AttemptsExhaustedError,
    AttemptStoreError,
    ConfigurationError,
    EvidenceError,
    ModelIntegrityError,
    TokenAlreadyIssuedError,
    UnfinishedError,
    plain,
)
from ageassure.policy import attempt_key, token_key
from ageassure.results import AgeEstimate, AssuranceResult, Direction, Outcome
from ageassure.tokens.clock import Clock, read_clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.estimators.base import Estimator
    from ageassure.policy import AttemptStore, Decision, Policy, Step, Successive
    from ageassure.results import AgeRequest, MethodClass
    from ageassure.tokens.issuer import TokenIssuer

SESSION_SECONDS: Final = 86_400
"""How long attempts and tokens of an (audience, nonce) are remembered. A relying party must let
its nonces lapse sooner."""

_ANSWERS: Final = {Direction.OVER: Outcome.OVER, Direction.UNDER: Outcome.UNDER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request that was let in, with all that is needed to answer it; no evidence."""

    request: AgeRequest
    rule: Policy | Successive
    rule_digest: str
    steps: tuple[Step, ...]
    methods: frozenset[MethodClass]
    estimators: Mapping[str, Estimator[Any]]
    issuer: TokenIssuer
    store: AttemptStore
    now: Clock

    def take_attempt(self, step: Step) -> None:
        """Count an attempt at ``step``.

        Raises:
            AttemptsExhaustedError: If none is left.
            AttemptStoreError: If the store cannot answer.
            UnfinishedError: If the work is to stop; no attempt is counted.
        """
        checkpoint()
        key = attempt_key(self.request.audience, self.request.nonce, step.name)
        if not self._take(key, step.policy.max_attempts):
            raise AttemptsExhaustedError("all attempts of this request are used")

    def estimate(self, step: Step, held: list[object]) -> AgeEstimate:
        """Estimate from the one thing in ``held``, and empty it.

        What the estimator raises is dropped with its frames, which hold the evidence, before
        anything else is raised.

        Raises:
            EvidenceError: If the evidence cannot be assessed, or the estimator breaks its contract.
            ConfigurationError: If the estimator's set-up is wrong.
            ModelIntegrityError: If its model is not the pinned one.
            UnfinishedError: If the work is to stop, before or afterwards.
        """
        failure: AgeAssuranceError
        estimator: Any = self.estimators[step.name]  # a plug-in may return anything
        try:
            checkpoint()
            answer = estimator.estimate(held.pop())
            checkpoint()
            if isinstance(answer, AgeEstimate):
                return answer
            del answer
            failure = EvidenceError("the estimator returned no AgeEstimate")
        except AgeAssuranceError as error:
            failure = _anew(error)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            failure = EvidenceError(f"the estimator raised {type(error).__name__}")
        raise failure

    def conclude(self, decision: Decision) -> AssuranceResult:
        """Sign a token where the decision answers what was asked.

        Raises:
            TokenAlreadyIssuedError: If this (audience, nonce) has had its token.
            AttemptStoreError: If the store cannot answer.
            IssuanceError: If the token cannot be signed.
            UnfinishedError: If the work is to stop; no token is claimed.
        """
        checkpoint()
        answered = decision.outcome is _ANSWERS[self.request.direction]
        return AssuranceResult(
            outcome=decision.outcome,
            reasons=decision.reasons,
            policy_digest=self.rule_digest,
            method_class=decision.method_class,
            assurance_level=decision.level,
            token=self._token(decision) if answered else None,
        )

    def _token(self, decision: Decision) -> str:
        if not self._take(token_key(self.request.audience, self.request.nonce), 1):
            raise TokenAlreadyIssuedError("this audience and nonce have had their one token")
        assert decision.method_class is not None and decision.level is not None  # noqa: S101, PT018
        return self.issuer.issue(
            self.request,
            outcome=decision.outcome,
            method_class=decision.method_class,
            level=decision.level,
            not_after=decision.not_after,
        )

    def _take(self, key: bytes, limit: int) -> bool:
        expires_at = int(read_clock(self.now)) + SESSION_SECONDS
        message = "the attempt store gave no answer"
        answer: object = None
        try:
            answer = self.store.take(key, limit=limit, expires_at=expires_at)
        except AttemptStoreError as error:
            message = str(error)
        except Exception as error:  # noqa: BLE001 - a store may raise anything; the door closes
            message = f"the attempt store raised {type(error).__name__}"
        if not isinstance(answer, bool):
            raise AttemptStoreError(message)
        return answer


def _anew(error: AgeAssuranceError) -> AgeAssuranceError:
    """The same error of our own tree, or ``evidence``.

    Errors that are not about evidence pass only where they are about the estimator's own set-up, or
    say that the assessment was not finished.
    """
    passes = EvidenceError | ConfigurationError | ModelIntegrityError | UnfinishedError
    same = plain(error) if isinstance(error, passes) else None
    return same or EvidenceError(f"the estimator raised {type(error).__name__}")
