"""Figures about people come from result files; the README's block is the generated one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import AGE_MODELS, DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SENTENCES = {"verification-other-processor"}
"""What makes no table but a paragraph."""


@pytest.fixture
def figures(extension: Callable[[str], Any]) -> Any:
    return extension("figures")


def test_readme_and_card_hold_what_is_generated(figures: Any) -> None:
    assert {path.name for path in figures.FILES} == {"README.md", "MODEL_CARD.md"}
    for path, make in figures.FILES.items():
        text = path.read_text(encoding="utf-8")
        assert figures.replaced(text, make()) == text, "run: python docs/_ext/figures.py --write"


def test_the_figures_are_those_of_the_default_network(extension: Callable[[str], Any]) -> None:
    figures = extension("figure_parts")
    assert figures.MODEL == DEFAULT_MODEL
    assert set(AGE_MODELS) == {figures.BASELINE, figures.MODEL}
    for model_id in AGE_MODELS:
        digest = FacialAgeEstimator(model=model_id).pipeline_digest
        for path, place in (("fairface", ()), ("london", ("policy",))):
            found = figures.load(figures.RESULTS / f"{model_id}-{path}.json")
            for member in place:
                found = found[member]
            assert found["pipeline_digest"] == digest, f"measure {model_id} again: {path}"


@pytest.mark.parametrize("name", ["quality", "frames", "views"])
def test_what_is_measured_once_is_measured_with_the_default_network(
    extension: Callable[[str], Any], name: str
) -> None:
    parts = extension("figure_parts")
    found = parts.load(parts.RESULTS / f"{name}.json")
    assert found["model"] == DEFAULT_MODEL
    assert found["pipeline_digest"] == FacialAgeEstimator().pipeline_digest, f"measure {name} again"


def test_the_adapter_is_in_the_endpoints_table_where_it_was_measured(
    extension: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = extension("verification_figures")
    found = figures.load(figures.RESULTS / "endpoint.json")
    before = {name: found["endpoints"][name] for name in ("bare", "async", "direct")}
    for measured in (
        before,
        before | dict.fromkeys(("session", "gate", "require_age"), before["bare"]),
    ):
        result = found | {"endpoints": measured}
        monkeypatch.setattr(figures, "load", lambda _path, result=result: result)
        text = figures.endpoint()
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert len([row for row in rows if "---" not in row]) == 1 + len(measured)
        assert ("require_age" in text) == ("the adapter adds" in text) == (len(measured) == 6)


def test_a_readme_without_markers_is_refused(figures: Any) -> None:
    with pytest.raises(ValueError, match="without the markers"):
        figures.replaced("no markers", "a table")


def test_every_table_can_be_made(figures: Any, root: Path) -> None:
    pages = (root / "docs" / "reference" / name for name in ("measurements.md", "accuracy.md"))
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for name, make in figures.MAKERS.items():
        assert text.count(f"{{figures}} {name}\n") == 1
        assert make().startswith("| ") is (name not in SENTENCES)


def test_a_bar_that_was_not_earned_is_said_to_be_none(extension: Callable[[str], Any]) -> None:
    entry = {"age_limit": 18, "alpha": 0.005, "bar": None}
    shown = extension("point_figures")._point(entry)
    assert shown[:3] == ["18", "0.5 %", "none: too few people"]


def test_a_group_of_nobody_is_said_to_be_so(extension: Callable[[str], Any]) -> None:
    assert extension("figure_parts").share([0, 0]) == "nobody measured"


def test_none_of_few_is_not_shown_as_zero(extension: Callable[[str], Any]) -> None:
    share = extension("figure_parts").share
    assert share([0, 115, 0.0, 0.0, 0.03157]) == "none of 115 [at most 3.2 %]"
    assert share([1, 2969, 0.0003, 1e-5, 0.002]) == "< 0.1 % [< 0.1 %, 0.2 %] (1 of 2,969)"
