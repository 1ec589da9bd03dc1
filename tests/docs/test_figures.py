"""Figures about people come from result files; the README's block is the generated one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def figures(extension: Callable[[str], Any]) -> Any:
    return extension("figures")


def test_the_readme_holds_what_is_generated(figures: Any, root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    assert figures.replaced(text) == text, "run: python docs/_ext/figures.py --readme"


def test_a_readme_without_markers_is_refused(figures: Any) -> None:
    with pytest.raises(ValueError, match="without the markers"):
        figures.replaced("no markers")


def test_every_table_can_be_made(figures: Any, root: Path) -> None:
    page = (root / "docs" / "reference" / "measurements.md").read_text(encoding="utf-8")
    for name, make in figures.MAKERS.items():
        assert f"{{figures}} {name}\n" in page
        assert make().startswith("| ")


def test_a_bar_that_was_not_earned_is_said_to_be_none(figures: Any) -> None:
    entry = {"age_limit": 18, "alpha": 0.005, "bar": None}
    assert figures._point(entry)[:3] == ["18", "0.5 %", "none: too few people"]


def test_a_group_of_nobody_is_said_to_be_so(figures: Any) -> None:
    assert figures._share([0, 0]) == "nobody measured"


def test_none_of_few_is_not_shown_as_zero(figures: Any) -> None:
    assert figures._share([0, 115, 0.0, 0.0, 0.03157]) == "none of 115 [at most 3.2 %]"
    assert figures._share([1, 2969, 0.0003, 1e-5, 0.002]) == "< 0.1 % [< 0.1 %, 0.2 %] (1 of 2,969)"
