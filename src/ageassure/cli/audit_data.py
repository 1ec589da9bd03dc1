"""``ageassure audit predict`` and its neighbours: from a data set to a file of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ageassure.cli.output import command_with_json, emit
from ageassure.errors import ConfigurationError
from ageassure.extras import require_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.audit.engines.base import Engine
    from ageassure.audit.prediction.assessing import Showing

FILE = click.Path(path_type=Path)


def need_audit() -> None:
    """Check that the extra is installed, before anything is imported from it."""
    require_extra("audit", "numpy", "cv2", "onnxruntime", "pyarrow", "scipy", "tqdm")


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


def _engine(threads: int | None) -> Engine:
    from ageassure.audit.engines.threads import ThreadEngine

    return ThreadEngine(threads=threads)


@click.command()
@click.option("--manifest", type=FILE, required=True, help="CSV or Parquet, its .toml beside it.")
@click.option(
    "--root", type=FILE, help="The folder that its paths start from; the manifest's own if absent."
)
@click.option(
    "--estimator",
    default="facial",
    show_default=True,
    help="The shipped one, or the name of an entry point of your own.",
)
@click.option("--out", type=FILE, required=True, help="Predictions: .parquet, or CSV.")
@click.option("--threads", type=int, help="One for each processor if absent.")
@click.option(
    "--degrade", metavar="KIND=LEVEL", help="Make every picture worse first, such as blur=0.04."
)
@command_with_json
def predict(
    manifest: Path,
    root: Path | None,
    estimator: str,
    out: Path,
    threads: int | None,
    degrade: str | None,
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
    from ageassure.audit.prediction.run import RunFiles
    from ageassure.audit.prediction.run import predict as run

    people = read_manifest(manifest)
    task = Task(estimator=estimator, showing=_showing(degrade, people.statement.border_pixels))
    files = RunFiles.beside(out)
    counts = run(
        people,
        root=manifest.parent if root is None else root,
        task=task,
        engine=_engine(threads),
        files=files,
        progress=_bar,
    )
    emit(
        {"predictions": str(out), "record": str(files.record), "by_status": counts},
        [f"{out}: {len(people)} rows", *(f"  {name} {count}" for name, count in counts.items())],
        as_json=as_json,
    )


def _bar(total: int, done: int) -> Callable[[int], object]:
    from ageassure.audit.progress import progress_bar

    update: Callable[[int], object] = progress_bar(total=total, done=done).update
    return update
