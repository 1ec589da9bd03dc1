"""``ageassure audit report`` and ``compare``: from predictions to what an auditor signs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ageassure.cli.output import command_with_json, emit
from ageassure.errors import ConfigurationError, ReportError
from ageassure.extras import require_extra

FILE = click.Path(path_type=Path)


@click.command()
@click.option("--manifest", type=FILE, required=True, help="CSV or Parquet, its .toml beside it.")
@click.option("--predictions", type=FILE, required=True, help="CSV or Parquet.")
@click.option("--plan", type=FILE, required=True, help="TOML: what to measure and to claim.")
@click.option("--out", type=FILE, required=True, help="A folder; it must not exist.")
@click.option(
    "--degraded", type=FILE, multiple=True, help="Predictions of the same pictures made worse."
)
@click.option("--attacks", type=FILE, help="A labelled attack set: CSV or Parquet.")
@click.option("--calibration-manifest", type=FILE, help="Other people, for conformal bounds.")
@click.option("--calibration-predictions", type=FILE, help="Their predictions.")
@click.option(
    "--beside-published", is_flag=True, help="Draw it over NIST's; different data, not comparable."
)
@command_with_json
def report(
    manifest: Path,
    predictions: Path,
    plan: Path,
    out: Path,
    degraded: tuple[Path, ...],
    attacks: Path | None,
    calibration_manifest: Path | None,
    calibration_predictions: Path | None,
    beside_published: bool,
    *,
    as_json: bool,
) -> None:
    """Measure predictions as a plan asks, and write report.json, report.html and summary.md.

    The report is a function of these files and of the versions that it names, to the last byte.
    What the run cost stands in resources.json, which is no part of it.
    """
    require_extra("audit", "numpy", "scipy", "pyarrow", "cv2", "matplotlib", "jinja2")
    from ageassure.audit.plan_file import read_plan
    from ageassure.audit.report.annex import annex_bytes
    from ageassure.audit.report.document import ReportInputs, build_report, report_bytes
    from ageassure.audit.report.inputs import read_attacks, read_run
    from ageassure.audit.report.page import html_bytes
    from ageassure.audit.report.summary import summary_bytes

    if (calibration_manifest is None) != (calibration_predictions is None):
        raise ConfigurationError("expected both of the calibration's manifest and predictions")
    if out.exists():
        raise ReportError(f"{out.name}: exists and is not overwritten")
    asked, plan_sha256 = read_plan(plan)
    presentations, attacks_sha256 = (None, None) if attacks is None else read_attacks(attacks)
    inputs = ReportInputs(
        run=read_run(manifest, predictions),
        plan=asked,
        plan_sha256=plan_sha256,
        calibration=None
        if calibration_manifest is None or calibration_predictions is None
        else read_run(calibration_manifest, calibration_predictions),
        degraded=tuple(read_run(manifest, path) for path in degraded),
        attacks=None if presentations is None else tuple(presentations),
        attacks_sha256=attacks_sha256,
    )
    made = build_report(inputs)
    contents = {
        "report.json": report_bytes(made),
        "report.html": html_bytes(made, beside_published=beside_published),
        "summary.md": summary_bytes(made),
        "resources.json": annex_bytes(inputs.run),
    }
    _write(out, contents)
    first = made["evaluation"]["points"][0]
    emit(
        {"folder": str(out), "files": list(contents), "verdict": str(first["verdict"])},
        [f"{out}: {', '.join(contents)}", f"verdict: {first['verdict']}"],
        as_json=as_json,
    )


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    reason: str | None = None
    try:
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise ReportError(f"{folder.name}: cannot be written: {reason}")


@click.command()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.option("--manifest", type=FILE, required=True, help="The people of both.")
@click.option("--plan", type=FILE, required=True, help="TOML: groups and operating points.")
@command_with_json
def compare(first: Path, second: Path, manifest: Path, plan: Path, *, as_json: bool) -> None:
    """Compare the predictions FIRST and SECOND, of the same people.

    Every figure is SECOND less FIRST, with an interval: below zero, SECOND errs less. Both are
    held to the plan's challenge ages; estimators with challenge ages of their own need a report
    each.
    """
    require_extra("audit", "numpy", "scipy", "pyarrow", "cv2")
    from ageassure.audit.comparison import compare as compared
    from ageassure.audit.figure import as_data
    from ageassure.audit.plan_file import read_plan
    from ageassure.audit.report.document import code_digest
    from ageassure.audit.report.inputs import read_run

    asked, plan_sha256 = read_plan(plan)
    runs = [read_run(manifest, path) for path in (first, second)]
    found = compared(runs[0].table, runs[1].table, asked)
    digests = [run.predictions_sha256 for run in runs]
    document = {
        "manifest_sha256": runs[0].manifest_sha256,
        "predictions_sha256": digests,
        "plan_sha256": plan_sha256,
        "code_sha256": code_digest(),
        **as_data(found),
    }
    emit(document, _compared(document, first.name, second.name), as_json=as_json)


def _compared(document: dict[str, Any], first: str, second: str) -> list[str]:
    from ageassure.audit.report.wording import difference_cell, group_name

    lines = [
        f"{second} less {first}: {document['samples']} samples, "
        f"{document['processed_by_both']} processed by both, "
        f"{document['processed_by_first_only']} by the first only, "
        f"{document['processed_by_second_only']} by the second only"
    ]
    for number, cells in enumerate([document["years"], *document["points"]]):
        lines += ["", f"operating point {number}" if number else "years of error"]
        for cell in cells:
            figures = "  ".join(
                f"{name} {difference_cell(figure)}" for name, figure in cell["figures"].items()
            )
            lines.append(f"  {group_name(cell['where'])}: {figures}")
    return lines
