"""The rates of NIST's Child Online Safety track: is somebody put into 13 … 16 who belongs there?"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ageassure.audit.figure import Cell
from ageassure.audit.metrics.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.audit.metrics.cells import Grid
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable

RATES: Final[Mapping[str, tuple[tuple[int, int], tuple[float, float]]]] = MappingProxyType(
    {
        "tpr_13_16": ((13, 16), (13.0, 17.0)),
        "fnr_down": ((13, 16), (8.0, 13.0)),
        "fnr_up": ((13, 16), (17.0, 23.0)),
        "fpr_8_12": ((8, 12), (13.0, 17.0)),
        "fpr_17_22": ((17, 22), (13.0, 17.0)),
    }
)
"""Key → completed years of the people, both ends included; estimates [from, to) that count."""


def child_safety(table: EvaluationTable, grid: Grid, plan: EvaluationPlan) -> tuple[Cell, ...]:
    """The five rates for everybody, every group and pair, of those who were processed."""
    estimates = table.estimated_age_years
    shares = {
        name: Shares(table, grid, grid.within(*years), (estimates >= low) & (estimates < high))
        for name, (years, (low, high)) in RATES.items()
    }
    return tuple(
        Cell(
            where=group.where,
            figures={name: share.figure(group.cells, plan) for name, share in shares.items()},
        )
        for group in grid.reported()
    )
