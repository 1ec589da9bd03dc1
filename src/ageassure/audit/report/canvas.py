"""The one owner of matplotlib: a report's drawings, as SVG with a title and a description.

The same figures give the same bytes for one version of matplotlib. Black becomes the colour of the
page's text, so that a drawing is legible on a dark page; lines differ in style and marks as well.
"""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Any, Final

from ageassure.extras import require_extra

require_extra("audit", "matplotlib")

import matplotlib as mpl  # noqa: E402
from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes as Axes  # for those who draw

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9")
POINTS: Final = "os^Dv"
STYLES: Final = ("-", "--", "-.", ":")
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


def svg(name: str, title: str, description: str, *draw: Callable[[Axes], None]) -> str:
    """Draw panels side by side.

    Args:
        name: Of the drawing, once in a page: identifiers begin with it.
        title: What it shows.
        description: The same at greater length, for those who do not see it.
        draw: One for each panel.
    """
    settings = {**_SETTINGS, "svg.hashsalt": name}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(7.2, 4.0), layout="constrained")
        FigureCanvasSVG(figure)
        for axes, panel in zip(
            figure.subplots(1, len(draw), squeeze=False).flat, draw, strict=True
        ):
            panel(axes)
        stream = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=metadata)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = _without_idle_ids(text)
    text = re.sub(r"<svg ", f'<svg role="img" aria-labelledby="{name}-t {name}-d" ', text, count=1)
    told = (
        f'<title id="{name}-t">{html.escape(title)}</title>'
        f'<desc id="{name}-d">{html.escape(description)}</desc>'
    )
    text = text.replace(">", f">{told}", 1)
    # Text and axes follow the page's colour; elements without a fill are black by default.
    return text.replace("#000000", "currentColor").replace("<text ", '<text fill="currentColor" ')


def legend_above(axes: Axes, *, columns: int = 2) -> None:
    """A legend over the drawing, where it hides no point; none if there is nothing to name."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False)


def _without_idle_ids(text: str) -> str:
    """Matplotlib names every group the same way in each drawing; in a page a name stands once."""
    used = set(re.findall(r'(?:url\(|")#([^")]+)', text))

    def kept(found: re.Match[str]) -> str:
        return found[0] if found[2] in used else f"<{found[1]}"

    return re.sub(r'<(\w+) id="([^"]+)"', kept, text)


def bars(
    axes: Axes,
    told: Sequence[tuple[float, Any]],
    index: int,
    text: str,
    *,
    apart: float = 0.0,
) -> None:
    """Draw figures with their intervals.

    Args:
        axes: Where.
        told: Place and figure; figures without a value are left out.
        index: Of colour and mark.
        text: For the legend.
        apart: How far points of the next index stand to the right, so that both are seen.
    """
    told = [(x, figure) for x, figure in told if figure["value"] is not None]
    if not told:
        return

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
        [x + apart * index for x, _ in told],
        values,
        yerr=[[max(0.0, x) for x in low], [max(0.0, x) for x in high]],
        fmt=POINTS[index],
        color=COLOURS[index],
        markersize=4,
        linewidth=1,
        label=text,
    )
