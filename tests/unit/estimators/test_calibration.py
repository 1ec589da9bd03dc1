"""The calibration: strict file, sound distributions, monotone and smooth."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.raw import CLASS_YEARS, FEATURES, RawAge
from ageassure.results import MAX_YEARS

MEAN = FEATURES.index("mean_years")


def document() -> dict[str, Any]:
    return {
        "format": "ageassure-calibration-1",
        "fitted_on": "0" * 64,
        "parameters": {
            "slope": 0.9,
            "width_years": 3.0,
            "hinges": [{"at_years": 10.0, "change": -0.4}, {"at_years": 40.0, "change": 0.2}],
            "linear": {"mass_under_10": -2.0},
            "log_scale": 1.0,
            "log_scale_linear": {"sd_years": 0.02, "mirror_gap_years": 0.01},
            "cut_points": [float(age) for age in range(1, MAX_YEARS + 1)],
        },
        "fit": {"people": 0},
    }


def read(document: dict[str, Any]) -> Calibration:
    return Calibration.from_json(json.dumps(document).encode())


def raw(*weights: list[float]) -> RawAge:
    """A raw answer with these class weights, for the face and its mirror image."""
    rows = np.array([weights[0], weights[-1]]) + 1e-9
    return RawAge(probabilities=rows / rows.sum(axis=1, keepdims=True), eye_distance_pixels=60.0)


def peak(years: float, width: float = 4.0) -> list[float]:
    return [math.exp(-(((year - years) / width) ** 2)) for year in CLASS_YEARS]


weights = st.lists(st.floats(0, 1), min_size=81, max_size=81)


def test_the_formula_is_the_documented_one() -> None:
    calibration = read(document())
    face = raw(peak(30), peak(34))
    x = dict(zip(FEATURES, face.features(), strict=True))
    softplus = [math.log1p(math.exp((x["mean_years"] - at) / 3)) * 3 for at in (10, 40)]
    location = 0.9 * x["mean_years"] - 0.4 * softplus[0] + 0.2 * softplus[1]
    location -= 2 * x["mass_under_10"]
    scale = math.exp(1 + 0.02 * x["sd_years"] + 0.01 * x["mirror_gap_years"])
    expected = [1 / (1 + math.exp(-(location - age) / scale)) for age in range(1, MAX_YEARS + 1)]
    survival = 1 - np.cumsum(calibration.probabilities(face))[:-1]
    np.testing.assert_allclose(survival, expected, atol=1e-12)


def test_features_are_those_of_the_averaged_answer() -> None:
    one_class = [1.0 if index == 5 else 0.0 for index in range(81)]
    another = [1.0 if index == 25 else 0.0 for index in range(81)]
    x = dict(zip(FEATURES, raw(one_class, another).features(), strict=True))
    assert x["mean_years"] == pytest.approx(15, abs=1e-4)
    assert x["sd_years"] == pytest.approx(math.sqrt(101), abs=1e-4)
    assert x["mirror_gap_years"] == pytest.approx(math.sqrt(401), abs=1e-4)
    shares = [x[f"mass_under_{limit}"] for limit in (3, 10, 20, 30, 70)]
    assert shares == pytest.approx([0, 0.5, 0.5, 1, 1], abs=1e-6)


@given(weights, weights)
def test_every_answer_becomes_a_distribution(face: list[float], mirrored: list[float]) -> None:
    probabilities = read(document()).probabilities(raw(face, mirrored))
    assert probabilities.shape == (MAX_YEARS + 1,)
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)


@given(weights, weights, st.integers(0, 80))
def test_it_is_smooth(face: list[float], mirrored: list[float], index: int) -> None:
    calibration = read(document())
    years = np.arange(MAX_YEARS + 1)
    before = raw(face, mirrored)
    moved = before.probabilities.copy()
    moved[0, index] += 1e-7
    after = RawAge(probabilities=moved, eye_distance_pixels=60.0)
    means = [float(calibration.probabilities(each) @ years) for each in (before, after)]
    assert means[1] == pytest.approx(means[0], abs=1e-4)


@given(st.floats(0, 80), st.floats(0, 20), weights)
def test_an_older_mean_is_never_younger(mean: float, more: float, other: list[float]) -> None:
    calibration = read(document())
    features = np.tile(raw(other).features(), (2, 1))
    features[:, MEAN] = mean, mean + more
    location, scale = calibration.location_and_scale(features)
    assert location[1] >= location[0] - 1e-9
    assert scale[0] == scale[1]


def test_writing_and_reading_give_the_same() -> None:
    calibration = read(document())
    again = Calibration.from_json(calibration.to_json({"people": 1}))
    assert again == calibration
    assert json.loads(calibration.to_json({"people": 0})) == document()


def changed(path: str, value: Any) -> dict[str, Any]:
    values = document()
    *parents, last = path.split("/")
    target = values
    for key in parents:
        target = target[key]
    target[last] = value
    return values


WRONG: dict[str, list[Any]] = {
    "format": ["ageassure-calibration-2", 1],
    "fitted_on": ["", "0" * 63, "A" * 64, 0],
    "more": [1],
    "parameters": [None, {}],
    "parameters/more": [1],
    "parameters/slope": [-0.1, 0.3, True, "1", None, math.nan, math.inf],
    "parameters/width_years": [0, -1.0, math.nan],
    "parameters/hinges": [
        {},
        [{"at_years": 1.0}],
        [{"at_years": 1.0, "change": "0"}],
        [{"at_years": 1.0, "change": -1.0}],
        [{"at_years": 9.0, "change": 0.1}, {"at_years": 9.0, "change": 0.1}],
        [{"at_years": math.inf, "change": 0.1}],
    ],
    "parameters/linear": [[], {"mean_years": 1.0}, {"height": 1.0}, {"sd_years": math.nan}],
    "parameters/log_scale": ["", math.inf],
    "parameters/log_scale_linear": [{"mean_years": 1.0}, {"sd_years": None}],
    "parameters/cut_points": [
        "",
        [],
        [float(age) for age in range(MAX_YEARS)][::-1],
        [float(age) for age in range(MAX_YEARS + 1)],
        [1.0] * MAX_YEARS,
        [*range(MAX_YEARS - 1), math.inf],
        [*range(MAX_YEARS - 1), None],
    ],
}


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in WRONG.items() for value in values]
)
def test_a_wrong_member_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ModelIntegrityError):
        read(changed(path, value))


@pytest.mark.parametrize(
    "path",
    [
        "format",
        "fitted_on",
        "parameters",
        "fit",
        *(f"parameters/{p}" for p in document()["parameters"]),
    ],
)
def test_a_missing_member_is_refused(path: str) -> None:
    values = document()
    *parents, last = path.split("/")
    del (values[parents[0]] if parents else values)[last]
    with pytest.raises(ModelIntegrityError):
        read(values)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"1"])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(ModelIntegrityError) as caught:
        Calibration.from_json(text)
    assert caught.value.__context__ is None


def test_a_raw_age_tells_nobody() -> None:
    import copy
    import pickle

    face = raw(peak(30))
    assert "3" not in repr(face)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="personal data"):
            leak(face)
