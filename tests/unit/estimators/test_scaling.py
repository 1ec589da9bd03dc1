"""Scaling of age groups: strict file, sound distributions, and which form a file is of."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.raw import RawAge
from ageassure.estimators.facial.scaling import GroupScaling

FIRST_YEARS = (0, 3, 10, 20, 30, 40, 50, 60, 70)


def document() -> dict[str, Any]:
    return {
        "format": "ageassure-calibration-2",
        "fitted_on": "0" * 64,
        "parameters": {
            "sharpness": 1.2,
            "first_years": list(FIRST_YEARS),
            "log_weights": [0.1, -0.2, 0.3, 0.0, 0.0, 0.4, -0.5, 0.2, 0.1],
        },
        "fit": {"people": 0},
    }


def read(document: dict[str, Any]) -> GroupScaling:
    found = read_calibration(json.dumps(document).encode())
    assert isinstance(found, GroupScaling)
    return found


def raw(*weights: list[float]) -> RawAge:
    """A raw answer with these class weights, for the face and its mirror image."""
    rows = np.array([weights[0], weights[-1]]) + 1e-12
    return RawAge(probabilities=rows / rows.sum(axis=1, keepdims=True), eye_distance_pixels=60.0)


weights = st.lists(st.floats(0, 1), min_size=81, max_size=81)


def test_the_formula_is_the_documented_one() -> None:
    face = raw([1.0 + year % 7 for year in range(81)], [2.0 + year % 5 for year in range(81)])
    mean = face.probabilities.mean(axis=0)
    edges = [*FIRST_YEARS, 81]
    shares = np.array([mean[a:b].sum() for a, b in itertools.pairwise(edges)])
    groups = (shares + 1e-6) ** 1.2 * np.exp(document()["parameters"]["log_weights"])
    groups /= groups.sum()
    found = read(document()).probabilities(face)
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        assert found[low:high].sum() == pytest.approx(groups[index])
        inside = found[low:high] / found[low:high].sum()
        assert inside == pytest.approx(mean[low:high] / shares[index], abs=1e-5)
    assert not found[81:].any()


@given(weights, weights)
def test_every_answer_becomes_a_distribution(face: list[float], mirror: list[float]) -> None:
    found = read(document()).probabilities(raw(face, mirror))
    assert found.shape == (121,)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    over = 1 - np.concatenate([[0.0], found.cumsum()])
    assert (np.diff(over) <= 1e-12).all()


@given(weights)
def test_rounding_in_the_network_is_not_blown_up(face: list[float]) -> None:
    calibration = read(document())
    one = raw(face)
    shaken = one.probabilities * (1 + 1e-7 * np.cos(np.arange(81)))
    other = RawAge(probabilities=shaken, eye_distance_pixels=60.0)
    years = [calibration.probabilities(answer) @ np.arange(121) for answer in (one, other)]
    assert years[0] == pytest.approx(years[1], abs=1e-4)


def test_a_file_is_written_as_it_is_read() -> None:
    calibration = read(document())
    assert json.loads(calibration.to_json({"people": 0})) == document()


def _without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": "ageassure-calibration-3"}, "another calibration format"),
        ({"format": ["ageassure-calibration-2"]}, "another calibration format"),
        ({"fitted_on": "xyz"}, "malformed fitted_on"),
        ({"fitted_on": 7}, "no string"),
        ({"more": 1}, "other members"),
    ],
)
def test_another_document_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelIntegrityError, match=complaint):
        read(document() | change)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sharpness": 0.0}, "not positive"),
        ({"sharpness": -1.0}, "not positive"),
        ({"sharpness": float("inf")}, "not finite"),
        ({"sharpness": True}, "no number"),
        ({"sharpness": "1"}, "no number"),
        ({"log_weights": [0.0] * 8}, "another number of weights"),
        ({"log_weights": [float("nan")] * 9}, "not finite"),
        ({"log_weights": 0.0}, "no list"),
        ({"first_years": [1, *FIRST_YEARS[1:]]}, "do not ascend from 0"),
        ({"first_years": [0, 3, 3, *FIRST_YEARS[3:]]}, "do not ascend from 0"),
        ({"first_years": [*FIRST_YEARS[:-1], 81]}, "do not ascend from 0"),
        ({"first_years": []}, "do not ascend from 0"),
        ({"first_years": [0.5, *FIRST_YEARS[1:]]}, "inside a year"),
        ({"first_years": [float("inf"), *FIRST_YEARS[1:]]}, "inside a year"),
        ({"stray": 1}, "other members"),
    ],
)
def test_other_parameters_are_refused(change: dict[str, Any], complaint: str) -> None:
    changed = document()
    changed["parameters"] |= change
    with pytest.raises(ModelIntegrityError, match=complaint):
        read(changed)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'"x"', b"{}"])
def test_what_is_no_calibration_is_refused(text: bytes) -> None:
    with pytest.raises(ModelIntegrityError):
        read_calibration(text)


def test_each_form_refuses_the_others_file() -> None:
    other = json.dumps(document() | {"format": "ageassure-calibration-1"}).encode()
    with pytest.raises(ModelIntegrityError, match="another calibration format"):
        GroupScaling.from_json(other)
