"""The chapter of a report on probabilities, intervals and conformal bounds.

Written from the report's data alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ageassure.audit.report import drawing_calibration as drawing
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
    parts += _coverage("band", evaluation["coverage"], "in bands between the ages told")
    by_year, sentences = evaluation["coverage_by_year"], []
    if by_year is None:
        sentences = [
            "PIT and intervals in single years: not given, the predictions do not hold P(age ≥ a) "
            "at every age a."
        ]
    else:
        parts += _coverage("year", by_year, "in single years")
    parts += _conformal(evaluation["conformal"])
    return Chapter(
        key="calibration",
        title="Calibration and coverage",
        sentences=tuple(sentences),
        parts=tuple(parts),
    )


def _coverage(name: str, coverage: dict[str, Any], how: str) -> Iterator[Table | Picture]:
    left = f"{coverage['left_out']} samples left out, whose age group lies across one"
    if coverage["pit"][0]["n"]:
        svg = drawing.pit(f"pit-{name}", coverage)
        yield Picture(svg=svg, caption=f"PIT histogram, {how}; {left}")
    yield Table(
        caption=f"PIT histogram, {how}: share in each tenth; 10 % each if all is right",
        head=("Tenth", "Share"),
        rows=tuple((f"{i}", share_cell(share)) for i, share in enumerate(coverage["pit"], 1)),
    )
    ages = [cell for cell in coverage["cells"] if "age" in cell["where"]]
    for percents in (80, 90, 95) if ages else ():
        yield Picture(
            svg=drawing.coverage_by_age(f"cover-{name}-{percents}", ages, percents),
            caption=f"Coverage of {percents} % intervals by single age",
        )
    columns = [(f"{word}_{c}", f"{c} % intervals, {word}") for c in (80, 90, 95)
               for word in ("coverage", "claimed")]  # fmt: skip
    yield cells_table(f"Coverage of central intervals, {how}", coverage["cells"], columns)


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
        rarest = found["worst_covered"]
        most = "nobody" if rarest is None else group_name(rarest)
        caption = f"For whom the bounds are right; everybody's most rarely for {most}"
        yield cells_table(caption, found["covered"], columns)
