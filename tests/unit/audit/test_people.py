from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from ageassure.audit.people import people_for_power
from ageassure.cli.app import app
from ageassure.errors import ConfigurationError, InsufficientEvidenceError
from ageassure.policy.binomial import errors_allowed

CASES = [(0.01, 0.8, 0.005), (0.05, 0.9, 0.03), (0.05, 0.8, 0.0), (0.03, 0.5, 0.01)]


def chances(alpha: float, true_rate: float, most: int) -> dict[int, float]:
    """The chance of a proof for every n, by scipy alone."""
    n = np.arange(1, most + 1)
    found = {}
    allowed = 0
    for people in n.tolist():
        while stats.binom.cdf(allowed, people, alpha) <= 0.05:
            allowed += 1
        found[people] = float(stats.binom.cdf(allowed - 1, people, true_rate)) if allowed else 0.0
    return found


@pytest.mark.parametrize(("alpha", "power", "true_rate"), CASES)
def test_against_every_number_of_people(alpha: float, power: float, true_rate: float) -> None:
    found = people_for_power(limit_years=18, alpha=alpha, power=power, true_rate=true_rate)
    table = chances(alpha, true_rate, 2 * found.n)
    assert all(table[n] >= power for n in range(found.n, 2 * found.n + 1))
    if found.n > found.without_errors:
        assert any(table[n] < power for n in range(found.n - 60, found.n))
    assert found.n_exactly == min(n for n, chance in table.items() if chance >= power)
    assert found.errors_allowed == errors_allowed(found.n, alpha, 0.95)
    assert found.reached_power == pytest.approx(table[found.n])
    assert found.power_without_errors == pytest.approx(table[found.without_errors])


@pytest.mark.parametrize(
    "changes",
    [
        {"limit_years": 0},
        {"alpha": 0.5},
        {"alpha": 0.0},
        {"power": 1.0},
        {"power": 0.0},
        {"true_rate": 0.01},
        {"true_rate": -0.1},
        {"true_rate": float("nan")},
    ],
)
def test_what_cannot_be_asked_is_refused(changes: dict[str, float]) -> None:
    asked = {"limit_years": 18, "alpha": 0.01, "power": 0.8, "true_rate": 0.005}
    with pytest.raises(ConfigurationError):
        people_for_power(**asked | changes)  # type: ignore[arg-type]


def test_a_rate_too_close_to_alpha_is_refused() -> None:
    with pytest.raises(InsufficientEvidenceError, match="100,000"):
        people_for_power(limit_years=18, alpha=0.01, power=0.8, true_rate=0.0099)


PLAN = ["audit", "plan", "--limit", "18", "--alpha", "0.01", "--power", "0.8"]


def test_the_command_says_it_in_words_and_numbers() -> None:
    done = CliRunner().invoke(app, [*PLAN, "--true-fpr", "0.005"])
    assert done.exit_code == 0
    assert "measuring 2,185 people of the protected band" in done.stdout
    assert "exactly 1,941 do" in done.stdout
    assert "The fewest who can prove it are 299" in done.stdout


def test_the_command_as_json() -> None:
    done = CliRunner().invoke(app, [*PLAN, "--true-fpr", "0", "--json"])
    found = json.loads(done.stdout)
    assert (found["n"], found["errors_allowed"], found["reached_power"]) == (299, 0, 1.0)
    done = CliRunner().invoke(app, [*PLAN, "--true-fpr", "0"])
    assert "of whom none may be let through (chance: 100 %" in done.stdout


def test_the_command_refuses() -> None:
    done = CliRunner().invoke(app, [*PLAN, "--true-fpr", "0.02"])
    assert done.exit_code == 2
    assert "expected one below alpha" in done.stderr
