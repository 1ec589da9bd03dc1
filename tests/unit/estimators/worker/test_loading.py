"""Which estimator a name stands for."""

from __future__ import annotations

import pytest

from ageassure.errors import ConfigurationError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import AGE_MODELS, DEFAULT_MODEL
from ageassure.estimators.worker.loading import AGE_NETWORKS, FACIAL, load_estimator


def _digest(name: str) -> str:
    estimator = load_estimator(name)
    assert isinstance(estimator, FacialAgeEstimator)
    return estimator.pipeline_digest


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="got 0 estimators named 'age-v0'"):
        load_estimator("age-v0")


def test_every_age_network_has_its_name() -> None:
    assert AGE_NETWORKS == AGE_MODELS
    for name in AGE_NETWORKS:
        assert _digest(name) == FacialAgeEstimator(model=name).pipeline_digest


def test_the_shipped_one_takes_the_default_network() -> None:
    assert _digest(FACIAL) == _digest(DEFAULT_MODEL) != _digest("age-v1")
