"""The chapters of a report on other conditions: thresholds carried over, bad pictures, attacks.

Written from the report's data alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ageassure.audit.report import drawing_conditions as drawing
from ageassure.audit.report.wording import (
    Chapter,
    Picture,
    Table,
    challenge_age,
    difference_cell,
    number_cell,
    share_cell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def stability(report: dict[str, Any]) -> Chapter:
    """Thresholds carried over, bad pictures, several tries."""
    evaluation = report["evaluation"]
    parts: list[Table | Picture] = [
        Table(
            caption=f"Challenge age chosen on one {found['axis']}, FPR of the protected band on "
            "each other at it",
            head=("Chosen on", "T", "Worst ÷ α", "FPR by value"),
            rows=tuple(_transferred(row) for row in found["rows"]),
        )
        for found in evaluation["transfers"]
    ]
    for found in evaluation["conditions"]:
        parts += _condition(found)
    for curve in report["robustness"] or ():
        parts += _degraded(curve)
    parts += [_tries(tries) for tries in evaluation["tries"]]
    if report["simulated_tries"] is not None:
        parts.append(_tries(report["simulated_tries"]))
    return Chapter(key="stability", title="Transfer, robustness, retries", parts=tuple(parts))


def _condition(found: dict[str, Any]) -> Iterator[Table | Picture]:
    words = drawing.WORDS.get(found["name"], found["name"])
    if found["parts"]:
        svg = drawing.condition(f"condition-{found['name'].replace('_', '-')}", found)
        yield Picture(svg=svg, caption=f"Errors against {words}, as measured of each picture")
    rows = [
        (f"{part['least']:.3g} to {part['most']:.3g}",
         *(number_cell(part["figures"][key]) for key in ("bias", "mae")))
        for part in found["parts"]
    ]  # fmt: skip
    yield Table(
        caption=f"Errors against {words}, in fifths of the samples. Slope of the error, years for "
        f"each unit: {difference_cell(found['slope'])}; of the estimate within persons: "
        f"{difference_cell(found['slope_within'])}; not known of {found['unknown']} samples",
        head=(words, "Bias, years", "MAE, years"),
        rows=tuple(rows),
    )


def _transferred(row: dict[str, Any]) -> tuple[str, ...]:
    if row["challenge_age_years"] is None:
        return row["chosen_on"], f"none: {row['refusal']}", "–", "–"
    ratio = "–" if row["worst_ratio"] is None else f"{row['worst_ratio']:.2f}"
    rates = "; ".join(f"{name}: {share_cell(f)}" for name, f in row["fpr_band"].items())
    return row["chosen_on"], f"{row['challenge_age_years']:.2f}", ratio, rates


def _degraded(curve: dict[str, Any]) -> Iterator[Table | Picture]:
    kind = curve["degradation"]
    svg = drawing.robustness(f"robustness-{kind}", curve)
    yield Picture(svg=svg, caption=f"Simulated {kind}: years, and shares at the operating point")
    rows = tuple(
        (f"{level['level']:g}",
         *(number_cell(level["figures"][key]) for key in ("shift", "movement")),
         *(share_cell(level["figures"][key]) for key in ("ftp", "fpr_band", "fnr")))
        for level in curve["levels"]
    )  # fmt: skip
    yield Table(
        caption=f"Simulated {kind}; slope, years for each unit: {difference_cell(curve['slope'])}",
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
        caption=f"FPR@r at {point['limit_years']}, T = {challenge_age(point)}: passed in "
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
    drawn = Picture(
        svg=drawing.attacks("attacks", found),
        caption="APCER and IAPAR of each species against BPCER, with 95 % intervals",
    )
    return Chapter(key="liveness", title=title, parts=(drawn, species, whole))
