"""Tables of the estimators on the London photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accuracy_parts import (
    ESTIMATORS,
    LONDON,
    OTHER,
    OURS,
    about,
    comparison,
    figure_of,
    groups_of,
    name_of,
    rate,
    result,
    share,
    years,
)
from figure_parts import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = dict[str, Any]


def everybody() -> str:
    """Everybody, side by side."""
    found = {name: result(LONDON, name) for name in ESTIMATORS}

    def of(name: str) -> Callable[[Json], str]:
        sign = "+" if name == "bias" else ""
        return lambda f: years(f["years"]["cells"][0]["figures"][name], sign)

    rows: dict[str, Callable[[Json], str]] = {
        "mean absolute error, years": of("mae"),
        "bias, years": of("bias"),
        "root mean square error, years": of("rmse"),
        "within 5 years": lambda f: share(f["years"]["cells"][0]["figures"]["within_5"]),
        "not processed": lambda f: share(f["failures"][0]["figures"]["ftp"]),
        "18 and over, estimated under 25": lambda f: share(
            f["points"][0]["cells"][0]["figures"]["fnr"]
        ),
        "18–20, estimated at 25 or over": lambda f: share(
            f["points"][1]["cells"][0]["figures"]["fpr_band"]
        ),
    }
    body = [[name, *(make(f) for f in found.values())] for name, make in rows.items()]
    first = found[OURS[0]]
    return (
        f"{table(['', *found], body)}\n\n{about(first)} Errors in years are of the "
        f"{first['counts']['exact_ages']} pictures whose age is known to the year."
    )


def by_group() -> str:
    """Mean absolute error by group, side by side."""
    found = {name: result(LONDON, name)["years"]["cells"] for name in ESTIMATORS}
    worst = {name: _worst_mae(cells) for name, cells in found.items()}
    rows = []
    for where in groups_of(found[OURS[0]]):
        figures = {name: figure_of(cells, where, "mae") for name, cells in found.items()}
        first = figures[OURS[0]]
        if first is None:
            continue
        cells = [
            ("nobody" if figure is None else years(figure))
            + (" (worst)" if where == worst[name] else "")
            for name, figure in figures.items()
        ]
        rows.append([name_of(where), f"{first['subjects']} ({first['n']})", *cells])
    head = ["people", "n (pictures)", *found]
    return (
        f"{table(head, rows)}\n\nMean absolute error in years. Worst: of the groups of which an "
        "interval can be made; under five people there is none."
    )


def _worst_mae(cells: Iterable[Json]) -> dict[str, str]:
    known = [c for c in cells if len(c["where"]) == 1 and "low" in c["figures"]["mae"]]
    worst: dict[str, str] = max(known, key=lambda c: c["figures"]["mae"]["value"])["where"]
    return worst


def paired() -> str:
    """The default network less each other estimator, on the same pictures."""
    found = {name: comparison(LONDON, name) for name in ESTIMATORS[1:]}
    first = found[ESTIMATORS[1]]
    rows = [
        [name_of(where), *(years(figure_of(f["years"], where, "mae"), "+") for f in found.values())]
        for where in groups_of(first["years"])
        if all(figure_of(f["years"], where, "mae") for f in found.values())
    ]
    head = ["people", *(f"{OURS[0]} less {name}" for name in found)]
    return (
        f"{table(head, rows)}\n\nDifference of the absolute errors in years, picture by picture: "
        f"below zero, {OURS[0]} errs less. Pictures that both processed. Of so many intervals "
        "some lie off zero by chance alone: nothing is corrected for that."
    )


def intervals() -> str:
    """How often intervals hold the age, and where in the distribution ages lie."""
    found = {name: result(LONDON, name)["coverage_by_year"] for name in OURS}
    rows, tenths = [], []
    for where in groups_of(found[OURS[0]]["cells"], "sex", "ethnicity", "expression"):
        for name, one in found.items():
            figures = [figure_of(one["cells"], where, f"coverage_{c}") for c in (80, 90, 95)]
            rows.append([name_of(where), name, *map(share, figures)])
    for name, one in found.items():
        tenths.append([name, *(rate(figure) for figure in one["pit"])])
    none = result(LONDON, OTHER)["coverage_by_year"]["reason"]
    head = ["people", "", *(f"{c} % interval" for c in (80, 90, 95))]
    return (
        f"{table(head, rows)}\n\n{table(['PIT', *(f'{n}. tenth' for n in range(1, 11))], tenths)}"
        "\n\nShare of pictures whose age lies in the central interval of the estimated "
        "distribution, in single years; an interval of whole years holds more than its name says. "
        "PIT: where in the distribution the age lies, 10 % in each tenth if all is right. "
        f"{OTHER}: {none}."
    )
