"""The chapters of a report beyond its rates: probabilities, transfer, attacks, limits, origin.

Written from the report's data alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ageassure.audit.report import drawing
from ageassure.audit.report.published import MAE_YEARS, SOURCE, mean_and_gini
from ageassure.audit.report.wording import (
    Chapter,
    Picture,
    Table,
    cells_table,
    group_name,
    number_cell,
    percent,
    share_cell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def calibration(report: dict[str, Any]) -> Chapter:
    """Are the probabilities right?"""
    evaluation = report["evaluation"]
    if evaluation["coverage"] is None:
        sentence = "The estimator gives no probabilities."
        return Chapter(key="calibration", title="Calibration and coverage", sentences=(sentence,))
    limits = {point["point"]["limit_years"] for point in evaluation["points"]}
    parts: list[Table | Picture] = []
    for found in evaluation["reliability"]:
        age = found["age_years"]
        if age in limits and found["bins"]:
            svg = drawing.reliability(f"rel{age}", found)
            parts.append(Picture(svg=svg, caption=f"Reliability of P(age ≥ {age})"))
        keys = ("ece", "brier", "log_loss", "mean_probability", "observed")
        parts.append(
            cells_table(
                f"P(age ≥ {age}); {found['left_out']} samples left out, whose age group lies "
                "across it. The interval of ECE is where chance puts it if all is right",
                found["cells"],
                [(key, key.replace("_", " ")) for key in keys],
                shares=False,
            )
        )
    coverage = evaluation["coverage"]
    parts.append(
        Table(
            caption="PIT histogram: share in each tenth; 10 % each if all is right",
            head=("Tenth", "Share"),
            rows=tuple((f"{i}", percent(share)) for i, share in enumerate(coverage["pit"], 1)),
        )
    )
    columns = [(f"{word}_{c}", f"{c} % intervals, {word}") for c in (80, 90, 95)
               for word in ("coverage", "claimed")]  # fmt: skip
    parts.append(cells_table("Coverage of central intervals", coverage["cells"], columns))
    parts += _conformal(evaluation["conformal"])
    return Chapter(key="calibration", title="Calibration and coverage", parts=tuple(parts))


def _conformal(found: dict[str, Any] | None) -> Iterator[Table]:
    if found is not None:
        yield Table(
            caption=f"Conformal lower bounds for {percent(found['coverage'])}: years to be taken "
            "off an estimate; a group's own margin is an audit figure only",
            head=("Group", "Margin, years"),
            rows=(
                ("everybody", number_cell(found["margin"])),
                *((group_name(c["where"]), number_cell(c["figures"]["margin_years"]))
                  for c in found["margins"]),
            ),
        )  # fmt: skip
        columns = (
            ("with_margin", "Right with everybody's"),
            ("with_worst_margin", "With the worst group's"),
        )
        yield cells_table("For whom the bounds are right", found["covered"], columns)


def stability(report: dict[str, Any]) -> Chapter:
    """Thresholds carried over, bad pictures, several tries."""
    evaluation = report["evaluation"]
    tables = [
        Table(
            caption=f"Challenge age chosen on one {found['axis']}, FPR of the protected band on "
            "each other at it",
            head=("Chosen on", "T", "Worst ÷ α", "FPR by value"),
            rows=tuple(_transferred(row) for row in found["rows"]),
        )
        for found in evaluation["transfers"]
    ]
    tables += [_degraded(curve) for curve in report["robustness"] or ()]
    tables += [_tries(tries) for tries in evaluation["tries"]]
    if report["simulated_tries"] is not None:
        tables.append(_tries(report["simulated_tries"]))
    return Chapter(key="stability", title="Transfer, robustness, retries", parts=tuple(tables))


def _transferred(row: dict[str, Any]) -> tuple[str, ...]:
    if row["challenge_age_years"] is None:
        return row["chosen_on"], f"none: {row['refusal']}", "–", "–"
    ratio = "–" if row["worst_ratio"] is None else f"{row['worst_ratio']:.2f}"
    rates = "; ".join(f"{name}: {share_cell(f)}" for name, f in row["fpr_band"].items())
    return row["chosen_on"], f"{row['challenge_age_years']:.2f}", ratio, rates


def _degraded(curve: dict[str, Any]) -> Table:
    rows = tuple(
        (f"{level['level']:g}",
         *(number_cell(level["figures"][key]) for key in ("shift", "movement")),
         *(share_cell(level["figures"][key]) for key in ("ftp", "fpr_band", "fnr")))
        for level in curve["levels"]
    )  # fmt: skip
    return Table(
        caption=f"Simulated {curve['degradation']}; slope, years for each unit: "
        f"{number_cell(curve['slope'])}",
        head=(
            "Level",
            "Shift, years",
            "Movement, years",
            "Not processed",
            "FPR of the band",
            "FNR",
        ),
        rows=rows,
    )


def _tries(tries: dict[str, Any]) -> Table:
    point = tries["point"]
    kind = "simulated by degrading one picture" if tries["simulated"] else "repeated samples"
    return Table(
        caption=f"FPR@r at {point['limit_years']}, T = {point['challenge_age_years']:g}: passed in "
        f"at most r tries ({kind})",
        head=("r", "Share of the protected band"),
        rows=tuple((f"{r}", share_cell(figure)) for r, figure in enumerate(tries["fpr_at"], 1)),
    )


def attacks(report: dict[str, Any]) -> Chapter:
    """Presentation attacks."""
    found = report["liveness"]
    title = "Liveness (ISO/IEC 30107-3)"
    if found is None:
        sentence = "Not measured: no labelled attack set was given."
        return Chapter(key="liveness", title=title, sentences=(sentence,))
    species = Table(
        caption="Each species of attack",
        head=("Species", "Instruments", "APCER", "Not answered", "IAPAR"),
        rows=tuple(
            (s["name"], f"{s['instruments']}", share_cell(s["apcer"]), share_cell(s["apnrr"]),
             share_cell(s["iapar"]))
            for s in found["species"]
        ),
    )  # fmt: skip
    names = {
        "apcer_max": f"Greatest APCER ({found['worst_apcer'] or 'unknown'})",
        "iapar_max": f"Greatest IAPAR ({found['worst_iapar'] or 'unknown'})",
        "bpcer": "BPCER",
        "bpnrr": "Living people not answered",
        "frr": "Living people at or over the limit not let through",
        "riapar": "RIAPAR",
    }
    rows = tuple((name, share_cell(found[key])) for key, name in names.items())
    whole = Table(caption="The system", head=("Figure", "Value (95 % interval)"), rows=rows)
    return Chapter(key="liveness", title=title, parts=(species, whole))


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
