"""Tables of the estimators on the test part of FairFace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from accuracy_parts import (
    ESTIMATORS,
    FAIRFACE,
    OURS,
    about,
    comparison,
    figure_of,
    groups_of,
    name_of,
    points_difference,
    rate,
    result,
    share,
    thousandths,
)
from figure_parts import challenge_age, percent, table

if TYPE_CHECKING:
    from collections.abc import Callable

FIXED: Final = 0
EARNED_5: Final = 1
"""Points of the protocol: T = 25, and what was earned for 5 %; a test compares."""

Json = dict[str, Any]


def everybody() -> str:
    """Everybody, at one challenge age for all, and how well ages are told apart."""
    found = {name: result(FAIRFACE, name) for name in ESTIMATORS}

    def at(point: int, name: str) -> Callable[[Json], str]:
        return lambda f: share(f["points"][point]["cells"][0]["figures"][name])

    def apart(f: Json) -> Json:
        (limit_20,) = (s for s in f["separation"] if s["limit_years"] == 20 and not s["where"])
        return limit_20

    rows: dict[str, Callable[[Json], str]] = {
        "not processed": lambda f: share(f["failures"][0]["figures"]["ftp"]),
        "0–9, estimated at 25 or over": at(FIXED, "fpr"),
        "10–19, estimated at 25 or over": at(FIXED, "fpr_band"),
        "20 and over, estimated under 25": at(FIXED, "fnr"),
        "20 and over, the same or not processed": at(FIXED, "fnr_operational"),
        "AUC, 0–19 against 20 and over": lambda f: thousandths(apart(f)["auc"]),
    }
    for mark in apart(found[OURS[0]])["fnr_at_fpr"]:
        rows[f"20 and over turned away where {mark} of 0–19 pass"] = lambda f, mark=mark: rate(
            apart(f)["fnr_at_fpr"][mark]
        )
    body = [[name, *(make(f) for f in found.values())] for name, make in rows.items()]
    return (
        f"{table(['', *found], body)}\n\n{about(found[OURS[0]])} AUC: chance that somebody of 20 "
        "or over gets the higher estimate. The last rows read their thresholds off these very "
        "people: they compare estimators and are no challenge ages. But for the row that says so, "
        "shares are of the pictures that were processed."
    )


def earned() -> str:
    """Challenge ages that each estimator earned elsewhere, and what they do here."""
    rows = []
    for name in ESTIMATORS:
        found = result(FAIRFACE, name)
        rows += [_earned_row(name, found, number) for number in range(len(found["earned"]))]
    head = [
        "estimator",
        "error claimed",
        "challenge age, earned by",
        "10–19 let through, test part",
        "at most",
        "verdict",
        "in every group",
        "worst group: at most",
        "20 and over turned away",
        "the same or not processed",
    ]
    first = result(FAIRFACE, OURS[0])
    return (
        f"{table(head, rows)}\n\n{about(first)} Challenge ages were earned on the calibration part "
        "of the same split. At most: one-sided 95 % upper bound. The group 10–19 lies across 18: "
        "its rate bounds neither that of the minors in it nor that of people of 17."
    )


def _earned_row(name: str, found: Json, number: int) -> list[str]:
    bar = found["earned"][number]
    asked = [name, percent(bar["alpha"], 1)]
    if bar["challenge_age_years"] is None:
        return [*asked, f"none: {bar['reason']}", *[""] * 7]
    years_old = bar["challenge_age_years"]
    (point,) = (p for p in found["points"] if p["point"]["challenge_age_years"] == years_old)
    figures, worst = point["cells"][0]["figures"], point["worst"]
    return [
        *asked,
        f"{challenge_age(years_old)}, {bar['k']} of {bar['n']:,} passing",
        share(figures["fpr_band"]),
        percent(point["claim"]["upper"], 2),
        point["verdict"],
        point["every_group"],
        f"{name_of(worst['where'])}: {percent(worst['upper'], 1)} (n = {worst['n']})",
        share(figures["fnr"]),
        share(figures["fnr_operational"]),
    ]


def by_group() -> str:
    """By group, at the challenge age that each estimator earned for 5 %."""
    found = {name: result(FAIRFACE, name)["points"][EARNED_5] for name in ESTIMATORS}
    rows = []
    for cell in found[OURS[0]]["cells"]:
        where = cell["where"]
        if "age_band" in where:
            continue
        for label, name in (("10–19 let through", "fpr_band"), ("20+ turned away", "fnr")):
            figures = (share(figure_of(f["cells"], where, name)) for f in found.values())
            rows.append([name_of(where), label, *figures])
    return (
        f"{table(['people', '', *found], rows)}\n\nEach estimator at the challenge age that it "
        "earned for an error of 5 % over everybody, which claims nothing for a single group. Of "
        "the pictures that were processed."
    )


def paired() -> str:
    """The default network less each other estimator, everybody presented, T = 25."""
    found = {name: comparison(FAIRFACE, name)["points"][0] for name in ESTIMATORS[1:]}
    first = found[ESTIMATORS[1]]
    rows = []
    for where in groups_of(first, "sex", "ethnicity"):
        cells = [name_of(where)]
        for name in ("fpr_operational", "fnr_operational"):
            cells += [points_difference(figure_of(f, where, name)) for f in found.values()]
        rows.append(cells)
    head = ["people"]
    for what in ("10–19 let through", "20+ turned away"):
        head += [f"{what}: {OURS[0]} less {name}" for name in found]
    return (
        f"{table(head, rows)}\n\nPercentage points, of everybody presented: who was not processed "
        "is turned away. All at a challenge age of 25, at which one estimator may let fewer "
        "through on both sides merely because it estimates lower."
    )


def calibration() -> str:
    """Are the probabilities right?"""
    found = {name: result(FAIRFACE, name)["reliability"] for name in ESTIMATORS}
    rows = []
    for place, one in enumerate(found[OURS[0]]):
        n = one["cells"][0]["figures"]["ece"]["n"]
        row = [f"{one['age_years']}", f"{n:,} ({one['left_out']:,})"]
        rows.append([*row, *(_reliability(f, place) for f in found.values())])
    head = ["P(age ≥ a), a", "n (left out)", *found]
    return (
        f"{table(head, rows)}\n\n{about(result(FAIRFACE, OURS[0]))} ECE: ten bins of equal mass; "
        "in brackets where it lies in 95 of 100 cases by chance when every probability is exactly "
        "right. Left out: people whose age group lies across a."
    )


def _reliability(found: Any, place: int) -> str:  # noqa: ANN401 - JSON
    if isinstance(found, dict):
        return f"none: {found['reason']}"
    figures = found[place]["cells"][0]["figures"]
    return f"ECE {thousandths(figures['ece'])}, Brier {thousandths(figures['brier'])}"


def failures() -> str:
    """Pictures of FairFace that were not processed."""
    found = {name: result(FAIRFACE, name)["failures"] for name in ESTIMATORS}
    rows = [
        [name_of(where), *(share(figure_of(f, where, "ftp")) for f in found.values())]
        for where in groups_of(found[OURS[0]], "sex", "ethnicity", "age_band")
    ]
    return f"{table(['people', *found], rows)}\n\n{about(result(FAIRFACE, OURS[0]))}"
