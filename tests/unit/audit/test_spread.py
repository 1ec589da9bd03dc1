from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.audit.figure import Figure, Why
from ageassure.audit.metrics.cells import Group
from ageassure.audit.metrics.spread import gini, max_min, max_over_min, spread_of

# NIST FATE AEV of 2026-09-13: twelve MAEs, female and male by region, as published there.
REGULA = [
    *(3.2053, 2.5292, 2.2419, 1.8536, 2.1408, 1.6249),
    *(2.5572, 1.9757, 2.4679, 1.8943, 3.3321, 2.5779),
]
NEUROTECHNOLOGY = [
    *(3.7917, 4.0357, 4.1340, 3.8487, 3.4942, 2.9729),
    *(3.8005, 3.7218, 3.8709, 3.6937, 3.9816, 3.7797),
]
YOTI = [
    *(3.3981, 2.6570, 2.8736, 1.9480, 2.0363, 1.5202),
    *(2.9693, 2.0616, 3.1879, 2.0614, 3.4972, 2.7767),
]


@pytest.mark.parametrize(
    ("maes", "coefficient", "spread"),
    [(REGULA, 0.128, 1.71), (NEUROTECHNOLOGY, 0.0415, 1.16), (YOTI, 0.147, 1.98)],
    ids=["regula-000", "neurotechnology-001", "yoti-004"],
)
def test_golden_vectors_of_nist(maes: list[float], coefficient: float, spread: float) -> None:
    assert float(gini(np.array(maes))) == pytest.approx(coefficient, abs=0.0005)
    assert float(max_min(np.array(maes))) == pytest.approx(spread, abs=0.005)


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=20))
def test_gini_as_it_is_defined(values: list[float]) -> None:
    k = len(values)
    total = sum(abs(a - b) for a in values for b in values)
    by_definition = total / (2 * k * (k - 1) * (sum(values) / k))
    assert float(gini(np.array(values))) == pytest.approx(by_definition, rel=1e-9, abs=1e-12)


def test_ratio() -> None:
    assert float(max_over_min(np.array([2.0, 3.0, 6.0]))) == 3.0


def figures(*values: float | None) -> list[Figure]:
    nobody = Figure(value=None, n=0, subjects=0, reason=Why.NOBODY)
    return [
        nobody if value is None else Figure(value=value, n=10, subjects=10, reason=Why.NO_INTERVAL)
        for value in values
    ]


def groups(count: int) -> list[Group]:
    none = np.zeros(1, dtype=np.bool_)
    return [Group(where={"region": str(index)}, cells=none) for index in range(count)]


def spread(*values: float | None) -> dict[str, Figure]:
    found = spread_of("mae", "region", groups(len(values)), figures(*values), Why.NOBODY, 1000)
    return dict(found.figures)


def test_nulls_with_reasons() -> None:
    assert spread(0.0, 0.0)["gini"].reason is Why.ZERO_MEAN
    assert spread(0.0, 1.0)["max_over_min"].reason is Why.ZERO_MINIMUM
    assert spread(0.0, 1.0)["gini"].value == 1.0
    assert spread(1.0)["max_min"].reason is Why.ONE_GROUP
    assert spread(1.0, None)["max_min"].reason is Why.ONE_GROUP
    assert spread(None, None)["gini"].reason is Why.ONE_GROUP


def test_the_worst_group_is_named_and_empty_ones_are_counted() -> None:
    drawn = [np.array([1.0, 1.2, 0.9]), None, np.array([3.0, 2.5, 3.5])]
    found = spread_of("mae", "region", groups(3), figures(1.0, None, 3.0), drawn, 15)
    assert (found.groups, found.without) == (2, 1)
    assert found.greatest == {"region": "2"}
    assert found.least == {"region": "0"}
    figure = found.figures["max_min"]
    assert figure.value == 2.0
    assert figure.subjects == 15
    assert figure.low is not None
    assert figure.low < 2.0


def test_a_ratio_that_is_not_defined_in_every_resample() -> None:
    drawn = [np.array([0.0, 1.2, 0.9]), np.array([3.0, 2.5, 3.5])]
    found = spread_of("fpr", "region", groups(2), figures(1.0, 3.0), drawn, 20)
    assert found.figures["max_over_min"].reason is Why.RESAMPLES_UNDEFINED
    assert found.figures["max_min"].low is not None
    drawn = [np.array([0.0, 1.2, 0.9]), np.array([0.0, 2.5, 3.5])]
    found = spread_of("fpr", "region", groups(2), figures(1.0, 3.0), drawn, 20)
    assert found.figures["gini"].reason is Why.RESAMPLES_UNDEFINED
