"""A chain of methods for one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, final

from ageassure.deadline import Deadline
from ageassure.errors import (
    AttemptsExhaustedError,
    ConfigurationError,
    EvidenceError,
    RequestRefusedError,
    StepTimeOverError,
)
from ageassure.policy import Finding, OnContradiction, Reason
from ageassure.results import AssuranceResult, Outcome
from ageassure.tokens.clock import read_clock
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from ageassure.policy import Successive
    from ageassure.provider.case import Case


@final
class Session:
    """One chain for one request, step by step; made by :meth:`Provider.open`.

    Estimates are held in memory until an outcome is settled or the session is closed, so that a
    later one can be held against them; leaving the ``with`` block closes it. A session is safe for
    threads, but belongs to one process and is not remembered: opening another one starts at the
    first step again, with the attempts that are left.
    """

    def __init__(self, case: Case, chain: Successive) -> None:
        self._case = case
        self._chain = chain
        self._findings: list[Finding] = []
        self._reached = -1
        self._opened = read_clock(case.now)
        self._tried: dict[int, float] = {}
        self._ended = False
        self._lock = RLock()

    @property
    def awaiting(self) -> tuple[str, ...]:
        """Names of the steps that may be submitted now, the last one again and the next.

        Empty once the session has ended. A step is reached only after the one before it was tried.
        """
        if self._ended:
            return ()
        steps = self._case.steps[max(self._reached, 0) : self._reached + 2]
        return tuple(step.name for step in steps)

    def submit(
        self, step: str, evidence: object, *, timeout_seconds: float | None = None
    ) -> AssuranceResult:
        """Assess one step's evidence, and decide on everything so far.

        Evidence that cannot be assessed is INCONCLUSIVE with its code as reason, and an attempt.
        It is wiped as by :meth:`Provider.assess`, and so is the time limited.

        Raises:
            AttemptsExhaustedError: If this step has no attempts left; the next step is awaited.
            StepTimeOverError: If this step's time limit has passed; the next step is awaited. The
                evidence is not looked at, and no attempt is counted.
            RequestRefusedError: If the step is not awaited.
            TokenAlreadyIssuedError: If this (audience, nonce) has had its token.
            AttemptStoreError: If the attempt store cannot answer.
            IssuanceError: If the token cannot be signed.
            ConfigurationError: If the estimator's set-up is wrong.
            ModelIntegrityError: If the estimator's model is not the pinned one.
            UnfinishedError: If the time is over, or the assessment was called off.
        """
        wiping = Wiping(evidence)
        held = [evidence]
        del evidence
        try:
            with wiping, Deadline(timeout_seconds), self._lock:
                return self._submit(step, held)
        finally:
            held.clear()

    def _submit(self, name: str, held: list[object]) -> AssuranceResult:
        if name not in self.awaiting:
            raise RequestRefusedError(f"got a step that is not awaited, expected {self.awaiting}")
        index = [step.name for step in self._case.steps].index(name)
        step = self._case.steps[index]
        try:
            self._check_time(index)
            self._case.take_attempt(step)
        except (AttemptsExhaustedError, StepTimeOverError):
            self._reach(index)
            raise
        self._reach(index)
        try:
            # In one expression: no local variable keeps the estimate in a traceback.
            self._findings.append(Finding(step=name, estimate=self._case.estimate(step, held)))
        except EvidenceError as error:
            self._findings.append(Finding(step=name, code=error.code))
        self._tried[index] = read_clock(self._case.now)
        decision = self._chain.decide(
            self._findings,
            methods=self._case.methods,
            minimum_level=self._case.request.minimum_level,
        )
        if decision.settled or (
            Reason.CONTRADICTION in decision.reasons
            and self._chain.on_contradiction is OnContradiction.STAYS_INCONCLUSIVE
        ):
            # Nothing that comes later could change it, so nothing more is collected.
            self.close()
        return self._case.conclude(decision)

    def _reach(self, index: int) -> None:
        self._reached = index
        self._tried[index] = read_clock(self._case.now)

    def _check_time(self, index: int) -> None:
        """Has the step's time limit passed, counted from the last try of the one before it?"""
        limit = self._case.steps[index].time_limit_seconds
        since = self._tried.get(index - 1, self._opened)
        if limit is not None and read_clock(self._case.now) > since + limit:
            raise StepTimeOverError("the time limit of this step has passed")

    def close(self) -> None:
        """Forget the estimates and accept no more evidence."""
        with self._lock:
            self._ended = True
            self._findings.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def assess_chain(case: Case, chain: Successive, held: list[Any]) -> AssuranceResult:
    """Try the steps whose evidence is in the one mapping in ``held``, in order.

    Raises:
        ConfigurationError: If it is no mapping of the chain's steps.
        AttemptsExhaustedError: If the last step has no attempts left.
        StepTimeOverError: If the last step's time limit has passed.
        AgeAssuranceError: As :meth:`Session.submit`.
    """
    names = {step.name for step in chain.steps}
    if not isinstance(held[0], Mapping) or not held[0].keys() <= names:
        raise ConfigurationError(f"got no mapping of steps to evidence, expected {sorted(names)}")
    reasons: dict[str, None] = {}
    with Session(case, chain) as session:
        for step in case.steps:
            if step.name not in held[0]:
                reasons[Reason.EVIDENCE_MISSING] = None
                break
            try:
                result = session.submit(step.name, held[0][step.name])
            except (AttemptsExhaustedError, StepTimeOverError) as error:
                if step is case.steps[-1]:
                    raise
                reasons[error.code] = None
                continue
            reasons |= dict.fromkeys(result.reasons)
            if not session.awaiting:
                return replace(result, reasons=tuple(reasons))
    return AssuranceResult(
        outcome=Outcome.INCONCLUSIVE, reasons=tuple(reasons), policy_digest=case.rule_digest
    )
