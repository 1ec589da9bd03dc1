"""A protocol: which people, shown how, and what is asked of every estimator alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from ageassure.audit.datasets.statement import AgeProof, Statement
    from ageassure.audit.plan import EvaluationPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some people of a data set.

    Attributes:
        part: Which part of the committed split; empty for the whole data set.
        manifest_sha256: What its manifest must be, 64 hex digits.
    """

    part: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A protocol, checked.

    Attributes:
        name: The file's, without its suffix.
        sha256: Of the file's bytes.
        data_name: The data set, as the statement beside its manifest names it.
        layout: How its folder is laid out, see ``ageassure audit datasets``.
        licence: As the statement has it.
        age_proof: Likewise.
        border_pixels: Likewise.
        distribution: Are whole distributions asked for? They tell PIT and coverage in single years,
            which ages known as groups do not allow.
        tested: The people whom figures are about.
        earned_on: Other people, on whom challenge ages are earned; None if none are.
        plan: What is asked; a challenge age that is to be earned stands at its limit here.
        to_earn: Places of the points whose challenge age is to be earned.
    """

    name: str
    sha256: str
    data_name: str
    layout: str
    licence: str
    age_proof: AgeProof
    border_pixels: int
    distribution: bool
    tested: Part
    earned_on: Part | None
    plan: EvaluationPlan
    to_earn: frozenset[int]

    def check(self, part: Part, statement: Statement) -> None:
        """Refuse a manifest that is not the one meant.

        Raises:
            ConfigurationError: If it has another digest, or its statement says otherwise.
        """
        if statement.manifest_sha256 != part.manifest_sha256:
            raise ConfigurationError(
                f"{self.name}: the folder gives the manifest {statement.manifest_sha256}, expected "
                f"{part.manifest_sha256}: it holds other pictures or labels"
            )
        told = {
            "licence": (statement.licence, self.licence),
            "age_proof": (statement.age_proof, self.age_proof),
            "border_pixels": (statement.border_pixels, self.border_pixels),
        }
        if part is self.tested:
            told["name"] = (statement.name, self.data_name)
        for member, (got, expected) in told.items():
            if got != expected:
                raise ConfigurationError(
                    f"{self.name}: the manifest's statement has the {member} {got}, expected "
                    f"{expected}"
                )


def plan_toml(plan: EvaluationPlan) -> str:
    """The text of a plan's file, as ``ageassure audit report`` takes it."""
    lines = [f"seed = {plan.seed}", f"axes = {json.dumps(plan.axes)}"]
    if plan.pair_with is not None:
        lines.append(f"pair_with = {json.dumps(plan.pair_with)}")
    lines.append(f"resamples = {plan.resamples}")
    for point in plan.points:
        band = point.protected_band
        lines += [
            "",
            "[[points]]",
            f"limit_years = {point.limit_years}",
            f"challenge_age_years = {point.challenge_age_years!r}",
            f"alpha = {point.alpha!r}",
            f"protected_band = [{band.first_years}, {band.last_years}]",
        ]
        if point.chosen_on is not None:
            lines.append(f"chosen_on = {json.dumps(point.chosen_on)}")
    return "\n".join(lines) + "\n"
