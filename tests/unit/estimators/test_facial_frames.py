"""Several pictures as one piece of evidence."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from ageassure.errors import EvidenceError, FaceError, ModelIntegrityError, PictureError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.frames import MAX_FRAMES, combined, frames_of
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.estimators.facial.scaling import GroupScaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

YEARS = np.arange(121)


def bell(mean: float, sd: float = 4.0) -> NDArray[np.float64]:
    weights = np.exp(-((YEARS - mean) ** 2) / (2 * sd * sd))
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def spread(distribution: Any) -> float:
    mean = YEARS @ distribution
    return float(np.sqrt(((YEARS - mean) ** 2) @ distribution))


def test_one_frame_keeps_its_distribution_to_the_last_bit() -> None:
    assert combined([bell(30)], greatest_gap_years=0.0) == bell(30).tolist()


@given(st.lists(st.floats(20, 32), min_size=1, max_size=8))
def test_the_mean_is_the_mean_of_the_means(means: list[float]) -> None:
    found = np.array(combined([bell(mean) for mean in means], greatest_gap_years=20))
    assert found.sum() == pytest.approx(1)
    assert found @ YEARS == pytest.approx(np.mean(means), abs=1e-3)


@given(st.floats(0, 10))
def test_disagreement_widens(gap: float) -> None:
    agreeing = combined([bell(30), bell(30)], greatest_gap_years=20)
    apart = combined([bell(30 - gap / 2), bell(30 + gap / 2)], greatest_gap_years=20)
    assert spread(apart) ** 2 == pytest.approx(spread(agreeing) ** 2 + gap * gap / 4, abs=0.05)


def test_frames_too_far_apart_are_refused() -> None:
    frames = [bell(30), bell(35), bell(42.1)]
    assert combined(frames, greatest_gap_years=12.2)
    with pytest.raises(FaceError) as caught:
        combined(frames, greatest_gap_years=12.0)
    assert caught.value.code == "frames_disagree"
    assert not any(character.isdigit() for character in str(caught.value))


def test_what_is_no_sequence_is_one_picture() -> None:
    ones: list[object] = [b"", bytearray(), None, {}, "text", np.zeros(3)]
    for one in ones:
        (found,) = frames_of(one)
        assert found is one


@pytest.mark.parametrize(
    ("evidence", "code"),
    [([], "picture_malformed"), ((), "picture_malformed"), ([b""] * 9, "picture_too_large")],
)
def test_too_few_and_too_many_are_refused(evidence: Any, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        frames_of(evidence)
    assert caught.value.code == code
    assert len(frames_of([bytes([n]) for n in range(MAX_FRAMES)])) == MAX_FRAMES


ONE = bytearray(b"one")
PIXELS = np.zeros((80, 80, 3), np.uint8)


@pytest.mark.parametrize(
    "evidence",
    [
        [ONE, ONE],
        (ONE, b"two", ONE),
        [b"one", b"one"],
        [b"one", b"two", bytearray(b"one")],
        [memoryview(b"one"), bytearray(b"one")],
        [memoryview(ONE), memoryview(ONE)[:]],
        [memoryview(b"o-n-e-")[::2], b"one"],
        [PIXELS, PIXELS],
    ],
)
def test_one_picture_given_twice_is_refused(evidence: Any) -> None:
    with pytest.raises(PictureError, match="twice") as caught:
        frames_of(evidence)
    assert caught.value.code == "picture_unsupported"


def test_arrays_are_told_apart_by_identity_alone() -> None:
    assert len(frames_of([PIXELS, PIXELS.copy()])) == 2


# -- through the estimator ----------------------------------------------------------------------


@cache
def shipped() -> FacialAgeEstimator:
    return FacialAgeEstimator()


def portrait(degrees: float = 0) -> NDArray[np.uint8]:
    """A portrait in the public domain, turned a little."""
    pixels: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    matrix = cv2.getRotationMatrix2D((220, 110), degrees, 1)
    return cv2.warpAffine(pixels, matrix, (512, 512)).astype(np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytearray:
    return bytearray(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())


def code(evidence: Any) -> str:
    try:
        shipped().estimate(evidence)
    except EvidenceError as error:
        kept = (error.__context__, error.__cause__)
        return "kept" if kept != (None, None) else error.code
    return ""


def test_a_list_of_one_is_the_picture() -> None:
    alone = shipped().estimate(portrait())
    for evidence in ([portrait()], (png(portrait()),)):
        assert shipped().estimate(evidence).mean_years == alone.mean_years


def test_several_are_averaged_and_wiped() -> None:
    turns = (-6, 0, 6)
    singles = [shipped().estimate(portrait(turn)).mean_years for turn in turns]
    evidence = [png(portrait(turn)) for turn in turns]
    together = shipped().estimate(evidence)
    assert together.mean_years == pytest.approx(np.mean(singles))
    assert together.pipeline_digest == shipped().pipeline_digest
    assert not any(map(any, evidence))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_refused_frame_refuses_all_and_all_are_wiped(place: int) -> None:
    evidence = [png(portrait(turn)) for turn in range(3)]
    evidence[place] = png(np.zeros_like(portrait()))
    assert code(evidence) == "no_face"
    assert not any(map(any, evidence))


def test_too_many_are_wiped_as_well() -> None:
    evidence = [png(portrait()) for _ in range(MAX_FRAMES + 1)]
    assert code(evidence) == "picture_too_large"
    assert not any(map(any, evidence))


def test_one_buffer_twice_is_refused_before_anything_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FacialPipeline, "raw", lambda *_: pytest.fail("it was looked at"))
    one = png(portrait())
    with pytest.raises(PictureError, match="twice"):
        shipped().estimate([one, one])
    assert not any(one)


def test_frames_in_frames_are_no_pictures() -> None:
    assert code([[portrait()]]) == "picture_unsupported"
    assert code([portrait(), None]) == "picture_unsupported"


def test_pictures_of_two_people_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([bell(25), bell(60)])
    monkeypatch.setattr(GroupScaling, "probabilities", lambda *_: next(answers))
    evidence = [png(portrait()), png(portrait(1))]
    assert code(evidence) == "frames_disagree"
    assert not any(map(any, evidence))


def test_a_failing_network_is_ours_and_wipes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise ModelIntegrityError("onnxruntime failed to run the network")

    monkeypatch.setattr(FacialPipeline, "age_probabilities", failing)
    evidence = [png(portrait()), png(portrait(1))]
    with pytest.raises(ModelIntegrityError):
        shipped().estimate(evidence)
    assert not any(map(any, evidence))
