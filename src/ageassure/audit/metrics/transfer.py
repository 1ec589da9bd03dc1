"""Does a threshold chosen on some people hold for others? T from one group, its FPR on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.audit.derivation import estimates_of_people
from ageassure.audit.metrics.shares import Shares
from ageassure.errors import InsufficientEvidenceError
from ageassure.policy import calibrate_challenge_age

if TYPE_CHECKING:
    from ageassure.audit.figure import Figure
    from ageassure.audit.metrics.cells import Grid, Group
    from ageassure.audit.plan import EvaluationPlan, OperatingPoint
    from ageassure.audit.table import EvaluationTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """One group whose people choose T.

    Attributes:
        chosen_on: The group's value.
        challenge_age_years: T, or None where its people are too few to earn one.
        refusal: Why there is none.
        fpr_band: Value of each group → FPR of its protected band at that T.
        worst_ratio: The greatest of these on another group, divided by α; None if there is none.
    """

    chosen_on: str
    challenge_age_years: float | None
    refusal: str | None
    fpr_band: dict[str, Figure]
    worst_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Thresholds carried over between the values of one axis, at one operating point's α."""

    point: OperatingPoint
    axis: str
    rows: tuple[TransferRow, ...]


def transfer(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan, point: OperatingPoint
) -> Transfer | None:
    """Choose T by the rule of the challenge age on each value; None if the plan names no axis."""
    axis = plan.transfer_axis
    if axis is None:
        return None
    groups = list(grid.groups(axis))
    return Transfer(
        point=point,
        axis=axis,
        rows=tuple(_row(table, grid, plan, point, axis, group, groups) for group in groups),
    )


def _row(
    table: EvaluationTable,
    grid: Grid,
    plan: EvaluationPlan,
    point: OperatingPoint,
    axis: str,
    chosen_on: Group,
    groups: list[Group],
) -> TransferRow:
    name = chosen_on.where[axis]
    try:
        bar = calibrate_challenge_age(
            estimates_of_people(
                table, point.protected_band, attempts=1, among=chosen_on.cells[grid.of_row]
            ),
            age_limit=point.limit_years,
            alpha=point.alpha,
            protected_band=point.protected_band,
            pipeline_digest="0" * 64,  # the bar is looked at here and never handed out
            source=table.statement.name,
            age_proof=table.statement.age_proof,
        )
    except InsufficientEvidenceError as error:
        return TransferRow(
            chosen_on=name,
            challenge_age_years=None,
            refusal=str(error),
            fpr_band={},
            worst_ratio=None,
        )
    band = grid.within(point.protected_band.first_years, point.protected_band.last_years)
    share = Shares(table, grid, band, table.estimated_age_years >= bar.age_years)
    found = {group.where[axis]: share.figure(group.cells, plan) for group in groups}
    others = [f.value for value, f in found.items() if value != name and f.value is not None]
    return TransferRow(
        chosen_on=name,
        challenge_age_years=bar.age_years,
        refusal=None,
        fpr_band=found,
        worst_ratio=max(others) / point.alpha if others else None,
    )
