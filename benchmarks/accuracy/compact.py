"""From an audit's report to the result that is committed: fewer cells, not one new figure.

What is left out: pairs with an age band, groups in which nobody is, curves, thresholds but for
those of the plan, and of groups the rarer figures. A figure keeps its interval, its method and the
number of people; members of it that are null go, but for the value, which has its reason.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.figure import Why

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

DECIMALS: Final = 6
"""Of figures; challenge ages stay as they are."""

AGE_BAND: Final = "age_band"
AGE: Final = "age"
NOT_ASKED: Final = "the protocol asks for no whole distributions"
POINT_FIGURES: Final = ("fpr_band", "fpr", "fnr", "fnr_operational")
YEARS_FIGURES: Final = ("mae", "bias", "within_5")
POINT_MEMBERS: Final = ("point", "verdict", "claim", "band_across_limit", "every_group", "worst")

Json = dict[str, Any]


def slim(tree: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without null members of figures, and with figures rounded."""
    if isinstance(tree, list):
        return [slim(part) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if {"value", "n", "reason"} <= tree.keys():
        return {
            name: round(part, DECIMALS) if isinstance(part, float) else part
            for name, part in tree.items()
            if part is not None or name == "value"
        }
    return {name: slim(part) for name, part in tree.items()}


def cells(found: Iterable[Json], names: Collection[str]) -> list[Json]:
    """Everybody with all figures, groups and pairs with some, where there is anybody."""
    kept = []
    for cell in found:
        where, figures = cell["where"], cell["figures"]
        if len(where) > 1 and AGE_BAND in where:
            continue
        if where:
            figures = {k: figure for k, figure in figures.items() if k in names and figure["n"]}
        if figures:
            kept.append({"where": where, "figures": figures})
    return kept


def compact(report: Json, *, distribution: bool) -> Json:
    """The figures of a report that a result keeps.

    Args:
        report: ``report.json``.
        distribution: Were whole distributions asked for?
    """
    evaluation = report["evaluation"]
    years = evaluation["years"]
    found = {
        "counts": evaluation["counts"],
        "notes": evaluation["notes"],
        "limits": [limit["sentence"] for limit in report["limits"]],
        "points": [_point(point) for point in evaluation["points"]],
        "failures": cells(evaluation["failures"], ("ftp",)),
        "years": {**years, "cells": cells(years["cells"], YEARS_FIGURES)},
        "separation": [
            {name: part for name, part in one.items() if name != "curve"}
            for limit in evaluation["limits"]
            for one in limit["separation"]
        ],
        "reliability": _reliability(evaluation["reliability"]),
        "coverage_by_year": _coverage(evaluation["coverage_by_year"], asked=distribution),
    }
    slimmed: Json = slim(found)
    return slimmed


def _point(point: Json) -> Json:
    return {
        **{name: point[name] for name in POINT_MEMBERS},
        "claims": [claim for claim in point["claims"] if claim["n"]],
        "cells": cells(point["cells"], POINT_FIGURES),
        "by_age": [
            {**one, "figures": {k: f for k, f in one["figures"].items() if "operational" not in k}}
            for one in point["by_age"]
        ],
        "spreads": [spread for spread in point["spreads"] if spread["groups"]],
    }


def _reliability(found: list[Json]) -> Any:  # noqa: ANN401 - JSON
    """Of each probability; a null with its reason if the estimator gives none."""
    if not found:
        return {"value": None, "reason": Why.NO_PROBABILITIES.value}
    return [
        {name: one[name] for name in ("age_years", "left_out")}
        | {"cells": cells(one["cells"], ("ece",))}
        for one in found
    ]


def _coverage(found: Json | None, *, asked: bool) -> Json:
    """Of whole distributions; a null with its reason where there are none."""
    if found is None:
        return {"value": None, "reason": Why.NO_PROBABILITIES.value if asked else NOT_ASKED}
    held = ("coverage_80", "coverage_90", "coverage_95")
    kept = [cell for cell in cells(found["cells"], held) if AGE not in cell["where"]]
    return {**{name: found[name] for name in ("left_out", "pit")}, "cells": kept}


def compact_comparison(document: Json) -> Json:
    """What a result keeps of ``ageassure audit compare --json``."""
    slimmed: Json = slim(
        {
            **document,
            "years": cells(document["years"], ("mae", "bias")),
            "points": [
                cells(point, ("fpr_operational", "fnr_operational")) for point in document["points"]
            ],
        }
    )
    return slimmed


def text(tree: Any, indent: str = "") -> str:  # noqa: ANN401 - JSON
    """JSON with every innermost object and every text on a line of its own."""
    inner = f"{indent} "
    if isinstance(tree, dict) and any(isinstance(part, dict | list) for part in tree.values()):
        lines = [f"{inner}{json.dumps(key)}: {text(part, inner)}" for key, part in tree.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(tree, list) and any(isinstance(part, dict | list | str) for part in tree):
        return "[\n" + ",\n".join(inner + text(part, inner) for part in tree) + f"\n{indent}]"
    return json.dumps(tree, ensure_ascii=False, allow_nan=False)
