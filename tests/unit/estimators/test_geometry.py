"""Similarity transforms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.estimators.facial.geometry import Similarity

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])

numbers = st.floats(-100, 100)
similarities = st.builds(
    lambda scale, angle, x, y: Similarity(
        factor=scale * complex(math.cos(angle), math.sin(angle)), shift=complex(x, y)
    ),
    st.floats(0.01, 100),
    st.floats(-math.pi, math.pi),
    numbers,
    numbers,
)


@given(similarities)
def test_a_fit_finds_the_similarity_that_there_is(truth: Similarity) -> None:
    found = Similarity.fit(SQUARE, truth.apply(SQUARE))
    assert found.factor == pytest.approx(truth.factor, abs=1e-9)
    assert found.shift == pytest.approx(truth.shift, abs=1e-9)


@given(similarities)
def test_the_matrix_does_the_same(similarity: Similarity) -> None:
    matrix = similarity.matrix()
    np.testing.assert_allclose(
        similarity.apply(SQUARE), SQUARE @ matrix[:, :2].T + matrix[:, 2], atol=1e-9
    )


def test_a_fit_has_the_least_squared_error() -> None:
    generator = np.random.default_rng(1)
    target = generator.normal(size=SQUARE.shape)
    best = Similarity.fit(SQUARE, target)

    def error(similarity: Similarity) -> float:
        return float(((similarity.apply(SQUARE) - target) ** 2).sum())

    for step in (1e-3, -1e-3, 1e-3j, -1e-3j):
        assert error(best) < error(Similarity(factor=best.factor + step, shift=best.shift))
        assert error(best) < error(Similarity(factor=best.factor, shift=best.shift + step))


def test_a_box_has_its_centre_side_and_angle() -> None:
    box = Similarity.box(centre=50 + 60j, side=20, angle=math.pi / 2, pixels=10)
    assert box.scale == pytest.approx(2)
    corners = np.array([[-0.5, -0.5], [9.5, -0.5], [4.5, 4.5]])
    # A quarter turn from x to y: the upper left corner goes to the upper right.
    np.testing.assert_allclose(box.apply(corners), [[60, 50], [60, 70], [50, 60]], atol=1e-9)
