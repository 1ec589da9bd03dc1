"""The table of more views of one face than those that ship."""

from __future__ import annotations

from typing import Any

from figure_parts import RESULTS, load, table

Json = dict[str, Any]


def views() -> str:
    """More views of one face than two: what they add and what they cost."""
    found = load(RESULTS / "views.json")
    shipped = found["ways"][found["shipped"]]
    rows = []
    for name, way in found["ways"].items():
        cost = way["cpu_ms"]
        rows.append(
            [
                f"**{name}** (ships)" if name == found["shipped"] else name,
                f"{way['views']}",
                f"{cost / shipped['cpu_ms']:.1f}" if cost else "not measured",
                *(
                    _against(way[figure], decimals)
                    for figure, decimals in (
                        ("auc_by_estimated_age", 4),
                        ("auc_by_probability_of_20", 4),
                        ("years_outside_the_group", 2),
                    )
                ),
            ]
        )
    head = ["asked about", "views", "times the CPU time", "AUC by estimated age"]
    head += ["AUC by P(age ≥ 20)", "years outside the labelled group"]
    people = ", ".join(f"{count:,} of {group}" for group, count in found["processed"].items())
    return (
        f"{table(head, rows)}\n\n`{found['model']}`; {found['data']}: {people}. In brackets: the "
        "difference from what ships on the same pictures, and its 95 % interval. Two views and the "
        f"cutting of the chip take {shipped['cpu_ms']:.1f} ms of CPU time here."
    )


def _against(found: Json, decimals: int) -> str:
    value = f"{found['value']:.{decimals}f}"
    gain, low, high = (found[key] for key in ("more_than_shipped", "low", "high"))
    if gain == low == high == 0:
        return value
    return f"{value} ({gain:+.{decimals}f} [{low:+.{decimals}f}, {high:+.{decimals}f}])"
