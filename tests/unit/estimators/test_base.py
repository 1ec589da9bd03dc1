"""The plug-in point, and what is not loaded before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from types import SimpleNamespace

import pytest

import ageassure.estimators
from ageassure.errors import ConfigurationError
from ageassure.estimators import Estimator, base, discover_estimator


class Sound:
    def estimate(self, evidence: bytes) -> None:
        """Stands for an estimator; the protocol looks at the name alone."""


def registered(monkeypatch: pytest.MonkeyPatch, *factories: object) -> None:
    def found(*, group: str, name: str | None = None) -> list[object] | EntryPoints:
        assert group == "ageassure.estimators"
        if name is None:
            return EntryPoints(EntryPoint(n, "some:thing", group) for n in ("their", "other"))
        assert name == "mine"
        return [SimpleNamespace(load=lambda factory=factory: factory) for factory in factories]

    monkeypatch.setattr(base, "entry_points", found)


def test_a_registered_estimator_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, Sound)
    assert isinstance(discover_estimator("mine"), Sound)
    assert isinstance(discover_estimator("mine"), Estimator)


@pytest.mark.parametrize("count", [0, 2])
def test_none_and_several_are_refused(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    registered(monkeypatch, *[Sound] * count)
    with pytest.raises(
        ConfigurationError, match=f"got {count} estimators.*entry points: other, their"
    ):
        discover_estimator("mine")


def test_what_is_no_estimator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch, dict)
    with pytest.raises(ConfigurationError, match="no estimator"):
        discover_estimator("mine")


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        _ = ageassure.estimators.Other


@pytest.mark.parametrize("name", ["ageassure", "ageassure.estimators", "ageassure.verifier"])
def test_the_face_is_not_loaded_before_it_is_asked_for(name: str) -> None:
    heavy = "{'numpy', 'cv2', 'onnxruntime', 'ageassure.inference', 'ageassure.estimators.facial'}"
    code = f"import sys, {name}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_face_is_loaded_when_it_is_asked_for() -> None:
    from ageassure.estimators.facial import FacialAgeEstimator

    assert ageassure.estimators.FacialAgeEstimator is FacialAgeEstimator
