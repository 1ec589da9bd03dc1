from __future__ import annotations

import gc
import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.datasets.places import ALTERED, UNREADABLE, PicturePlace
from ageassure.audit.degradation import Degradation
from ageassure.audit.prediction.assessing import (
    Answer,
    Assessor,
    Job,
    Showing,
)
from ageassure.audit.table import OK, P_OVER_YEARS
from ageassure.errors import (
    EvidenceError,
    FaceError,
    ModelIntegrityError,
    PredictionsError,
)
from ageassure.testing import StubEstimator, estimated_age, known_age

from ..manifests import picture

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.results import AgeEstimate


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = tmp_path / "a.png"
    path.write_bytes(picture(1))
    return Job(index=4, place=PicturePlace(file=str(path)))


class Seen:
    """Keeps what it was shown, as no estimator may."""

    def __init__(self) -> None:
        self.evidence: Any = None
        self.copy: Any = None

    def estimate(self, evidence: Any) -> AgeEstimate:
        self.evidence = evidence
        self.copy = evidence.copy() if isinstance(evidence, np.ndarray) else bytes(evidence)
        return estimated_age(20.5)


class Fails:
    def estimate(self, evidence: Any) -> AgeEstimate:
        raise RuntimeError(f"a message with {bytes(evidence)[:4]!r}")


def test_an_estimate_becomes_numbers(job: Job) -> None:
    ticks = iter((1.0, 1.25))
    assessor = Assessor(StubEstimator(estimated_age(18.5)), clock=lambda: next(ticks))
    assert assessor(job) == Answer(
        index=4,
        status=OK,
        estimated_age_years=18.5,
        p_over=(1.0, 1.0, 1.0, 0.0, 0.0, 0.0),
        latency_ms=250.0,
    )
    assert P_OVER_YEARS == (13, 16, 18, 20, 21, 25)


def test_a_refusal_becomes_its_code(job: Job) -> None:
    answer = Assessor(StubEstimator(FaceError("why", code="no_face")))(job)
    assert answer.status == "no_face"
    assert math.isnan(answer.estimated_age_years)
    assert answer.p_over == ()
    assert answer.latency_ms >= 0


def test_a_picture_that_is_not_there_has_a_status(job: Job, tmp_path: Path) -> None:
    stub = StubEstimator(estimated_age(18.5))
    gone = Job(index=0, place=PicturePlace(file=str(tmp_path / "none.png")))
    answer = Assessor(stub)(gone)
    assert answer.status == UNREADABLE
    assert math.isnan(answer.latency_ms)
    assert stub.calls == 0


def test_another_picture_than_the_one_stated_is_not_assessed(job: Job) -> None:
    stub = StubEstimator(estimated_age(18.5))
    assert Assessor(stub)(Job(index=0, place=job.place, sha256="0" * 64)).status == ALTERED
    assert stub.calls == 0
    good = hashlib.sha256(picture(1)).hexdigest()
    assert Assessor(stub)(Job(index=0, place=job.place, sha256=good)).status == OK


@pytest.mark.parametrize("border", [0, 8])
def test_what_was_shown_is_wiped(job: Job, border: int) -> None:
    seen = Seen()
    Assessor(seen, showing=Showing(border_pixels=border))(job)
    assert any(bytes(seen.copy))
    assert not any(bytes(seen.evidence))


def test_a_border_is_black_and_the_picture_in_its_middle(job: Job) -> None:
    plain, bordered = Seen(), Seen()
    Assessor(plain, showing=Showing(degradation=Degradation.BRIGHTNESS, level=1.0))(job)
    Assessor(bordered, showing=Showing(border_pixels=5))(job)
    assert bordered.copy.shape == (74, 74, 3)
    assert (bordered.copy[5:-5, 5:-5] == plain.copy).all()
    bordered.copy[5:-5, 5:-5] = 0
    assert not bordered.copy.any()


def test_a_picture_is_made_worse_before_the_border(job: Job) -> None:
    seen = Seen()
    dark = Showing(border_pixels=5, degradation=Degradation.BRIGHTNESS, level=0.5)
    Assessor(seen, showing=dark)(job)
    assert seen.copy[5:-5, 5:-5].max() == 128
    assert not seen.copy[:5].any()


def test_a_picture_that_cannot_be_decoded_is_refused_with_a_border_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    job = Job(index=0, place=PicturePlace(file=str(tmp_path / "a.png")))
    answer = Assessor(StubEstimator(estimated_age(1)), showing=Showing(border_pixels=1))(job)
    assert answer.status == "picture_unsupported"


def test_another_failure_ends_the_run_and_keeps_no_picture(job: Job) -> None:
    with pytest.raises(PredictionsError, match=r"row 5 of the manifest: .* RuntimeError") as caught:
        Assessor(Fails())(job)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    trace = caught.value.__traceback__
    while trace is not None:
        kept = [v for v in trace.tb_frame.f_locals.values() if isinstance(v, bytearray)]
        assert not kept
        trace = trace.tb_next
    gc.collect()


class Gives:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def estimate(self, evidence: Any) -> Any:
        assert evidence
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [None, 20.5, {"mean_years": 20.5}])
def test_what_is_no_estimate_ends_the_run(job: Job, answer: Any) -> None:
    with pytest.raises(PredictionsError, match="the estimator gave no AgeEstimate"):
        Assessor(Gives(answer))(job)


@pytest.mark.parametrize("code", ["ok", "picture_unreadable", "picture_altered", "No face", "a,b"])
def test_a_refusal_must_have_a_code_of_its_own(job: Job, code: str) -> None:
    class OtherError(EvidenceError):
        codes = frozenset({code})

    with pytest.raises(PredictionsError, match="refuses with a code that is no status"):
        Assessor(Gives(OtherError("why")))(job)


def test_a_broken_model_ends_the_run(job: Job) -> None:
    broken = StubEstimator(ModelIntegrityError("the network's output is not finite"))
    with pytest.raises(PredictionsError, match=r"not finite.*model_integrity"):
        Assessor(broken)(job)


def test_an_interval_has_no_estimated_age(job: Job) -> None:
    with pytest.raises(PredictionsError, match="states intervals"):
        Assessor(StubEstimator(known_age(18)))(job)
