"""A report's drawings of rates and errors; the others stand in modules of their own."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.report.canvas import COLOURS, STYLES, bars, label, legend_above, svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ageassure.audit.report.canvas import Axes

MARKS: Final = (0.1, 0.05, 0.01)


def by_age(name: str, result: dict[str, Any]) -> str:
    """FPR and FNR by age label, with intervals, and the grey zone from the limit to T."""
    point = result["point"]
    limit, bar = point["limit_years"], point["challenge_age_years"]
    cells = result["by_age"]

    def draw(axes: Axes) -> None:
        for index, (key, word) in enumerate(
            (("fpr", "passed, under"), ("fnr", "turned away, from"))
        ):
            rows = [(_middle(c["where"]["age"]), c["figures"].get(key)) for c in cells]
            told = [(x, f) for x, f in rows if f is not None]
            bars(axes, told, index, f"{word} {limit} ({key.upper()})")
        axes.axvspan(limit, bar, color="#888888", alpha=0.25, lw=0, label="grey zone, limit to T")
        axes.set(xlabel="age, years", ylabel="share", ylim=(-0.03, 1.03))
        axes.legend(loc="center right", frameon=False)

    return svg(
        name,
        f"Error rates by age at {limit}, T = {bar:g}",
        "The share of each age that is let through wrongly or turned away; the table holds it.",
        draw,
    )


def _middle(text: str) -> float:
    low, _, high = text.partition("–")
    return (int(low) + int(high or low)) / 2


def thresholds(name: str, found: dict[str, Any]) -> str:
    """FPR and FNR at every whole threshold from the limit, and those of the ages next to it."""
    limit = found["limit_years"]
    shown = (
        ("fpr", "minors who pass (FPR)"),
        (f"fpr_{limit - 1}", f"of {limit - 1} who pass"),
        ("fnr", "adults turned away (FNR)"),
        (f"fnr_{limit}", f"of {limit} turned away"),
    )

    def draw(axes: Axes) -> None:
        for index, (key, text) in enumerate(shown):
            told = [
                (row["threshold_years"], row["figures"].get(key)) for row in found["thresholds"]
            ]
            bars(axes, [(x, figure) for x, figure in told if figure is not None], index, text)
        axes.set(xlabel="threshold T, years", ylabel="share", ylim=(-0.03, 1.03))
        legend_above(axes)

    description = "Each threshold trades one error for the other; the tables hold the numbers."
    return svg(name, f"Error rates by threshold at {limit}", description, draw)


def det(name: str, separations: Sequence[dict[str, Any]]) -> str | None:
    """DET curves of everybody and each sex, on normal deviates, with marks at 10, 5 and 1 %."""
    told = [row for row in separations if row["curve"]]
    if not told:
        return None
    deviate = NormalDist().inv_cdf
    ticks = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)

    def draw(axes: Axes) -> None:
        for index, row in enumerate(told):
            inner = [(fpr, fnr) for _, fpr, fnr in row["curve"] if 0 < fpr < 1 and 0 < fnr < 1]
            axes.plot(
                [deviate(fpr) for fpr, _ in inner],
                [deviate(fnr) for _, fnr in inner],
                color=COLOURS[index % len(COLOURS)],
                linestyle=STYLES[index % len(STYLES)],
                label=label(", ".join(row["where"].values()) or "everybody"),
            )
        for mark in MARKS:
            axes.axvline(deviate(mark), color="#888888", linewidth=0.8, linestyle=":")
        texts = [f"{tick * 100:g} %" for tick in ticks]
        axes.set_xticks([deviate(tick) for tick in ticks], texts)
        axes.set_yticks([deviate(tick) for tick in ticks], texts)
        axes.set(xlabel="minors who pass (FPR)", ylabel="adults turned away (FNR)")
        axes.legend(loc="upper right", frameon=False)

    limit = told[0]["limit_years"]
    description = "Each threshold trades one error for the other. Marks stand at 10, 5 and 1 %."
    return svg(name, f"DET at {limit}", description, draw)


def beside_published(
    name: str, own: tuple[float, float], published: Mapping[str, tuple[float, float]]
) -> str:
    """Mean error and its spread over groups: this report's, and published algorithms'."""

    def draw(axes: Axes) -> None:
        for index, (algorithm, (mean, gini)) in enumerate(published.items()):
            colour = COLOURS[1 + index % (len(COLOURS) - 1)]
            axes.plot([mean], [gini], "s^Dv"[index % 4], color=colour, label=label(algorithm))
        axes.plot([own[0]], [own[1]], "o", color=COLOURS[0], markersize=9, label="this report")
        axes.set(xlabel="mean of groups' MAE, years", ylabel="Gini of groups' MAE", ylim=(0, None))
        axes.set_title("different data, not comparable", fontsize=10)
        axes.legend(loc="best", frameon=False)

    description = (
        "Published algorithms were measured on other people: different data, not comparable."
    )
    return svg(name, "Error and its spread over groups", description, draw)
