"""The last chapters of a report: failures, published algorithms, limits, origin.

Written from the report's data alone.
"""

from __future__ import annotations

from typing import Any

from ageassure.audit.report import drawing
from ageassure.audit.report.published import MAE_YEARS, SOURCE, mean_and_gini
from ageassure.audit.report.wording import Chapter, Picture, Table, cells_table, share_cell


def failures(report: dict[str, Any]) -> Chapter:
    """Who was not processed."""
    cells = report["evaluation"]["failures"]
    reasons = [key for key in cells[0]["figures"] if key != "ftp"]
    rows = tuple(
        (key.removeprefix("status_"), share_cell(cells[0]["figures"][key])) for key in reasons
    )
    why = Table(caption="Why, of everybody presented", head=("Status", "Share"), rows=rows)
    table = cells_table("Failures to process", cells, [("ftp", "Share of those presented")])
    return Chapter(
        key="failures", title="Failures to process", parts=(table, *([why] if rows else []))
    )


def limits(report: dict[str, Any]) -> Chapter:
    """What the figures cannot support."""
    sentences = tuple(limit["sentence"] for limit in report["limits"])
    return Chapter(key="limits", title="Limits, written by the program", sentences=sentences)


def provenance(report: dict[str, Any]) -> Chapter:
    """Digests of data, predictions, model and code; the seed."""
    found = report["provenance"]
    rows = [
        (key.replace("_", " "), f"{value}") for key, value in found.items()
        if isinstance(value, str | int)
    ]  # fmt: skip
    rows += [
        (key.replace("_", " "), "not known, or none")
        for key, value in found.items()
        if value is None
    ]
    rows += [(f"calibration {k}", v) for k, v in (found["calibration"] or {}).items()]
    rows += [
        (f"degraded {run['degradation']} {run['level']:g}", run["predictions_sha256"])
        for run in found["degraded"]
    ]
    for word in ("predicted_with", "versions"):
        rows += [(f"{word.replace('_', ' ')}: {k}", f"{v}") for k, v in (found[word] or {}).items()]
    table = Table(
        caption="What this report was made from and with", head=("What", "Value"), rows=tuple(rows)
    )
    return Chapter(key="provenance", title="Provenance", parts=(table,))


def published(report: dict[str, Any]) -> Chapter | None:
    """Its mean error and spread over NIST's published algorithms; None without a spread."""
    evaluation = report["evaluation"]
    pair = evaluation["plan"]["pair_with"]
    for spread in evaluation["years"]["spreads"]:
        over = str(spread["over"])
        if spread["metric"] == "mae" and over.startswith(f"{pair} × ") and "age_band" not in over:
            axes = set(over.split(" × "))
            values = [
                cell["figures"]["mae"]["value"] for cell in evaluation["years"]["cells"]
                if set(cell["where"]) == axes and cell["figures"]["mae"]["value"] is not None
            ]  # fmt: skip
            gini = spread["figures"]["gini"]["value"]
            if gini is not None:
                return _published((sum(values) / len(values), gini), over)
    return None


def _published(own: tuple[float, float], over: str) -> Chapter:
    others = {name: mean_and_gini(errors) for name, errors in MAE_YEARS.items()}
    rows = [(f"this report, {over}", f"{own[0]:.2f}", f"{own[1]:.3f}")]
    rows += [(f"{name} ({SOURCE})", f"{m:.2f}", f"{g:.3f}") for name, (m, g) in others.items()]
    caption = "Different data, not comparable: published algorithms were measured on other people"
    svg = drawing.beside_published("nist", own, others)
    head = ("Algorithm", "Mean of groups' MAE, years", "Gini")
    table = Table(caption=caption, head=head, rows=tuple(rows))
    return Chapter(
        key="published",
        title="Beside published algorithms",
        parts=(Picture(svg=svg, caption=caption), table),
    )
