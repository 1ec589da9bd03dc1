"""The table of errors in years on the London photographs, whole and in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from figure_parts import (
    LONDON,
    RESULTS,
    challenge_age,
    load,
    percent,
    percent_with_ends,
    table,
    years,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

_HEAD: Final = [
    "people",
    "n (pictures)",
    "mean absolute error, years",
    "bias, years",
    "called OVER",
]


def _row(name: str, found: Json) -> list[str]:
    mae = years(found["mae_years"], found["people"])
    bias = years(found["bias_years"], found["people"], "+")
    people = f"{found['people']} ({found['pictures']})"
    return [name, people, mae, bias, percent_with_ends(found["called_over"])]


def _rows(found: Json) -> Iterator[list[str]]:
    worst = (found["worst_group"]["axis"], found["worst_group"]["group"])
    yield _row("all", found["overall"])
    for axis, groups in found["by_group"].items():
        for name, figures in groups.items():
            mark = " (worst)" if (axis, name) == worst else ""
            yield _row(f"{axis}: {name}{mark}", figures)


def london() -> str:
    """Errors on the London photographs, by group."""
    found = load(RESULTS / LONDON)
    return f"{table(_HEAD, _rows(found))}\n\n{_note(found)}"


def london_in_short() -> str:
    """The same for everybody, by sex, and for the worst group."""
    found = load(RESULTS / LONDON)
    rows = [row for row in _rows(found) if row[0] == "all" or row[0].startswith("sex")]
    rows += [row for row in _rows(found) if row[0].endswith("(worst)") and row not in rows]
    return f"{table(_HEAD, rows)}\n\n{_note(found)}"


def _note(found: Json) -> str:
    policy, bootstrap = found["policy"], found["bootstrap"]
    outcomes = ", ".join(f"{n} {name}" for name, n in found["outcomes"].items())
    refusals = ", ".join(f"{n} `{code}`" for code, n in found["refusals"].items()) or "none"
    bar = challenge_age(policy["challenge_age_years"])
    return (
        f"{found['data']}; ages {found['age_proof']}. {found['processed']} of {found['pictures']} "
        f"pictures processed, refused: {refusals}. Outcomes for {policy['age_limit']} at a "
        f"challenge age of {bar} (error claimed: {percent(policy['alpha'], 1)}): {outcomes}. "
        f"In brackets: {bootstrap['kind']}, {bootstrap['resamples']:,} bootstrap resamples by "
        f"{bootstrap['unit']}."
    )
