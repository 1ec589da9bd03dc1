"""Tables of the default age network: beside age-v1, by group, intervals, what was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from figure_parts import (
    BASELINE,
    FAIRFACE,
    MODEL,
    RESULTS,
    TRIED,
    area,
    load,
    percent,
    share,
    table,
    years,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


def _at_one_percent(found: Json, group: str) -> str:
    return share(found["through_the_pipeline"]["at_one_percent"][group])


def _worst(found: Json, mark: str, figure: Callable[[Json], str]) -> str:
    name = found["worst_group"][mark]
    return f"{figure(found['by_group']['ethnicity and sex'][name])}, {name.replace('_', ' ')}"


def _calibration_error(found: Json) -> str:
    error = found["through_the_pipeline"]["probability_of_20"]["calibrated"]
    return f"{error['ece']:.3f} (chance: {error['ece_by_chance']:.3f})"


def age_networks() -> str:
    """The default age network beside the one that it starts from."""
    networks = {name: load(RESULTS / f"{name}-fairface.json") for name in (BASELINE, MODEL)}
    people = {name: load(RESULTS / f"{name}-london.json")["overall"] for name in networks}
    areas = "auc_by_probability_of_20"
    rows: dict[str, Callable[[Json], str]] = {
        "AUC, 10–19 against 20+": lambda f: area(
            f["through_the_pipeline"][areas]["10–19 against 20+"]
        ),
        "AUC, 0–9 against 20+": lambda f: area(f["through_the_pipeline"][areas]["0–9 against 20+"]),
        "right one of nine age groups": lambda f: share(
            f["through_the_pipeline"]["right_one_of_nine_groups"]
        ),
        "30+ above the bar": lambda f: _at_one_percent(f, "30+"),
        "20–29 above the bar": lambda f: _at_one_percent(f, "20–29"),
        "0–9 above the bar": lambda f: _at_one_percent(f, "0–9"),
        "worst of 14 cells of ethnicity × sex, AUC 10–19 against 20+": lambda f: _worst(
            f,
            "least_auc_by_probability_of_20",
            lambda cell: area(cell[f"{areas}_10_19_against_20"]),
        ),
        "worst cell, 30+ above the one bar": lambda f: _worst(
            f,
            "fewest_30_and_over_pass_at_one_percent",
            lambda cell: share(cell["at_one_percent"]["30+"]),
        ),
        "calibration error of P(age ≥ 20)": _calibration_error,
    }
    body = [[name, *(make(found) for found in networks.values())] for name, make in rows.items()]
    for name, key, sign in (("mean absolute error", "mae_years", ""), ("bias", "bias_years", "+")):
        cells = (years(people[one][key], people[one]["people"], sign) for one in networks)
        body.append([f"London photographs, {name}, years", *cells])
    first = networks[MODEL]
    return (
        f"{table(['', *networks], body)}\n\n{first['data']}, through the whole pipeline; ages: "
        f"{first['age_proof']}. Score: P(age ≥ 20), calibrated. The bar is read off the test part "
        "where 1 % of the 10–19-year-olds are above it, one for all groups, to compare networks; "
        "it is no challenge age. In brackets: 95 % intervals."
    )


def age_network_groups() -> str:
    """The default age network by sex, ethnicity and both, by P(age ≥ 20)."""
    found = load(RESULTS / FAIRFACE)
    head = ["people", "n", "AUC, 10–19 against 20+", "30+ above the bar", "calibration error"]
    rows = [
        [
            name.replace("_", " "),
            f"{group['n']:,}",
            area(group["auc_by_probability_of_20_10_19_against_20"]),
            share(group["at_one_percent"]["30+"]),
            f"{group['probability_of_20']['ece']:.3f} "
            f"(chance: {group['probability_of_20']['ece_by_chance']:.3f})",
        ]
        for groups in found["by_group"].values()
        for name, group in groups.items()
    ]
    return f"{table(head, rows)}\n\nThe bar is the one of the table above, the same for everybody."


def _covered(found: Json) -> str:
    low, high = (percent(end, 1) for end in found["by_chance"])
    return f"{percent(found['observed'], 1)} [{low}, {high}]"


def coverage() -> str:
    """How often intervals hold the age: overall, by group, and by age."""
    found = load(RESULTS / FAIRFACE)
    groups = {"all": found["through_the_pipeline"]["interval_coverage"]}
    for axis in ("sex", "ethnicity"):
        groups |= {n: g["interval_coverage"] for n, g in found["by_group"][axis].items()}
    rows = [
        [
            name.replace("_", " "),
            *map(_covered, intervals.values()),
        ]
        for name, intervals in groups.items()
    ]
    rows += [
        [
            f"aged {name}",
            *(
                f"{percent(one['observed'], 1)} (if right: {percent(one['if_right'], 1)})"
                for one in group["interval_coverage"].values()
            ),
        ]
        for name, group in found["by_age"].items()
    ]
    head = ["people", *(f"{percent(float(c))} interval" for c in groups["all"])]
    return (
        f"{table(head, rows)}\n\nA label is a group of ages; counted is how much of the label's "
        "share of the estimated distribution lies in the interval. In brackets: where it lies in "
        "95 of 100 cases by chance alone, were all distributions right."
    )


def tried() -> str:
    """What was tried in training, and what each gave on the calibration part."""
    found = load(TRIED)
    head = [
        "network",
        "AUC 10–19 / 0–9 against 20+",
        "right group",
        "30+ / 20–29 above the bar",
        "worst cell: AUC / 30+ above the bar",
    ]
    rows = [
        [
            f"{' + '.join(f'`{name}`' for name in one['networks'])}: {one['what']}",
            f"{one['auc_10_19']:.3f} / {one['auc_0_9']:.3f}",
            percent(one["accuracy"], 1),
            f"{percent(one['passes_30'])} / {percent(one['passes_20_29'])}",
            f"{one['worst_cell_auc']:.2f} / {percent(one['worst_cell_passes_30'])}",
        ]
        for one in found["tried"]
    ]
    return (
        f"{table(head, rows)}\n\n{found['measured_on']}, n = {found['pictures']:,}, before any "
        "calibration; the bar is read off there."
    )
