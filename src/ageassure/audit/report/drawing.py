"""The one owner of matplotlib: a report's drawings, as SVG with a title and a description.

The same figures give the same bytes for one version of matplotlib. Black becomes the colour of the
page's text, so that a drawing is legible on a dark page; lines differ in style and marks as well.
"""

from __future__ import annotations

import html
import io
import re
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import MissingExtraError

try:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
except ImportError:
    _missing = True
else:
    _missing = False
if _missing:
    raise MissingExtraError("reports need: pip install 'ageassure[audit]'")

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9")
STYLES: Final = ("-", "--", "-.", ":")
MARKS: Final = (0.1, 0.05, 0.01)
MAX_LABEL: Final = 40
_SETTINGS: Final[Mapping[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def label(text: str) -> str:
    """A legend's text; matplotlib leaves out those that start with an underscore."""
    short = text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"
    return f"\N{ZERO WIDTH SPACE}{short}" if short.startswith("_") else short


def _svg(name: str, title: str, description: str, draw: Callable[[Axes], None]) -> str:
    settings = {**_SETTINGS, "svg.hashsalt": name}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(7.2, 4.0), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        stream = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=metadata)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<svg ", f'<svg role="img" aria-labelledby="{name}-t {name}-d" ', text, count=1)
    told = (
        f'<title id="{name}-t">{html.escape(title)}</title>'
        f'<desc id="{name}-d">{html.escape(description)}</desc>'
    )
    text = text.replace(">", f">{told}", 1)
    # Text and axes follow the page's colour; elements without a fill are black by default.
    return text.replace("#000000", "currentColor").replace("<text ", '<text fill="currentColor" ')


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
            told = [(x, f) for x, f in rows if f is not None and f["value"] is not None]
            if told:
                _bars(axes, told, index, f"{word} {limit} ({key.upper()})")
        axes.axvspan(limit, bar, color="#888888", alpha=0.25, lw=0, label="grey zone, limit to T")
        axes.set(xlabel="age, years", ylabel="share", ylim=(-0.03, 1.03))
        axes.legend(loc="center right", frameon=False)

    return _svg(
        name,
        f"Error rates by age at {limit}, T = {bar:g}",
        "The share of each age that is let through wrongly or turned away; the table holds it.",
        draw,
    )


def _middle(text: str) -> float:
    low, _, high = text.partition("–")
    return (int(low) + int(high or low)) / 2


def _bars(axes: Axes, told: Sequence[tuple[float, Any]], index: int, text: str) -> None:
    values = [figure["value"] for _, figure in told]
    low = [
        v - (f["low"] if f["low"] is not None else v)
        for v, (_, f) in zip(values, told, strict=True)
    ]
    high = [
        (f["high"] if f["high"] is not None else v) - v
        for v, (_, f) in zip(values, told, strict=True)
    ]
    axes.errorbar(
        [x for x, _ in told],
        values,
        yerr=[[max(0.0, x) for x in low], [max(0.0, x) for x in high]],
        fmt="os"[index],
        color=COLOURS[index],
        markersize=4,
        linewidth=1,
        label=text,
    )


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
    return _svg(name, f"DET at {limit}", description, draw)


def reliability(name: str, found: dict[str, Any]) -> str:
    """What was said against what is so, in ten bins of equally many samples."""

    def draw(axes: Axes) -> None:
        axes.plot(
            [0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":", label="exactly right"
        )
        told = [(b["mean_probability"], b["observed"]) for b in found["bins"]]
        _bars(axes, told, 0, "observed, 95 % interval")
        axes.set(xlabel="mean probability said", ylabel="share that is so")
        axes.legend(loc="upper left", frameon=False)

    title = f"Reliability of the probability of being {found['age_years']} or older"
    return _svg(name, title, "Points on the diagonal are right.", draw)


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
    return _svg(name, "Error and its spread over groups", description, draw)
