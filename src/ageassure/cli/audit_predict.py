"""``ageassure audit predict``: from a manifest to a file of predictions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ageassure.cli.audit_data import FILE, FOLDER, bar, need_audit
from ageassure.cli.output import command_with_json, emit
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.audit.engines.base import Engine
    from ageassure.audit.prediction.assessing import Showing


def _showing(degrade: str | None, border_pixels: int) -> Showing:
    from ageassure.audit.degradation import Degradation
    from ageassure.audit.prediction.assessing import Showing

    if degrade is None:
        return Showing(border_pixels=border_pixels)
    kind, _, level = degrade.partition("=")
    try:
        return Showing(
            border_pixels=border_pixels, degradation=Degradation(kind), level=float(level)
        )
    except ValueError:
        pass
    raise ConfigurationError(f"got another --degrade than KIND=LEVEL of {', '.join(Degradation)}")


def _engine(name: str, workers: int | None) -> Engine:
    from ageassure.audit.engines.threads import ThreadEngine, available_processors

    if name == "threads":
        return ThreadEngine(threads=workers)
    count = available_processors() if workers is None else workers
    if name == "daft":
        from ageassure.audit.engines.daft import DaftEngine

        return DaftEngine(workers=count)
    from ageassure.audit.engines.ray_data import RayEngine

    return RayEngine(workers=count, address=os.environ.get("RAY_ADDRESS"))


@click.command()
@click.option("--manifest", type=FILE, required=True, help="CSV or Parquet, its .toml beside it.")
@click.option(
    "--root",
    type=FOLDER,
    help="The folder that its paths start from; the manifest's own if absent.",
)
@click.option(
    "--estimator",
    default="facial",
    show_default=True,
    help="The shipped one, age-v1 or age-v2 for one of its networks, or your entry point.",
)
@click.option("--out", type=FILE, required=True, help="Predictions: .parquet, or CSV.")
@click.option(
    "--engine",
    type=click.Choice(["threads", "ray", "daft"]),
    default="threads",
    show_default=True,
    help="Where it runs; ray takes the cluster of RAY_ADDRESS, or starts one here.",
)
@click.option("--workers", type=int, help="Threads or processes; one a processor if absent.")
@click.option(
    "--degrade", metavar="KIND=LEVEL", help="Make every picture worse first, such as jpeg=50."
)
@click.option(
    "--distribution",
    is_flag=True,
    help="Write P(age ≥ a) at every age a, for the PIT and the intervals of single years.",
)
@command_with_json
def predict(
    manifest: Path,
    root: Path | None,
    estimator: str,
    out: Path,
    engine: str,
    workers: int | None,
    degrade: str | None,
    distribution: bool,
    *,
    as_json: bool,
) -> None:
    """Assess every picture of a manifest and write one row for each.

    A run that was killed goes on where it was when the same command is given again. Beside OUT lie
    the latencies and a record of the run; no picture is kept.
    """
    need_audit()
    from ageassure.audit.datasets.manifest import read_manifest
    from ageassure.audit.engines.base import Task
    from ageassure.audit.prediction.assessing import ALL_YEARS
    from ageassure.audit.prediction.run import RunFiles
    from ageassure.audit.prediction.run import predict as run
    from ageassure.audit.table import P_OVER_YEARS

    people = read_manifest(manifest)
    task = Task(
        estimator=estimator,
        showing=_showing(degrade, people.statement.border_pixels),
        p_over_years=ALL_YEARS if distribution else P_OVER_YEARS,
    )
    files = RunFiles.beside(out)
    counts = run(
        people,
        root=manifest.parent if root is None else root,
        task=task,
        engine=_engine(engine, workers),
        files=files,
        progress=bar,
    )
    emit(
        {"predictions": str(out), "record": str(files.record), "by_status": counts},
        [f"{out}: {len(people)} rows", *(f"  {name} {count}" for name, count in counts.items())],
        as_json=as_json,
    )
