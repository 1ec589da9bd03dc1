"""What a preset says, and the chain that it makes of an operator's bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError
from ageassure.policy.bars import ROUNDING
from ageassure.policy.earned import ChallengeAge
from ageassure.policy.policy import Policy
from ageassure.policy.strict import instance
from ageassure.policy.successive import Step, Successive
from ageassure.results import Direction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from ageassure.policy.terms import Binding, OnContradiction, PresentationAttackRule
    from ageassure.results import MethodClass

NO_LEGAL_ADVICE: Final = (
    "This preset is one reading of the sources that it names, as they were known on the day it was "
    "drawn up. It is no legal advice, no certification and no promise that a regulator agrees."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text that a preset reads.

    Attributes:
        title: Its title, in its own language.
        publisher: Who made it.
        reference: Where it is found: an official number, or an address.
        dated: The day it bears.
    """

    title: str
    publisher: str
    reference: str
    dated: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetStep:
    """One method that the preset allows.

    Attributes:
        name: Name of the estimator.
        methods: Method classes that settle the outcome at this step.
        binding: Must the evidence be tied to the person present?
        presentation_attack: Must a presentation attack have been looked for?
        bar_alpha: Greatest error of one attempt that the step's bar may claim; None where the step
            takes intervals only (documents, credentials).
        least_challenge_age: The bar is raised to this age where it was earned lower; None where
            the sources name no buffer.
        max_attempts: Estimates that one session may make.
        time_limit_seconds: As :class:`~ageassure.policy.Step`.
    """

    name: str
    methods: frozenset[MethodClass]
    binding: Binding
    presentation_attack: PresentationAttackRule
    bar_alpha: float | None
    least_challenge_age: float | None
    max_attempts: int
    time_limit_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One reading of the law as a chain of methods; read from a data file.

    Attributes:
        name: Name of the file.
        version: Raised whenever what it says about a person changes.
        title: What it is about.
        jurisdiction: ISO 3166-1 alpha-2 code, or ``EU``.
        drawn_up_on: The day on which the file was drawn up from its sources.
        age_limit: Age in the law; OVER is asked.
        needs_profile: Token profile without which it cannot be followed.
        on_contradiction: As :class:`~ageassure.policy.Successive`.
        session_alpha: Greatest error of a whole session; None where no step has a bar.
        steps: Every method that it allows, in the order in which they are tried.
        choices: What no source sets, and this library chose.
        left_to_operator: What the law asks beside the chain.
        sources: What it reads.
        digest: SHA-256 of the file's data, 64 hex digits.
    """

    name: str
    version: int
    title: str
    jurisdiction: str
    drawn_up_on: date
    age_limit: int
    needs_profile: str
    on_contradiction: OnContradiction
    session_alpha: float | None
    steps: tuple[PresetStep, ...]
    choices: tuple[str, ...]
    left_to_operator: tuple[str, ...]
    sources: tuple[Source, ...]
    digest: str

    @property
    def notice(self) -> str:
        """That this is no legal advice, in words to be shown."""
        return NO_LEGAL_ADVICE

    def chain(self, *, steps: Collection[str], bars: Mapping[str, ChallengeAge]) -> Successive:
        """The chain of those steps that the operator runs, in the preset's order.

        NOT checked: that what is left out is offered in another way where the law asks for it.

        Args:
            steps: Names of the preset's steps for which the operator has an estimator.
            bars: For each of them that takes one, the challenge age that its pipeline has earned.

        Raises:
            ConfigurationError: If a step is unknown or none is named, a bar is missing, not asked
                for or no :class:`~ageassure.policy.ChallengeAge`, or claims a greater error.
        """
        known = {step.name for step in self.steps}
        if not steps or not set(steps) <= known:
            raise ConfigurationError(f"got steps outside {sorted(known)}, or none")
        taken = [step for step in self.steps if step.name in steps]
        with_bar = {step.name for step in taken if step.bar_alpha is not None}
        if bars.keys() != with_bar:
            raise ConfigurationError(f"got bars for other steps than {sorted(with_bar)}")
        return Successive(
            steps=tuple(self._step(step, bars.get(step.name)) for step in taken),
            session_alpha=self.session_alpha if with_bar else None,
            on_contradiction=self.on_contradiction,
        )

    def _step(self, step: PresetStep, bar: ChallengeAge | None) -> Step:
        alpha = None
        if step.bar_alpha is not None:
            earned = instance(bar, ChallengeAge, "bar")
            if earned.alpha > step.bar_alpha * ROUNDING:
                raise ConfigurationError(
                    f"got a bar with error {earned.alpha}, expected at most {step.bar_alpha}"
                )
            # A higher age lets no more people through: what was earned stays supported.
            raised = max(earned.age_years, step.least_challenge_age or 0.0)
            bar = replace(earned, age_years=raised)
            alpha = step.bar_alpha * (
                1 if earned.attempts >= step.max_attempts else step.max_attempts
            )
        return Step(
            name=step.name,
            time_limit_seconds=step.time_limit_seconds,
            policy=Policy(
                age_limit=self.age_limit,
                direction=Direction.OVER,
                methods=step.methods,
                binding=step.binding,
                presentation_attack=step.presentation_attack,
                over=bar,
                under=None,
                session_alpha=alpha,
                max_attempts=step.max_attempts,
            ),
        )
