"""The tables of operating points: who is let through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from figure_parts import OPERATING_POINTS, load, percent, share, table

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


def challenge_ages(limits: Sequence[int] | None = None) -> str:
    """Challenge ages, all or of these limits: how earned, and what they do on the test part."""
    return _points("challenge_ages", "OVER", limits)


def lower_bars() -> str:
    """Every lower bar likewise."""
    return _points("lower_bars", "UNDER")


def _points(name: str, called: str, limits: Sequence[int] | None = None) -> str:
    found = load(OPERATING_POINTS)
    head = [
        "limit",
        "error claimed",
        "bar, years",
        "earned on the calibration part",
        f"protected group called {called}, test part",
        f"20–29 called {called}",
        f"30 and over called {called}",
    ]
    entries = [e for e in found[name] if limits is None or e["age_limit"] in limits]
    data = found["data"]
    return (
        f"{table(head, map(_point, entries))}\n\nBars from: {data['bars_from']}; tested on: "
        f"{data['tested_on']}; ages: {data['age_proof']}. Bounds hold at one-sided "
        f"{percent(data['confidence'])} confidence; in brackets: two-sided 95 % Clopper–Pearson. "
        f"{data['note']}"
    )


def _point(entry: Json) -> list[str]:
    bar = entry["bar"]
    asked = [f"{entry['age_limit']}", percent(entry["alpha"], 1)]
    if bar is None:
        return [*asked, "none: too few people", "", "", "", ""]
    band = bar["protected_band"]
    by_group = entry["test"]["by_group"]
    return [
        *asked,
        entry["shown"],
        f"{bar['k']} of {bar['n']:,} aged {band['first_years']}–{band['last_years']}, "
        f"at most {percent(entry['upper_bound'], 2)}",
        share(entry["test"]["protected"]),
        share(by_group["20–29"]),
        share(by_group["30+"]),
    ]
