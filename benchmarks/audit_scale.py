"""What an evaluation costs, by number of rows: CPU seconds, seconds by the clock, memory.

The people are made up, so no figure here is about people. Each size runs in a process of its own::

    python benchmarks/audit_scale.py --json benchmarks/results/audit-scale.json

"Bootstrap" is the resampling of errors in years for everybody, twelve groups, pairs and age bands:
2,000 resamples. With one row for each person they are drawn from bins of 0.1 year, and the cost
follows the number of filled bins, not that of rows; otherwise it follows the number of people.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from ageassure.audit.evaluation import evaluate
from ageassure.audit.metrics.bootstrap import resampled
from ageassure.audit.metrics.cells import Grid
from ageassure.audit.metrics.sums import Atoms, strata_in, strata_of
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.table import Column, DatasetStatement, EvaluationTable
from ageassure.policy import AgeBand

SIZES: Final = ((10_000, 1), (100_000, 1), (1_000_000, 1), (100_000, 3))
"""Rows, and how many of them show one person."""

SEED: Final = 20_261_125
AGES: Final = (13, 16, 18, 20, 21, 25)

PLAN: Final = EvaluationPlan(
    points=(
        OperatingPoint(
            limit_years=18,
            challenge_age_years=25.0,
            alpha=0.01,
            protected_band=AgeBand(first_years=13, last_years=17),
            chosen_on=None,
        ),
    ),
    axes=("sex", "region"),
    pair_with="sex",
    seed=SEED,
    transfer_axis="region",
)


def made_up(rows: int, samples: int) -> EvaluationTable:
    """2 sexes × 6 regions, ages 5 … 69, one row in a hundred refused."""
    rng = np.random.default_rng(SEED)
    person = np.arange(rows) // samples
    ages = rng.integers(5, 70, rows)[person]
    estimates = np.clip(ages + rng.normal(0.3, 3.5, rows), 0, 120)
    refused = rng.random(rows) < 0.01
    estimates[refused] = np.nan
    regions = tuple(f"region {index}" for index in range(1, 7))
    return EvaluationTable(
        sample_ids=np.array([f"{index:08}" for index in range(rows)]),
        age_low_years=ages,
        age_high_years=ages,
        subjects=person,
        groups={
            "sex": Column(values=("female", "male"), codes=rng.integers(0, 2, rows)[person]),
            "region": Column(values=regions, codes=rng.integers(0, 6, rows)[person]),
        },
        estimated_age_years=estimates,
        p_over={age: 1 / (1 + np.exp(-(estimates - age) / 2)) for age in AGES},
        status=Column(values=("no_face", "ok"), codes=1 - refused.astype(np.int64)),
        statement=DatasetStatement(
            name="made-up people",
            digest="0" * 64,
            licence="CC0-1.0",
            age_proof="made up",
            subjects_known=True,
        ),
    )


def one_size(rows: int, samples: int) -> dict[str, Any]:
    table = made_up(rows, samples)
    before_cpu, before = time.process_time(), time.perf_counter()
    evaluation = evaluate(table, PLAN)
    cpu, clock = time.process_time() - before_cpu, time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    grid = Grid.of(table, PLAN)
    strata = strata_of(grid)
    atoms = Atoms.of(table, grid, strata, table.processed)
    groups = [strata_in(group, strata) for group in grid.reported()]
    before_cpu = time.process_time()
    resampled(atoms, groups, seed=(SEED,), resamples=PLAN.resamples)
    return {
        "rows": rows,
        "people": len(np.unique(table.subjects)),
        "groups": len(groups),
        "cpu_seconds": round(cpu, 1),
        "clock_seconds": round(clock, 1),
        "peak_rss_mib": round(peak / 2**20),
        "bootstrap_cpu_seconds": round(time.process_time() - before_cpu, 2),
        "bootstrap_units": len(atoms.stratum),
        "json_bytes": len(json.dumps(evaluation.to_dict(), allow_nan=False)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, help="one size, in this process")
    parser.add_argument("--samples", type=int, default=1, help="rows of one person")
    arguments = parser.parse_args()
    if arguments.rows:
        print(json.dumps(one_size(arguments.rows, arguments.samples)))
        return
    sizes = []
    for rows, samples in SIZES:
        done = subprocess.run(
            [sys.executable, __file__, "--rows", str(rows), "--samples", str(samples)],
            check=True,
            capture_output=True,
            text=True,
        )
        sizes.append(json.loads(done.stdout))
        print(sizes[-1])
    found = {
        "data": "made-up people, 2 sexes × 6 regions",
        "resamples": PLAN.resamples,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load": "other work on the same cores" if os.getloadavg()[0] > 1.5 else "idle",
        "sizes": sizes,
    }
    if arguments.json:
        arguments.json.write_text(
            json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
