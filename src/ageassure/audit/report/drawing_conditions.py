"""A report's drawings of other conditions: bad pictures, turned heads, attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ageassure.audit.report.canvas import COLOURS, bars, label, svg

if TYPE_CHECKING:
    from ageassure.audit.report.canvas import Axes


def robustness(name: str, curve: dict[str, Any]) -> str:
    """One degradation: how far estimates move, and how many are refused or on the wrong side."""
    kind = curve["degradation"]
    levels = [(level["level"], level["figures"]) for level in curve["levels"]]

    def moved(axes: Axes) -> None:
        axes.axhline(0, color="#888888", linewidth=0.8, linestyle=":")
        bars(axes, [(x, f["shift"]) for x, f in levels], 0, "shift, 95 % interval")
        bars(axes, [(x, f["movement"]) for x, f in levels], 1, "movement")
        axes.set(xlabel=f"level of {kind}", ylabel="years")
        axes.legend(loc="best", frameon=False)

    def rates(axes: Axes) -> None:
        for index, (key, text) in enumerate(
            (("ftp", "not processed"), ("fpr_band", "band passes"), ("fnr", "adults turned away"))
        ):
            bars(axes, [(x, f[key]) for x, f in levels], index, text)
        axes.set(xlabel=f"level of {kind}", ylabel="share", ylim=(-0.03, 1.03))
        axes.legend(loc="best", frameon=False)

    description = (
        "Left: the mean change of an estimate, and of its size, against the same picture as it is. "
        "Right: shares at the operating point. The table holds the numbers."
    )
    return svg(name, f"Robustness against simulated {kind}", description, moved, rates)


def condition(name: str, found: dict[str, Any]) -> str:
    """Errors in five parts of equally many samples, by a measured condition."""
    parts = [((part["least"] + part["most"]) / 2, part["figures"]) for part in found["parts"]]
    words = found["name"].replace("_", " ")

    def draw(axes: Axes) -> None:
        axes.axhline(0, color="#888888", linewidth=0.8, linestyle=":")
        bars(axes, [(x, f["bias"]) for x, f in parts], 0, "bias, 95 % interval")
        bars(axes, [(x, f["mae"]) for x, f in parts], 1, "MAE")
        axes.set(xlabel=words, ylabel="years")
        axes.legend(loc="best", frameon=False)

    description = "Each point is a fifth of the samples, at the middle of its range."
    return svg(name, f"Errors against {words}", description, draw)


def attacks(name: str, found: dict[str, Any]) -> str:
    """APCER and IAPAR of each species of attack, beside the BPCER of living people."""
    species, bpcer = found["species"], found["bpcer"]

    def draw(axes: Axes) -> None:
        places = range(len(species))
        for index, (key, shift) in enumerate((("apcer", -0.1), ("iapar", 0.1))):
            told = [(x + shift, one[key]) for x, one in zip(places, species, strict=True)]
            bars(axes, told, index, key.upper())
        _living(axes, bpcer)
        axes.set_xticks(list(places), [label(one["name"]) for one in species])
        axes.set(ylabel="share", xlim=(-0.6, max(len(species) - 0.4, 0.6)), ylim=(-0.03, 1.03))
        axes.legend(loc="best", frameon=False)

    description = (
        "For each species of attack the share taken for a living person, and the share that the "
        "whole system let through, against the share of living people taken for an attack."
    )
    return svg(name, "Attacks and living people", description, draw)


def _living(axes: Axes, bpcer: dict[str, Any]) -> None:
    if bpcer["value"] is not None:
        axes.axhline(bpcer["value"], color=COLOURS[2], linestyle="--", label="BPCER")
        axes.axhspan(bpcer["low"], bpcer["high"], color=COLOURS[2], alpha=0.2, lw=0)
