"""The chapters of a report about rates: who was measured, and who was let through or turned away.

Written from the report's data alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ageassure.audit.report import drawing
from ageassure.audit.report.wording import (
    Chapter,
    Noted,
    Picture,
    Table,
    band_name,
    cells_table,
    challenge_age,
    group_name,
    number_cell,
    percent,
    share_cell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def population(report: dict[str, Any]) -> Chapter:
    """Who is in the data, how their age was proved, where they were pictured."""
    evaluation = report["evaluation"]
    counts, statement = evaluation["counts"], evaluation["statement"]
    told = [cell for cell in evaluation["failures"] if len(cell["where"]) < 2]
    rows = tuple(
        (group_name(cell["where"]), f"{cell['figures']['ftp']['n']}",
         f"{cell['figures']['ftp']['subjects']}")
        for cell in told
    )  # fmt: skip
    return Chapter(
        key="population",
        title="Population and capture",
        sentences=(
            f"{statement['name']}: {counts['rows']} samples of {counts['subjects']} people; "
            f"{counts['processed']} were processed; {counts['exact_ages']} have an age known to "
            "the year.",
            f"How age was proved: {statement['age_proof']}. Licence: {statement['licence']}.",
            *dict.fromkeys(note["sentence"] for note in evaluation["notes"]),
        ),
        parts=(
            Table(
                caption="Samples and people presented, by group; capture is an axis where the "
                "plan names one",
                head=("Group", "Samples", "People"),
                rows=rows,
            ),
        ),
    )


def named_by_nist(report: dict[str, Any]) -> Chapter:
    """The figures that NIST FATE AEV names."""
    evaluation = report["evaluation"]
    years = evaluation["years"]
    rows: list[tuple[str, str | Noted]] = [
        (f"MAE, {group_name(years['cells'][0]['where'])}", _of(years["cells"][0], "mae"))
    ]
    rows += [
        (f"{key}, everybody", _of(years["cells"][0], key)) for key in ("median_ae", "rmse", "bias")
    ]
    rows += [
        (f"macro {key}: mean over sex × 18 … 30", number_cell(years["macro"]["figures"][key]))
        for key in ("mae", "rmse", "bias")
    ]
    rows += [
        (f"within {k} years", share_cell(years["cells"][0]["figures"][f"within_{k}"]))
        for k in (1, 2, 3, 5, 10)
    ]
    safety = evaluation["child_safety"][0]["figures"]
    rows += [(key, share_cell(figure)) for key, figure in safety.items()]
    spreads = [s for s in years["spreads"] if s["metric"] == "mae"]
    return Chapter(
        key="nist",
        title="Figures named by NIST",
        sentences=(f"Age proved by: {evaluation['statement']['age_proof']}.",),
        parts=(
            Table(caption="NIST FATE AEV: errors in years and Child Online Safety rates",
                  head=("Figure", "Value (95 % interval; n)"), rows=tuple(rows)),
            Table(
                caption="How far the groups' MAE lie apart",
                head=("Over", "Gini", "Max − min", "Max ÷ min", "Worst group"),
                rows=tuple(
                    (s["over"], *(number_cell(s["figures"][k])
                                  for k in ("gini", "max_min", "max_over_min")),
                     group_name(s["greatest"]) if s["greatest"] else "–")
                    for s in spreads
                ),
            ),
        ),
    )  # fmt: skip


def _of(cell: dict[str, Any], key: str) -> str | Noted:
    return number_cell(cell["figures"][key])


def single_ages(report: dict[str, Any]) -> Chapter:
    """FPR and FNR at every age label, at every operating point."""
    parts: list[Table | Picture] = []
    for index, result in enumerate(report["evaluation"]["points"]):
        point = result["point"]
        title = f"limit {point['limit_years']}, T = {challenge_age(point)}"
        caption = f"FPR and FNR by age; the grey zone lies between limit and T: {title}"
        parts.append(Picture(svg=drawing.by_age(f"age{index}", result), caption=caption))
        rows = []
        for cell in result["by_age"]:
            figures = cell["figures"]
            across = figures.get("passed_across_limit")
            kind = next((k for k in ("fpr", "fnr") if k in figures), "passed, across the limit")
            rows.append((
                cell["where"]["age"], kind.upper() if len(kind) == 3 else kind,
                share_cell(figures.get(kind, across)),
                share_cell(figures.get(f"{kind}_operational")),
            ))  # fmt: skip
        parts.append(
            Table(
                caption=f"The same in numbers: {title}",
                head=("Age", "Rate", "Of those processed", "Of everybody presented"),
                rows=tuple(rows),
            )
        )
    return Chapter(key="ages", title="By single age, and the grey zone", parts=tuple(parts))


def det(report: dict[str, Any]) -> Chapter:
    """Minors against adults at every threshold."""
    parts: list[Table | Picture] = []
    for found in report["evaluation"]["limits"]:
        limit = found["limit_years"]
        svg = drawing.det(f"det{limit}", found["separation"])
        if svg is not None:
            parts.append(Picture(svg=svg, caption=f"DET at {limit}, by sex where it is known"))
        marks = tuple(found["separation"][0]["fnr_at_fpr"])
        parts.append(
            Table(
                caption=f"Adults of {limit} or older turned away where so many minors pass, and "
                "area under the ROC curve",
                head=("Group", "AUC", *(f"FNR at FPR {mark}" for mark in marks)),
                rows=tuple(
                    (group_name(row["where"]), number_cell(row["auc"]),
                     *(share_cell(row["fnr_at_fpr"][mark]) for mark in marks))
                    for row in found["separation"]
                ),
            )
        )  # fmt: skip
        parts += _thresholds(found)
    return Chapter(key="det", title="Detection error trade-off", parts=tuple(parts))


def _thresholds(found: dict[str, Any]) -> Iterator[Table | Picture]:
    """Rates at every whole threshold, drawn and in numbers; minors and adults apart."""
    limit = found["limit_years"]
    caption = f"FPR and FNR by threshold at {limit}, of everybody and of the ages next to it"
    yield Picture(svg=drawing.thresholds(f"thresholds{limit}", found), caption=caption)
    for rate, who in (("fpr", "Minors who pass"), ("fnr", "Adults turned away")):
        first = found["thresholds"][0]["figures"]
        keys = [key for key in first if key == rate or (key.startswith(rate) and first[key]["n"])]
        yield Table(
            caption=f"{who} by threshold at {limit} (Wilson intervals, for the drawing)",
            head=("T", *(f"of {key[4:]}" if key[4:] else rate.upper() for key in keys)),
            rows=tuple(
                (f"{row['threshold_years']:g}", *(share_cell(row["figures"][k]) for k in keys))
                for row in found["thresholds"]
            ),
        )


def matrix(report: dict[str, Any]) -> Chapter:
    """Every group and pair of groups."""
    parts = tuple(part for result in report["evaluation"]["points"] for part in _matrix(result))
    years = report["evaluation"]["years"]["cells"]
    columns = (("mae", "MAE, years"), ("bias", "Bias, years"), ("mae_at_least", "MAE at least"))
    table = cells_table("Errors in years", years, columns, shares=False)
    return Chapter(
        key="groups",
        title="Group by group",
        sentences=(
            "Small groups stand in the table with their n; none is left out. A verdict of a group "
            "is on its own; “every group” is the one on all of them together.",
        ),
        parts=(*parts, table),
    )


def _matrix(result: dict[str, Any]) -> Iterator[Table]:
    point = result["point"]
    title = f"limit {point['limit_years']}, T = {challenge_age(point)}"
    yield Table(
        caption=f"The claim in each group: {title}, at most {percent(point['alpha'])} of people of "
        f"{band_name(point)}. Every group: {result['every_group']}",
        head=("Group", "Passed of n", "People", "Upper bound", "Least provable", "Verdict"),
        rows=tuple(
            (group_name(claim["where"]), f"{claim['k']} of {claim['n']}", f"{claim['subjects']}",
             percent(claim["upper"]), percent(claim["min_provable"]), claim["verdict"])
            for claim in result["claims"]
        ),
    )  # fmt: skip
    columns = (
        ("fpr", "FPR, minors"),
        ("fpr_operational", "FPR of everybody presented"),
        ("fnr", "FNR, adults"),
        ("fnr_operational", "FNR of everybody presented"),
        ("passed_across_limit", "Passed of groups across the limit"),
    )
    yield cells_table(f"Rates in each group: {title}", result["cells"], columns)


def severity(report: dict[str, Any]) -> Chapter:
    """How far under the limit they are who were let through."""
    tables = []
    for result in report["evaluation"]["points"]:
        point = result["point"]
        cells = [cell for cell in result["cells"] if len(cell["where"]) < 2]
        rows = tuple(
            (group_name(cell["where"]),
             *(number_cell(cell["figures"][key]) for key in ("severity", "severity_max")),
             *(share_cell(cell["figures"][f"tail_{k}"]) for k in (1, 2, 3, 5)))
            for cell in cells
        )  # fmt: skip
        tables.append(
            Table(
                caption=f"Severity at {point['limit_years']}, T = "
                f"{challenge_age(point)}: years under the limit of minors who passed, "
                "for each minor; the most; and the share at least so many years under",
                head=("Group", "Severity", "Most", "≥ 1", "≥ 2", "≥ 3", "≥ 5"),
                rows=rows,
            )
        )
    return Chapter(key="severity", title="Severity and tail", parts=tuple(tables))
