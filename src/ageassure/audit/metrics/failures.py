"""Who is in the data, and who was not processed: nobody is dropped silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.audit.figure import Cell
from ageassure.audit.metrics.cells import AGE
from ageassure.audit.metrics.shares import Shares
from ageassure.audit.table import OK

if TYPE_CHECKING:
    from ageassure.audit.metrics.cells import Grid
    from ageassure.audit.plan import EvaluationPlan
    from ageassure.audit.table import EvaluationTable


def failures_to_process(
    table: EvaluationTable, grid: Grid, plan: EvaluationPlan
) -> tuple[Cell, ...]:
    """``ftp`` of everybody, every group and pair, and every age label; ``n`` is who was presented.

    For everybody there is also the share of each status but ``ok``: ``status_no_face`` and so on.
    """
    shares = {"ftp": Shares(table, grid, grid.all_cells(), ~table.processed, operational=True)}
    by_status = {
        f"status_{status}": Shares(
            table, grid, grid.all_cells(), table.status.where(status), operational=True
        )
        for status in sorted(table.status.values)
        if status != OK
    }
    cells = []
    for group in (*grid.reported(), *grid.groups(AGE)):
        told = shares if group.where else shares | by_status
        figures = {name: share.figure(group.cells, plan) for name, share in told.items()}
        cells.append(Cell(where=group.where, figures=figures))
    return tuple(cells)
