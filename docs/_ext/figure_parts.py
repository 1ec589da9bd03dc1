"""What the makers of tables share: where results lie, and how shares, years and areas are shown."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = ROOT / "benchmarks" / "results"
MODEL: Final = "age-v2"
"""The age network that the estimator takes by default; a test compares."""

BASELINE: Final = "age-v1"
FAIRFACE: Final = f"{MODEL}-fairface.json"
LONDON: Final = f"{MODEL}-london.json"
OPERATING_POINTS: Final = ROOT / "models" / MODEL / "operating_points.json"
CARD: Final = ROOT / "models" / MODEL / "MODEL_CARD.md"
TRIED: Final = ROOT / "models" / MODEL / "training" / "tried.json"

LEAST_RESAMPLED: Final = 5
"""People from whom a bootstrap says anything; resampling one person has no width at all."""

Json = dict[str, Any]


def load(path: Path) -> Json:
    """One file of results."""
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def challenge_age(age_years: float) -> str:
    """A challenge age in years, rounded up: whoever reaches what is shown reaches the bar."""
    return f"{math.ceil(age_years * 10) / 10:.1f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def percent(value: float, decimals: int = 0) -> str:
    """A share as a percentage; what is more than 0 is never shown as 0."""
    if 0 < value < 0.5 / 10 ** (2 + decimals):
        return f"< {10**-decimals:g} %"
    return f"{value * 100:.{decimals}f} %"


def percent_with_ends(found: Json) -> str:
    """A share as a percentage, with the ends of its interval."""
    return f"{percent(found['value'])} [{percent(found['low'])}, {percent(found['high'])}]"


def years(found: Json, people: int, sign: str = "") -> str:
    """Years with the interval of a bootstrap over people."""
    value = f"{found['value']:{sign}.1f}"
    if people < LEAST_RESAMPLED:
        return f"{value} (too few people for an interval)"
    return f"{value} [{found['low']:{sign}.1f}, {found['high']:{sign}.1f}]"


def share(found: Sequence[float]) -> str:
    """A share with its interval, and how many of how many."""
    count, n = int(found[0]), int(found[1])
    if not n:
        return "nobody measured"
    value, low, high = (percent(share, 1) for share in found[2:])
    if not count:
        return f"none of {n:,} [at most {high}]"
    return f"{value} [{low}, {high}] ({count:,} of {n:,})"


def area(found: Json) -> str:
    """An area under the ROC curve with its interval and both numbers of people."""
    n = " against ".join(f"{count:,}" for count in found["n"])
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}] ({n})"
