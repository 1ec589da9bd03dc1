"""Several methods one after the other, until one settles the outcome.

Order the steps from the least to the most intrusive: what an earlier step settles, no later one
collects. A step is reached only after the one before it was tried, and each step's policy must be
enough by itself. The look-out for contradictions guards against errors, not against a person who
spoils the earlier evidence on purpose.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ConfigurationError
from ageassure.policy.bars import ROUNDING
from ageassure.policy.decision import Decision
from ageassure.policy.policy import Policy
from ageassure.policy.reasons import SENTENCES, Reason
from ageassure.policy.strict import data_digest, finite, instance, text, whole
from ageassure.policy.terms import OnContradiction, Told
from ageassure.results import AgeEstimate, AssuranceLevel, Direction, MethodClass, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONTRADICTION_TAIL: Final = 0.05
"""Two estimates contradict each other where one gives the limit at most this probability and the
other at least 1 − this: the two-sided 90 % intervals lie on different sides. An interval estimate
is exact. Both sides must be this sure, so that a face near the limit contradicts nothing."""

MAX_TIME_LIMIT_SECONDS: Final = 86_400
"""A provider remembers a request's attempts for a day."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One method of a chain.

    Attributes:
        name: Name of the estimator, ``[a-z][a-z0-9_]{0,31}``.
        policy: What settles the outcome at this step.
        time_limit_seconds: How long after the step before it was last tried (for the first step:
            after the chain was opened) evidence is still taken, 1 … 86,400; None for no limit.

    Raises:
        ConfigurationError: If the name or the time limit is malformed, or the policy is none.
    """

    name: str
    policy: Policy
    time_limit_seconds: int | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(text(self.name, "step name")):
            raise ConfigurationError(f"got step name {self.name!r}, expected [a-z][a-z0-9_]*")
        instance(self.policy, Policy, "policy")
        if self.time_limit_seconds is not None:
            whole(self.time_limit_seconds, "time_limit_seconds", 1, MAX_TIME_LIMIT_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one attempt at one step brought: an estimate, or the code of why there is none.

    Raises:
        ConfigurationError: If not exactly one of them is given, or the code is unknown.
    """

    step: str
    estimate: AgeEstimate | None = field(default=None, repr=False)
    code: str | None = None

    def __post_init__(self) -> None:
        if (self.estimate is None) == (self.code is None):
            raise ConfigurationError("got both or neither of estimate and code, expected one")
        if self.code is not None and self.code not in SENTENCES:
            raise ConfigurationError("got an unknown code, expected one of SENTENCES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Successive:
    """A chain of steps for one limit and direction.

    Attributes:
        steps: In order. All ask the same and tell the same.
        session_alpha: Greatest error of a whole session, at least the sum over the steps; None
            exactly where no step has one.
        on_contradiction: What becomes of the outcome where two estimates contradict each other.
            The reason ``contradiction`` is given either way.

    Raises:
        ConfigurationError: If the steps are none, share a name, or differ in limit, direction or
            what may be told; if their errors add up to more than ``session_alpha``.
    """

    steps: tuple[Step, ...]
    session_alpha: float | None
    on_contradiction: OnContradiction

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(instance(s, Step, "step") for s in self.steps))
        if not self.steps:
            raise ConfigurationError("got no steps, expected at least one")
        if len({step.name for step in self.steps}) != len(self.steps):
            raise ConfigurationError("got two steps of the same name")
        asked = {(s.policy.age_limit, s.policy.direction, s.policy.may_tell) for s in self.steps}
        if len(asked) != 1:
            raise ConfigurationError("got steps that differ in limit, direction or may_tell")
        instance(self.on_contradiction, OnContradiction, "on_contradiction")
        self._check_session_alpha()

    def _check_session_alpha(self) -> None:
        alphas = [s.policy.session_alpha for s in self.steps]
        added = [alpha for alpha in alphas if alpha is not None]
        if (self.session_alpha is None) != (not added):
            raise ConfigurationError("got session_alpha without a bar in any step, or the reverse")
        if self.session_alpha is None:
            return
        alpha = finite(self.session_alpha, "session_alpha")
        if not 0 < alpha < 1:
            raise ConfigurationError("got a session_alpha outside (0, 1)")
        if math.fsum(added) > alpha * ROUNDING:
            raise ConfigurationError(
                f"got steps whose errors add up to {math.fsum(added)}, expected at most {alpha}"
            )

    @property
    def age_limit(self) -> int:
        """The limit that all steps ask about."""
        return self.steps[0].policy.age_limit

    @property
    def direction(self) -> Direction:
        """The direction in which all steps ask."""
        return self.steps[0].policy.direction

    @property
    def may_tell(self) -> frozenset[Told]:
        """What a token may tell beside the age."""
        return self.steps[0].policy.may_tell

    def decide(
        self,
        findings: Sequence[Finding],
        *,
        methods: frozenset[MethodClass] | None = None,
        minimum_level: AssuranceLevel | None = None,
    ) -> Decision:
        """Decide on everything that was found so far, in the order in which it was.

        The first estimate that its own step's policy settles gives the outcome, unless any two
        estimates contradict each other, settled or not, earlier or later.

        Raises:
            ConfigurationError: If a finding names no step of this chain.
        """
        policies = {step.name: step.policy for step in self.steps}
        if not {finding.step for finding in findings} <= policies.keys():
            raise ConfigurationError("got a finding of a step that the chain does not have")
        reasons: list[str] = []
        settled: Decision | None = None
        for finding in findings:
            if finding.estimate is None:
                reasons.append(str(finding.code))
                continue
            decision = policies[finding.step].decide(
                finding.estimate, methods=methods, minimum_level=minimum_level
            )
            reasons.extend(decision.reasons)
            if settled is None and decision.settled:
                settled = decision
        if self._contradict(finding.estimate for finding in findings):
            reasons.append(Reason.CONTRADICTION)
            if self.on_contradiction is OnContradiction.STAYS_INCONCLUSIVE:
                settled = None
        told = tuple(dict.fromkeys(reasons))
        if settled is None:
            return Decision(outcome=Outcome.INCONCLUSIVE, reasons=told)
        return Decision(
            outcome=settled.outcome,
            reasons=told,
            method_class=settled.method_class,
            level=settled.level,
            not_after=settled.not_after,
        )

    def _contradict(self, estimates: Iterable[AgeEstimate | None]) -> bool:
        bounds = [e.bounds_at_or_over(self.age_limit) for e in estimates if e is not None]
        says_under = any(high <= CONTRADICTION_TAIL for _, high in bounds)
        says_over = any(low >= 1 - CONTRADICTION_TAIL for low, _ in bounds)
        return says_under and says_over

    def to_dict(self) -> dict[str, Any]:
        """As data, in a stable order."""
        return {
            "format": "ageassure-successive-1",
            "steps": [
                {
                    "name": step.name,
                    "policy": step.policy.to_dict(),
                    "time_limit_seconds": step.time_limit_seconds,
                }
                for step in self.steps
            ],
            "session_alpha": self.session_alpha,
            "on_contradiction": self.on_contradiction.value,
        }

    @property
    def digest(self) -> str:
        """SHA-256 over :meth:`to_dict`, to record which chain decided."""
        return data_digest(self.to_dict())
