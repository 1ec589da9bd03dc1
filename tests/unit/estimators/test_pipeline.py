"""The sequence of steps, and the digest that stands for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from skimage.data import astronaut

from ageassure.errors import ConfigurationError, FaceError, ModelIntegrityError
from ageassure.estimators.facial import (
    alignment,
    detection,
    faces,
    mesh,
    pipeline,
    quality,
    quality_limits,
    structure,
)
from ageassure.estimators.facial.faces import FaceFinder
from ageassure.estimators.facial.pipeline import AGE_MODELS, FacialPipeline
from ageassure.estimators.facial.quality_limits import QualityLimits
from ageassure.imaging import Frame
from ageassure.inference import load_model

if TYPE_CHECKING:
    from numpy.typing import NDArray


def portrait() -> NDArray[np.uint8]:
    """A portrait in the public domain, 512 × 512."""
    pixels: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    return pixels


@pytest.fixture(scope="module", params=AGE_MODELS)
def shipped(request: pytest.FixtureRequest) -> FacialPipeline:
    return FacialPipeline.shipped(request.param)


def test_a_portrait_gets_an_answer(shipped: FacialPipeline) -> None:
    with Frame(portrait()) as frame:
        raw = shipped.raw(frame)
    assert raw.probabilities.shape == (2, 81)
    np.testing.assert_allclose(raw.probabilities.sum(axis=1), 1, atol=1e-5)
    assert 35 < raw.eye_distance_pixels < 50


def test_the_second_answer_is_for_the_mirror_image(shipped: FacialPipeline) -> None:
    side = shipped.chip_pixels
    chip = np.random.default_rng(1).uniform(0, 255, (side, side, 3)).astype(np.float32)
    with Frame(portrait()) as frame:
        plain = shipped.age_probabilities(frame, chip)
        mirrored = shipped.age_probabilities(frame, np.ascontiguousarray(chip[:, ::-1]))
    np.testing.assert_allclose(plain, mirrored[::-1], atol=1e-5)


def test_every_picture_made_on_the_way_is_wiped(shipped: FacialPipeline) -> None:
    owned: list[NDArray[Any]] = []

    class Watched(Frame):
        def own(self, array: Any) -> Any:
            owned.append(array)
            return super().own(array)

    with Watched(portrait()) as frame:
        shipped.raw(frame)
        assert sum(array.any() for array in owned) >= 10
    assert not any(array.any() for array in owned)


def test_no_face_is_refused(shipped: FacialPipeline) -> None:
    with (
        Frame(np.full((300, 300, 3), 120, dtype=np.uint8)) as frame,
        pytest.raises(FaceError) as caught,
    ):
        shipped.raw(frame)
    assert caught.value.code == "no_face"


def test_the_digest_is_the_same_again_and_the_networks_own() -> None:
    digests = [FacialPipeline.shipped(name).raw_digest for name in (*AGE_MODELS, *AGE_MODELS)]
    assert len(set(digests)) == len(AGE_MODELS)
    assert digests[: len(AGE_MODELS)] == digests[len(AGE_MODELS) :]
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize("name", ["", "age-v9", "blazeface-128", "../age-v1"])
def test_an_unknown_network_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected one of age-v1, age-v2"):
        FacialPipeline.shipped(name)


def test_a_network_whose_chip_is_no_square_is_refused() -> None:
    for shape in (("N", 3, 64, 96), ("N", 3, "H", "H")):
        age = load_model("age-v1")
        tensor = replace(age.manifest.input, shape=shape)
        age.manifest = replace(age.manifest, input=tensor)
        with pytest.raises(ModelIntegrityError, match="no square of a fixed size"):
            FacialPipeline(finder=FaceFinder.shipped(), template=np.zeros((468, 2)), age=age)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (pipeline, "PIPELINE_REVISION"),
        (pipeline, "LONG_SIDE_PIXELS"),
        (detection, "SCORE_BAR"),
        (detection, "OVERLAP_BAR"),
        (faces, "MAX_CANDIDATES"),
        (faces, "SECOND_FACE_SHARE"),
        (mesh, "REGION_SIDES"),
        (mesh, "FACE_BAR"),
        (alignment, "CHIP_PADDING"),
        (alignment, "CHIP_PIXELS"),
        (quality, "HIGHLIGHT_PERCENT"),
        (quality, "BURNT"),
        (quality, "BLUR_PIXELS"),
        (quality_limits, "LEAST_QUIET_CURVATURE"),
        (structure, "BLACK"),
        (structure, "WHITE"),
        (structure, "QUIET_PERCENT"),
        (structure, "LEAST_PLACES"),
        (structure, "NOISE_WEIGHT"),
    ],
)
def test_the_digest_names_every_constant(
    shipped: FacialPipeline, monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    before = shipped.raw_digest
    monkeypatch.setattr(module, name, getattr(module, name) * 2)
    assert shipped.raw_digest != before


def test_the_digest_names_template_and_networks() -> None:
    near, far, points, age = map(
        load_model, ("blazeface-128", "blazeface-256", "face-mesh-468", "age-v1")
    )
    template = np.zeros((468, 2))
    details = age.manifest.details
    limits = QualityLimits.from_manifest(details["quality"]).as_dict()
    stricter = dict(details) | {"quality": limits | {"greatest_blur": 0.5}}
    points_as_age, strict_age = load_model("face-mesh-468"), load_model("age-v1")
    points_as_age.manifest = replace(points.manifest, details=details)
    strict_age.manifest = replace(age.manifest, details=stricter)
    digests = {
        FacialPipeline(
            finder=FaceFinder(near=one, far=two, mesh=points), template=places, age=network
        ).raw_digest
        for one, two, places, network in (
            (near, far, template, age),
            (far, near, template, age),
            (near, far, template + 0.1, age),
            (near, far, template, points_as_age),
            (near, far, template, strict_age),
        )
    }
    assert len(digests) == 5
