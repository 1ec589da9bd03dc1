"""The estimator around the pipeline, with a calibration made up for these tests alone."""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from ageassure.errors import (
    AgeAssuranceError,
    ConfigurationError,
    EvidenceError,
    FaceError,
    ModelIntegrityError,
    PictureError,
)
from ageassure.estimators import Estimator
from ageassure.estimators.facial import estimator as module
from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.estimator import FacialAgeEstimator, pipeline_digest
from ageassure.estimators.facial.operating_points import FORMAT
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.results import MAX_YEARS, MethodClass, PresentationAttack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def made_up(fitted_on: str, slope: float = 1.0) -> bytes:
    parameters = {
        "slope": slope,
        "width_years": 1.0,
        "hinges": [],
        "linear": {},
        "log_scale": 1.0,
        "log_scale_linear": {},
        "cut_points": [float(age) for age in range(1, MAX_YEARS + 1)],
    }
    document = {"format": "ageassure-calibration-1", "fitted_on": fitted_on, "fit": {}}
    return json.dumps(document | {"parameters": parameters}).encode()


def no_bars(calibration: bytes) -> bytes:
    """Operating points of the pipeline that ends with this calibration, without a bar."""
    whole = pipeline_digest(FacialPipeline.shipped(), Calibration.from_json(calibration))
    document = {"format": FORMAT, "pipeline_digest": whole, "challenge_ages": [], "lower_bars": []}
    return json.dumps(document).encode()


def use(monkeypatch: pytest.MonkeyPatch, calibration: bytes, points: bytes = b"") -> None:
    files = {"calibration.json": calibration, "operating_points.json": points}
    monkeypatch.setattr(module, "read_pinned", lambda _, name: files[name])


@pytest.fixture(scope="module")
def estimator() -> Iterator[FacialAgeEstimator]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        calibration = made_up(FacialPipeline.shipped().raw_digest)
        use(monkeypatch, calibration, no_bars(calibration))
        yield FacialAgeEstimator(now=lambda: NOON)


def portrait() -> NDArray[np.uint8]:
    """A portrait in the public domain, 512 × 512."""
    pixels: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    return pixels


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()


PORTRAIT = jpeg(portrait())


def test_it_is_an_estimator(estimator: FacialAgeEstimator) -> None:
    assert isinstance(estimator, Estimator)


def test_an_estimate_says_where_it_comes_from(estimator: FacialAgeEstimator) -> None:
    estimate = estimator.estimate(PORTRAIT)
    assert 20 < estimate.mean_years < 45
    assert estimate.method_class is MethodClass.ESTIMATION
    assert estimate.bound
    assert estimate.presentation_attack is PresentationAttack.NOT_EVALUATED
    assert estimate.as_of == NOON
    assert estimate.pipeline_digest == estimator.pipeline_digest


def test_by_default_the_estimate_is_dated_now(monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = made_up(FacialPipeline.shipped().raw_digest)
    use(monkeypatch, calibration, no_bars(calibration))
    before = datetime.now(UTC)
    assert before <= FacialAgeEstimator().estimate(PORTRAIT).as_of <= datetime.now(UTC)


def test_a_file_that_can_be_wiped_is_wiped(estimator: FacialAgeEstimator) -> None:
    for refused in (False, True):
        data = bytearray(jpeg(np.zeros_like(portrait())) if refused else PORTRAIT)
        if refused:
            with pytest.raises(FaceError):
                estimator.estimate(data)
        else:
            estimator.estimate(data)
        assert not any(data)


def test_an_array_stays_the_callers(estimator: FacialAgeEstimator) -> None:
    pixels = portrait()
    before = pixels.copy()
    from_array = estimator.estimate(pixels).mean_years
    assert (pixels == before).all()
    png = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    assert estimator.estimate(memoryview(png)).mean_years == from_array


def refused(estimator: FacialAgeEstimator, evidence: Any) -> AgeAssuranceError:
    try:
        estimator.estimate(evidence)
    except AgeAssuranceError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("evidence", "kind", "code"),
    [
        (jpeg(np.zeros_like(portrait())), FaceError, "no_face"),
        (jpeg(np.hstack([portrait()] * 2)), FaceError, "several_faces"),
        (b"no picture", PictureError, "picture_unsupported"),
        (None, PictureError, "picture_unsupported"),
        (np.zeros((300, 300), dtype=np.uint8), PictureError, "picture_unsupported"),
    ],
)
def test_a_refusal_has_its_code_and_keeps_nothing(
    estimator: FacialAgeEstimator, evidence: Any, kind: type[AgeAssuranceError], code: str
) -> None:
    error = refused(estimator, evidence)
    assert type(error) is kind
    assert error.code == code
    assert (error.__context__, error.__cause__) == (None, None)
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code is not sys._getframe().f_code and frame.f_code is not refused.__code__:
            held = frame.f_locals.values()
            assert not any(isinstance(value, bytes | np.ndarray) for value in held)
    assert pickle.loads(pickle.dumps(error)).code == code


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        (ModelIntegrityError("onnxruntime failed"), ModelIntegrityError, "model_integrity"),
        (MemoryError(), PictureError, "picture_too_large"),
    ],
)
def test_a_failing_network_is_ours(
    estimator: FacialAgeEstimator,
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    kind: type[AgeAssuranceError],
    code: str,
) -> None:
    def failing(*_: object) -> None:
        raise raised

    monkeypatch.setattr(FacialPipeline, "age_probabilities", failing)
    data = bytearray(PORTRAIT)
    error = refused(estimator, data)
    assert (type(error), error.code) == (kind, code)
    assert (error.__context__, error.__cause__) == (None, None)
    assert not any(data)


def test_a_defect_of_our_own_wipes_too(
    estimator: FacialAgeEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = []

    def failing(_self: object, frame: Any, _chip: object) -> None:
        frames.append(frame)
        raise RuntimeError("a defect")

    monkeypatch.setattr(FacialPipeline, "age_probabilities", failing)
    error = refused(estimator, PORTRAIT)
    assert (type(error), error.code) == (EvidenceError, "evidence")
    assert str(error) == "the estimator failed with a RuntimeError"
    assert (error.__context__, error.__cause__) == (None, None)
    with pytest.raises(ValueError, match="wiped"):
        _ = frames[0].pixels


def test_a_calibration_for_another_pipeline_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, made_up("0" * 64))
    with pytest.raises(ModelIntegrityError, match="another pipeline"):
        FacialAgeEstimator()


def test_operating_points_of_another_pipeline_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = FacialPipeline.shipped().raw_digest
    use(monkeypatch, made_up(digest), no_bars(made_up(digest, slope=1.1)))
    with pytest.raises(ModelIntegrityError, match="another pipeline"):
        FacialAgeEstimator()


def test_a_bar_that_was_not_sought_is_refused(estimator: FacialAgeEstimator) -> None:
    for bar in (estimator.challenge_age, estimator.lower_bar):
        with pytest.raises(ConfigurationError):
            bar(18, alpha=0.01)


def test_a_malformed_calibration_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, b"{}")
    with pytest.raises(ModelIntegrityError, match="calibration"):
        FacialAgeEstimator()


def test_the_digest_names_the_parameters_and_not_the_account_of_the_fit() -> None:
    pipeline = FacialPipeline.shipped()
    first, other = (
        Calibration.from_json(made_up(pipeline.raw_digest, slope)) for slope in (1.0, 1.1)
    )
    retold = Calibration.from_json(first.to_json({"retold": True}))
    assert pipeline_digest(pipeline, first) != pipeline_digest(pipeline, other)
    assert pipeline_digest(pipeline, first) == pipeline_digest(pipeline, retold)
    assert pipeline_digest(pipeline, first) != pipeline.raw_digest


def test_nothing_of_the_picture_stays_referenced(estimator: FacialAgeEstimator) -> None:
    estimator.estimate(PORTRAIT)
    gc.collect()
    large = [o for o in gc.get_objects() if isinstance(o, np.ndarray) and o.size > 5_000]
    shapes = {array.shape for array in large}
    assert not shapes & {(512, 512, 3), (64, 64, 3), (2, 3, 64, 64), (1, 3, 192, 192)}


def failing() -> datetime:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "clock", [5, "now", failing, lambda: None, lambda: 5.0, lambda: NOON.replace(tzinfo=None)]
)
def test_a_clock_that_is_none_is_refused_at_once(clock: Any) -> None:
    with pytest.raises(ConfigurationError, match="clock") as caught:
        FacialAgeEstimator(now=clock)
    assert caught.value.__context__ is None


def test_a_clock_that_fails_later_is_the_library_s_own_error() -> None:
    moments = iter([NOON])
    estimator = FacialAgeEstimator(now=lambda: next(moments))
    held = bytearray(PORTRAIT)
    with pytest.raises(ConfigurationError, match="clock") as caught:
        estimator.estimate(held)
    assert caught.value.__context__ is None
    assert not any(held)


@pytest.mark.parametrize("liveness", ["x", 5, object(), FacialAgeEstimator, False])
def test_a_liveness_check_that_is_none_is_refused_at_once(liveness: Any) -> None:
    with pytest.raises(ConfigurationError, match="LivenessCheck"):
        FacialAgeEstimator(liveness=liveness)


@pytest.mark.parametrize(
    "model", [None, 5, ["age-v2"], {}, "age-v3", "a\0b", b"age-v2", np.array(["age-v1", "age-v2"])]
)
def test_a_model_that_is_none_is_refused(model: Any) -> None:
    with pytest.raises(ConfigurationError, match="age network"):
        FacialAgeEstimator(model=model)


@pytest.mark.parametrize("seconds", [10**400, float("nan"), "1", True, []])
def test_a_timeout_that_is_no_number_is_the_set_up_s_fault(
    seconds: Any, estimator: FacialAgeEstimator
) -> None:
    held = bytearray(PORTRAIT)
    with pytest.raises(ConfigurationError, match="timeout"):
        estimator.estimate(held, timeout_seconds=seconds)
    assert not any(held)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_one_that_was_used_before_a_fork_says_the_same_in_the_child(
    estimator: FacialAgeEstimator,
) -> None:
    # OpenCV takes its threads for so large a picture.
    large = cv2.resize(portrait(), (3000, 3000)).astype(np.uint8)
    files = [jpeg(large), cv2.imencode(".png", large)[1].tobytes(), PORTRAIT]
    here = [estimator.estimate(file).mean_years for file in files]
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        same = False
        try:
            same = [estimator.estimate(file).mean_years for file in files] == here
        finally:
            os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
