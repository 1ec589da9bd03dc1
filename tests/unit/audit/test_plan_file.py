from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.plan_file import read_plan
from ageassure.errors import ConfigurationError
from ageassure.policy import AgeBand

if TYPE_CHECKING:
    from pathlib import Path

POINT = """
[[points]]
limit_years = 18
challenge_age_years = 25
alpha = 0.01
protected_band = [16, 17]
"""
PLAN = 'seed = 3\naxes = ["sex"]\n' + POINT


def _read(folder: Path, text: str | bytes) -> object:
    path = folder / "plan.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_plan(path)


def test_a_plan_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    chosen = "b" * 64
    path.write_text(
        'seed = 3\naxes = ["sex", "site"]\npair_with = "sex"\ntransfer_axis = "site"\n'
        f'resamples = 3000\n{POINT}chosen_on = "{chosen}"\n'
    )
    plan, digest = read_plan(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (plan.seed, plan.axes, plan.pair_with) == (3, ("sex", "site"), "sex")
    assert (plan.transfer_axis, plan.resamples) == ("site", 3000)
    (point,) = plan.points
    assert (point.limit_years, point.challenge_age_years, point.alpha) == (18, 25.0, 0.01)
    assert point.protected_band == AgeBand(first_years=16, last_years=17)
    assert point.chosen_on == chosen


def test_what_may_be_left_out_has_one_meaning(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    plan, _ = read_plan(path)
    assert (plan.pair_with, plan.transfer_axis, plan.resamples) == (None, None, 2000)
    assert plan.points[0].chosen_on is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seed =",
        b"\xff",
        "x = 1\n" * 20_000,
        PLAN.replace("seed = 3\n", ""),
        PLAN.replace("seed = 3", 'seed = "3"'),
        PLAN.replace("seed = 3", "seed = 3\nbootstrap = 5"),
        PLAN.replace('axes = ["sex"]', 'axes = "sex"'),
        PLAN.replace('axes = ["sex"]', "axes = [3]"),
        PLAN.replace('axes = ["sex"]', 'axes = [["sex"]]'),
        PLAN.replace('axes = ["sex"]', 'axes = ["sex"]\npair_with = "age"'),
        PLAN.replace('axes = ["sex"]', 'axes = ["sex"]\npair_with = []'),
        PLAN.replace("[[points]]", "[points]"),
        'seed = 3\naxes = []\npoints = []\n',
        'seed = 3\naxes = []\npoints = [3]\n',
        PLAN.replace("alpha = 0.01\n", ""),
        PLAN.replace("alpha = 0.01", "alpha = true"),
        PLAN.replace("alpha = 0.01", "alpha = nan"),
        PLAN.replace("limit_years = 18", 'limit_years = "18"'),
        PLAN.replace("[16, 17]", "[16]"),
        PLAN.replace("[16, 17]", '"16-17"'),
        PLAN.replace("[16, 17]", "[0, 17]"),
        PLAN.replace("[16, 17]", "[12, 13]"),
        PLAN + "note = 3\n",
        PLAN + 'chosen_on = "elsewhere"\n',
        PLAN + POINT,
    ],
)  # fmt: skip
def test_another_form_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ConfigurationError):
        _read(tmp_path, text)


def test_an_unknown_member_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"plan with the unknown members \['bootstrap'\]"):
        _read(tmp_path, PLAN.replace("seed = 3", "seed = 3\nbootstrap = 5"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_plan(tmp_path / "none.toml")
