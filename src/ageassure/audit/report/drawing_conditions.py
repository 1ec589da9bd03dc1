"""A report's drawings of other conditions: bad pictures, turned heads, attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.report.canvas import COLOURS, bars, label, legend_above, svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.audit.report.canvas import Axes


WORDS: Final = {
    "inter_ocular_pixels": "distance between the eyes, pixels",
    "yaw_degrees": "turn of the head to a side, degrees",
}
"""Conditions in words."""


def _apart(places: Sequence[float]) -> float:
    """How far marks of one place stand apart."""
    return 0.012 * (max(places) - min(places)) if places else 0.0


def robustness(name: str, curve: dict[str, Any]) -> str:
    """One degradation: how far estimates move, and how many are refused or on the wrong side."""
    kind = curve["degradation"]
    levels = [(level["level"], level["figures"]) for level in curve["levels"]]
    apart = _apart([x for x, _ in levels])

    def moved(axes: Axes) -> None:
        axes.axhline(0, color="#888888", linewidth=0.8, linestyle=":")
        for index, (key, text) in enumerate(
            (("shift", "shift, 95 % interval"), ("movement", "movement"))
        ):
            bars(axes, [(x, f[key]) for x, f in levels], index, text, apart=apart)
        axes.set(xlabel=f"level of {kind}", ylabel="years")
        legend_above(axes, columns=1)

    def rates(axes: Axes) -> None:
        for index, (key, text) in enumerate(
            (("ftp", "not processed"), ("fpr_band", "band passes"), ("fnr", "adults turned away"))
        ):
            bars(axes, [(x, f[key]) for x, f in levels], index, text, apart=apart)
        axes.set(xlabel=f"level of {kind}", ylabel="share", ylim=(-0.03, 1.03))
        legend_above(axes, columns=1)

    description = (
        "Left: the mean change of an estimate, and of its size, against the same picture as it is. "
        "Right: shares at the operating point. The table holds the numbers."
    )
    return svg(name, f"Robustness against simulated {kind}", description, moved, rates)


def condition(name: str, found: dict[str, Any]) -> str:
    """Errors in five parts of equally many samples, by a measured condition."""
    parts = [((part["least"] + part["most"]) / 2, part["figures"]) for part in found["parts"]]
    apart = _apart([x for x, _ in parts])
    words = WORDS.get(found["name"], found["name"])

    def draw(axes: Axes) -> None:
        axes.axhline(0, color="#888888", linewidth=0.8, linestyle=":")
        for index, (key, text) in enumerate((("bias", "bias, 95 % interval"), ("mae", "MAE"))):
            bars(axes, [(x, f[key]) for x, f in parts], index, text, apart=apart)
        axes.set(xlabel=words, ylabel="years")
        legend_above(axes)

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
        legend_above(axes)

    description = (
        "For each species of attack the share taken for a living person, and the share that the "
        "whole system let through, against the share of living people taken for an attack."
    )
    return svg(name, "Attacks and living people", description, draw)


def _living(axes: Axes, bpcer: dict[str, Any]) -> None:
    if bpcer["value"] is not None:
        axes.axhline(bpcer["value"], color=COLOURS[2], linestyle="--", label="BPCER")
        axes.axhspan(bpcer["low"], bpcer["high"], color=COLOURS[2], alpha=0.2, lw=0)
