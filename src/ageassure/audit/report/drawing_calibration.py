"""A report's drawings of probabilities and intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ageassure.audit.report.canvas import COLOURS, bars, legend_above, svg

if TYPE_CHECKING:
    from ageassure.audit.report.canvas import Axes


def reliability(name: str, found: dict[str, Any]) -> str:
    """What was said against what is so, in ten bins of equally many samples."""

    def draw(axes: Axes) -> None:
        axes.plot(
            [0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":", label="exactly right"
        )
        told = [(b["mean_probability"], b["observed"]) for b in found["bins"]]
        bars(axes, told, 0, "observed, 95 % interval")
        axes.set(xlabel="mean probability said", ylabel="share that is so")
        axes.legend(loc="upper left", frameon=False)

    title = f"Reliability of the probability of being {found['age_years']} or older"
    return svg(name, title, "Points on the diagonal are right.", draw)


def pit(name: str, coverage: dict[str, Any]) -> str:
    """The PIT histogram, with intervals; a tenth in each bar if all is right."""

    def draw(axes: Axes) -> None:
        places = [tenth + 0.5 for tenth in range(len(coverage["pit"]))]
        heights = [figure["value"] or 0.0 for figure in coverage["pit"]]
        axes.bar(places, heights, width=0.96, color=COLOURS[0], alpha=0.35, label="share")
        bars(axes, list(zip(places, coverage["pit"], strict=True)), 0, "95 % interval")
        axes.axhline(1 / len(places), color="#888888", linestyle=":", label="exactly right")
        ticks = range(0, len(places) + 1, 2)
        axes.set_xticks(list(ticks), [f"{tick / len(places):g}" for tick in ticks])
        axes.set(xlabel="probability integral transform", ylabel="share of people", ylim=(0, None))
        legend_above(axes)

    description = (
        "Full ends: distributions are too narrow. A full middle: too wide. A slope: ages are said "
        "too high or too low."
    )
    return svg(name, "PIT histogram", description, draw)


def coverage_by_age(name: str, cells: list[dict[str, Any]], percent: int) -> str:
    """Coverage of the central intervals of one width by single age, against what they claim."""

    def draw(axes: Axes) -> None:
        rows = [(int(cell["where"]["age"]), cell["figures"]) for cell in cells]
        bars(axes, [(x, f[f"coverage_{percent}"]) for x, f in rows], 0, "held, 95 % interval")
        claimed = [(x, f[f"claimed_{percent}"]["value"]) for x, f in rows]
        told = [(x, value) for x, value in claimed if value is not None]
        axes.plot(
            [x for x, _ in told],
            [value for _, value in told],
            color=COLOURS[1],
            linestyle="--",
            label="claimed",
        )
        axes.axhline(percent / 100, color="#888888", linestyle=":", label=f"{percent} %")
        axes.set(xlabel="age, years", ylabel="share of intervals that hold", ylim=(-0.03, 1.03))
        legend_above(axes)

    description = "The share of people of each age whose interval holds it; the table has it."
    return svg(name, f"Coverage of {percent} % intervals by single age", description, draw)
