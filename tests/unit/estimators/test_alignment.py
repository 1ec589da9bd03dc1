"""The alignment's file and what it does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial.alignment import FORMAT, chip_region, read_template, to_chip
from ageassure.estimators.facial.mesh import EYE_CORNERS, MESH_POINTS
from ageassure.estimators.facial.raw import CLASS_YEARS
from ageassure.inference import load_manifest, read_pinned

PLACES = [[0.5, 0.25]] * MESH_POINTS


def document(**changes: Any) -> bytes:
    return json.dumps({"format": FORMAT, "template": PLACES, "fit": {}} | changes).encode()


def test_the_shipped_template_lies_near_dlibs() -> None:
    template = read_template(read_pinned("age-v1", "alignment.json"))
    assert template.shape == (MESH_POINTS, 2)
    fit: Any = load_manifest("age-v1").fit
    dlib = dict(zip(fit["points"], fit["template"], strict=True))
    places: Any = load_manifest("face-mesh-468").details["points"]
    for name, place in dlib.items():
        # dlib names the corners from the picture's side, the mesh from the person's.
        assert np.abs(template[places[name]] - place).max() < 0.05, name
    assert set(EYE_CORNERS) == {number for name, number in places.items() if "eye" in name}


def test_the_classes_are_the_manifests() -> None:
    assert load_manifest("age-v1").details["class_years"] == CLASS_YEARS.tolist()


def test_the_chip_is_the_template_with_its_margin() -> None:
    np.testing.assert_allclose(to_chip(np.array([[-0.2, 1.2], [0.5, 0.5]])), [[0, 64], [32, 32]])


def test_points_on_the_template_give_its_own_region() -> None:
    template = np.random.default_rng(1).uniform(0, 1, (MESH_POINTS, 2))
    region = chip_region(to_chip(template) * 3 + 7, template)
    assert region.factor == pytest.approx(3)
    assert region.shift == pytest.approx(7 + 7j)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b"[]",
        document(more=1),
        document(format="ageassure-alignment-2"),
        document(template={}),
        document(template=PLACES[1:]),
        document(template=[*PLACES, PLACES[0]]),
        document(template=[[0.5, 0.25, 0.1], *PLACES[1:]]),
        document(template=[[0.5, 1], *PLACES[1:]]),
        document(template=[[0.5, 9.9], *PLACES[1:]]),
        document(template=[[0.5, float("nan")], *PLACES[1:]]),
        document(template=["ab", *PLACES[1:]]),
    ],
)
def test_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(ModelIntegrityError) as caught:
        read_template(text)
    assert caught.value.__context__ is None
