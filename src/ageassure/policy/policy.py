"""What settles an age limit, and which outcomes each direction can give.

First come the refusals, which look at where an estimate comes from and never at the age: a method
class, missing holder binding, an unevaluated presentation attack or an assurance level that the
policy or the request does not accept. Then:

=========================  ==================================  ==================================
estimate                   policy for OVER                     policy for UNDER
=========================  ==================================  ==================================
interval at or over        OVER                                OVER (settled, but no token)
interval under             INCONCLUSIVE, ``under_not_asked``   UNDER
interval across the limit  INCONCLUSIVE                        INCONCLUSIVE
distribution               OVER by the bar ``over``,           UNDER by the bar ``under``, OVER by
                           else INCONCLUSIVE                   the bar ``over``, INCONCLUSIVE by
                                                               neither or both
=========================  ==================================  ==================================

The directions differ on purpose. UNDER marks a child, so it is said only where it was asked.
OVER under a policy for UNDER ends the chain (nothing more need be collected) and yields no token,
since the relying party asked for another statement. The two bars are two different claims, each
earned on its own people: between them lies a wide band of ages where neither is said.

The error of one session is bounded by ``session_alpha`` for either kind of error by itself, since
nobody is on both sides of the limit: with ``max_attempts`` attempts, either the bar was earned on
the greatest (or least) of so many estimates, or the errors of single attempts add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from ageassure.policy.bars import OverBar, UnderBar, check_bars, check_session_alpha, judge
from ageassure.policy.decision import Decision
from ageassure.policy.levels import DEFAULT_LEVELS, LevelRow, checked_levels, level_of
from ageassure.policy.measured import MAX_ATTEMPTS
from ageassure.policy.reasons import Reason
from ageassure.policy.strict import data_digest, instance, whole
from ageassure.policy.terms import Binding, PresentationAttackRule, Told
from ageassure.results import (
    AgeDistribution,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    PresentationAttack,
    checked_age_limit,
    checked_methods,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ageassure.results import AgeEstimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What settles one age limit in one direction; see the module for the outcomes.

    Attributes:
        age_limit: Age in the law, in completed years.
        direction: Which side of it is asked about.
        methods: Method classes that may settle the outcome; a declaration only if it is named.
        binding: Must the evidence be tied to the person who is present?
        presentation_attack: Must a presentation attack have been looked for?
        over: Bar for OVER on a distribution; None: only intervals say OVER.
        under: Bar for UNDER on a distribution; None where ``direction`` is OVER.
        session_alpha: Greatest error of a whole session, in (0, 1); None exactly where there is no
            bar. For an earned bar a share of the people on the wrong side, for a
            :class:`RequiredCertainty` a share of everybody in the mix that it was calibrated on.
        max_attempts: Estimates that one session may make by this policy, 1 … 100.
        levels: Table of assurance levels.
        may_tell: What a token may tell beside the age, where it is asked for.

    Raises:
        ConfigurationError: If a member is malformed, a bar does not fit limit or direction, or
            the bars' errors over all attempts exceed ``session_alpha``.
    """

    age_limit: int
    direction: Direction
    methods: frozenset[MethodClass]
    binding: Binding
    presentation_attack: PresentationAttackRule
    over: OverBar | None
    under: UnderBar | None
    session_alpha: float | None
    max_attempts: int
    levels: tuple[LevelRow, ...] = DEFAULT_LEVELS
    may_tell: frozenset[Told] = frozenset(Told)

    def __post_init__(self) -> None:
        checked_age_limit(self.age_limit)
        instance(self.direction, Direction, "direction")
        object.__setattr__(self, "methods", checked_methods(self.methods))
        instance(self.binding, Binding, "binding")
        instance(self.presentation_attack, PresentationAttackRule, "presentation_attack")
        whole(self.max_attempts, "max_attempts", 1, MAX_ATTEMPTS)
        object.__setattr__(self, "levels", checked_levels(self.levels))
        told = frozenset(instance(told, Told, "may_tell") for told in self.may_tell)
        object.__setattr__(self, "may_tell", told)
        check_bars(self.over, self.under, self.direction, self.age_limit)
        check_session_alpha(self.session_alpha, self.over, self.under, self.max_attempts)

    def decide(
        self,
        estimate: AgeEstimate,
        *,
        methods: frozenset[MethodClass] | None = None,
        minimum_level: AssuranceLevel | None = None,
    ) -> Decision:
        """Decide on one estimate.

        NOT checked: how old the estimate is (``as_of``), and how many were made before it.

        Args:
            estimate: What is known of the age.
            methods: Narrows ``self.methods``; None leaves it.
            minimum_level: Assurance level that must be reached; None asks for none.
        """
        refusals = tuple(self._refusals(estimate, methods, minimum_level))
        if refusals:
            return Decision(outcome=Outcome.INCONCLUSIVE, reasons=refusals)
        outcome, reasons = self._judge(estimate)
        if outcome is Outcome.INCONCLUSIVE:
            return Decision(outcome=outcome, reasons=reasons)
        return Decision(
            outcome=outcome,
            reasons=reasons,
            method_class=estimate.method_class,
            level=self._level(estimate),
            not_after=estimate.provenance.not_after,
        )

    def _level(self, estimate: AgeEstimate) -> AssuranceLevel:
        level = level_of(
            self.levels, estimate.method_class, estimate.bound, estimate.presentation_attack
        )
        most = estimate.provenance.maximum_level
        return level if most is None else min(level, most, key=lambda each: each.rank)

    def _refusals(
        self,
        estimate: AgeEstimate,
        methods: frozenset[MethodClass] | None,
        minimum_level: AssuranceLevel | None,
    ) -> Iterable[Reason]:
        """Reasons that follow from where the estimate comes from, whatever age it states."""
        if estimate.method_class not in self._narrowed(methods):
            yield Reason.METHOD_NOT_ACCEPTED
        if estimate.bound not in self._bindings():
            yield Reason.NOT_BOUND
        if estimate.presentation_attack not in self._presentation_attacks():
            yield Reason.PRESENTATION_ATTACK_NOT_EVALUATED
        if minimum_level is not None and self._level(estimate).rank < minimum_level.rank:
            yield Reason.LEVEL_TOO_LOW

    def _judge(self, estimate: AgeEstimate) -> tuple[Outcome, tuple[Reason, ...]]:
        if isinstance(estimate, AgeDistribution):
            return judge(estimate, self.over, self.under, self.age_limit)
        low, high = estimate.bounds_at_or_over(self.age_limit)
        if low == 1:
            return Outcome.OVER, (Reason.KNOWN_AT_OR_OVER,)
        if high > 0:
            return Outcome.INCONCLUSIVE, (Reason.INTERVAL_SPANS_LIMIT,)
        if self.direction is Direction.OVER:
            return Outcome.INCONCLUSIVE, (Reason.UNDER_NOT_ASKED,)
        return Outcome.UNDER, (Reason.KNOWN_UNDER,)

    def _narrowed(self, methods: frozenset[MethodClass] | None) -> frozenset[MethodClass]:
        return self.methods if methods is None else self.methods & methods

    def _bindings(self) -> tuple[bool, ...]:
        return (True,) if self.binding is Binding.REQUIRED else (True, False)

    def _presentation_attacks(self) -> tuple[PresentationAttack, ...]:
        if self.presentation_attack is PresentationAttackRule.UNEVALUATED_ACCEPTED:
            return tuple(PresentationAttack)
        return (PresentationAttack.PASSED, PresentationAttack.NOT_APPLICABLE)

    def can_settle(
        self,
        *,
        methods: frozenset[MethodClass] | None = None,
        minimum_level: AssuranceLevel | None = None,
    ) -> bool:
        """Could any evidence settle a request that insists on these?

        If not, none should be collected.
        """
        needed = AssuranceLevel.ASSERTED if minimum_level is None else minimum_level
        return any(
            level_of(self.levels, *kind).rank >= needed.rank
            for kind in product(
                self._narrowed(methods), self._bindings(), self._presentation_attacks()
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """As data, in a stable order."""
        return {
            "format": "ageassure-policy-1",
            "age_limit": self.age_limit,
            "direction": self.direction.value,
            "methods": sorted(self.methods),
            "binding": self.binding.value,
            "presentation_attack": self.presentation_attack.value,
            "over": None if self.over is None else self.over.to_dict(),
            "under": None if self.under is None else self.under.to_dict(),
            "session_alpha": self.session_alpha,
            "max_attempts": self.max_attempts,
            "levels": sorted((row.to_dict() for row in self.levels), key=str),
            "may_tell": sorted(self.may_tell),
        }

    @property
    def digest(self) -> str:
        """SHA-256 over :meth:`to_dict`, to record which policy decided."""
        return data_digest(self.to_dict())
