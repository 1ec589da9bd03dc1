"""What an evaluation reads: one row per sample, as columns of numpy arrays, checked when made.

It holds labels and estimates, no picture. Rows of failures to process stay in: whoever drops them
makes every operational rate look better than it is.
"""

from __future__ import annotations

from ageassure.audit.table.arrays import Flags, Floats, Ints, Texts, distinct
from ageassure.audit.table.column import MAX_VALUES, UNKNOWN, Column
from ageassure.audit.table.evaluation_table import OK, P_OVER_YEARS, EvaluationTable
from ageassure.audit.table.statement import DatasetStatement

__all__ = [
    "MAX_VALUES",
    "OK",
    "P_OVER_YEARS",
    "UNKNOWN",
    "Column",
    "DatasetStatement",
    "EvaluationTable",
    "Flags",
    "Floats",
    "Ints",
    "Texts",
    "distinct",
]
