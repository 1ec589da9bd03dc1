"""How figures are written for people: never alone, never rounded to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


NULL: Final = "null: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A figure that is null or has no interval. In a table, the reason stands once, below it.

    Attributes:
        text: ``null (n = 0)``, ``3.76 (n = 200)``.
        note: Why.
    """

    text: str
    note: str

    def __str__(self) -> str:
        """Both, for where there is no table: ``3.76 (n = 200; no interval: …)``."""
        return f"{self.text.removesuffix(')')}; {self.note})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of texts; the first cell of every row is its heading.

    Attributes:
        caption: What it shows.
        head: Headings of the columns.
        rows: Each as long as ``head``.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Noted, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawing.

    Attributes:
        svg: An ``svg`` element with its title and description, texts escaped.
        caption: What it shows.
    """

    svg: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One part of a report.

    Attributes:
        key: Anchor.
        title: Heading.
        sentences: Paragraphs in front.
        parts: Tables and pictures.
    """

    key: str
    title: str
    sentences: tuple[str, ...] = ()
    parts: tuple[Table | Picture, ...] = ()


def percent(share: float | None) -> str:
    """``1.23 %``; three significant digits, so that what is above zero is not shown as zero."""
    if share is None:
        return "–"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{share * 100:.3g} %"


def years(value: float | None) -> str:
    """``3.21``; ``0.042``, one digit more below 1."""
    if value is None:
        return "–"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def challenge_age(point: dict[str, Any]) -> str:
    """``25``, ``30.75``: rounded up, so that no smaller bar is told than the one that was held."""
    exact = Decimal(repr(point["challenge_age_years"]))
    return f"{exact.quantize(Decimal('0.01'), ROUND_CEILING).normalize():f}"


def share_cell(figure: dict[str, Any] | None) -> str | Noted:
    """A share with its count and interval: ``1.2 % (3 of 250; 0.25–3.5 %)``."""
    if figure is None:
        return "–"
    if figure["value"] is None:
        return _null(figure)
    counted = f"{figure['n']}" if figure["k"] is None else f"{figure['k']} of {figure['n']}"
    value = "none" if figure["k"] == 0 else percent(figure["value"])
    if figure["low"] is None:
        return _without_interval(f"{value} ({counted})", figure)
    return f"{value} ({counted}; {_ends(figure['low'], figure['high'])})"


def _ends(low: float, high: float) -> str:
    first, last = percent(low).removesuffix(" %"), percent(high)
    return f"{first} % to {last}" if last.startswith(">") else f"{first}–{last}"


def number_cell(figure: dict[str, Any] | None) -> str | Noted:
    """A number with its interval and n: ``3.21 (3.05 to 3.40; n = 400)``."""
    if figure is None:
        return "–"
    if figure["value"] is None:
        return _null(figure)
    if figure["low"] is None:
        return _without_interval(f"{years(figure['value'])} (n = {figure['n']})", figure)
    ends = f"{years(figure['low'])} to {years(figure['high'])}"
    return f"{years(figure['value'])} ({ends}; n = {figure['n']})"


def difference_cell(figure: dict[str, Any]) -> str | Noted:
    """A difference with its sign: ``-0.412 (-0.62 to -0.2; n = 400)``."""
    if figure["value"] is None:
        return _null(figure)
    if figure["low"] is None:
        return _without_interval(f"{figure['value']:+.3g} (n = {figure['n']})", figure)
    ends = f"{figure['low']:+.3g} to {figure['high']:+.3g}"
    return f"{figure['value']:+.3g} ({ends}; n = {figure['n']})"


def _null(figure: dict[str, Any]) -> Noted:
    return Noted(text=f"null (n = {figure['n']})", note=f"{NULL}{figure['reason']}")


def _without_interval(text: str, figure: dict[str, Any]) -> Noted:
    return Noted(text=text, note=f"no interval: {figure['reason']}")


def group_name(where: dict[str, str]) -> str:
    """``everybody``, ``sex: female``, ``sex: female, ethnicity: …``."""
    return ", ".join(f"{axis}: {value}" for axis, value in where.items()) or "everybody"


def band_name(point: dict[str, Any]) -> str:
    """``17``, or ``13–17``."""
    first, last = point["protected_band"]["first_years"], point["protected_band"]["last_years"]
    return f"{first}" if first == last else f"{first}–{last}"


def cells_table(
    caption: str,
    cells: Sequence[dict[str, Any]],
    columns: Sequence[tuple[str, str]],
    *,
    shares: bool = True,
) -> Table:
    """One row for each cell, one column for each figure of ``columns`` (key, heading)."""
    write = share_cell if shares else number_cell
    return Table(
        caption=caption,
        head=("Group", *(heading for _, heading in columns)),
        rows=tuple(
            (group_name(cell["where"]), *(write(cell["figures"].get(key)) for key, _ in columns))
            for cell in cells
        ),
    )
