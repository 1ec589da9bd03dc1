"""The shipped estimator stops between its stages, and wipes what it holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import cv2
import pytest
from skimage.data import astronaut

from ageassure.deadline import Deadline
from ageassure.errors import CalledOffError, ConfigurationError, DeadlineError
from ageassure.estimators.facial import FacialAgeEstimator
from ageassure.estimators.facial import estimator as module
from ageassure.imaging import Frame, decode
from ageassure.inference import Model
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

PORTRAIT: bytes = cv2.imencode(".jpg", astronaut()[..., ::-1])[1].tobytes()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def estimator() -> FacialAgeEstimator:
    return FacialAgeEstimator()


class Stages:
    """Sees the stages of an assessment begin, and the frame that it makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.begun: list[str] = []
        self.owned: list[NDArray[Any]] = []
        self.at: Callable[[int], None] = lambda _: None
        run, own = Model.run, Frame.own

        def seen(model: Model, image: NDArray[np.float32]) -> Any:
            self.begun.append(model.manifest.id)
            self.at(len(self.begun))
            return run(model, image)

        def owned(frame: Frame, array: Any) -> Any:
            self.owned.append(array)
            return own(frame, array)

        def decoded(*arguments: Any, **options: Any) -> Frame:
            frame = decode(*arguments, **options)
            assert frame.pixels.any()
            return frame

        monkeypatch.setattr(Model, "run", seen)
        monkeypatch.setattr(Frame, "own", owned)
        monkeypatch.setattr(module, "decode", decoded)

    def wiped(self) -> bool:
        return bool(self.owned) and not any(array.any() for array in self.owned)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    return Stages(monkeypatch)


def test_every_network_is_a_stage_and_a_deadline_ends_before_the_next_one(
    estimator: FacialAgeEstimator, stages: Stages
) -> None:
    estimator.estimate(PORTRAIT)
    whole = stages.begun.copy()
    assert len(whole) >= 3
    for late in range(1, len(whole) + 1):
        stages.begun.clear()
        stages.owned.clear()
        stages.seconds = 0

        def moves(number: int, late: int = late) -> None:
            stages.seconds = 2 if number == late else stages.seconds

        stages.at = moves
        held = bytearray(PORTRAIT)
        with Deadline(1, clock=lambda: stages.seconds), pytest.raises(DeadlineError) as caught:
            estimator.estimate(held)
        assert caught.value.__context__ is None
        assert stages.begun == whole[:late]
        assert stages.wiped()
        assert not any(held)


def test_without_time_nothing_is_decoded(estimator: FacialAgeEstimator, stages: Stages) -> None:
    for seconds in (0, -1):
        held = bytearray(PORTRAIT)
        with pytest.raises(DeadlineError):
            estimator.estimate(held, timeout_seconds=seconds)
        assert not any(held)
    assert stages.owned == []


def test_with_time_enough_the_answer_is_the_same(estimator: FacialAgeEstimator) -> None:
    alone = estimator.estimate(PORTRAIT).mean_years
    assert estimator.estimate(PORTRAIT, timeout_seconds=600).mean_years == alone


def test_a_timeout_that_is_no_number_is_refused_and_the_file_wiped(
    estimator: FacialAgeEstimator,
) -> None:
    held = bytearray(PORTRAIT)
    with pytest.raises(ConfigurationError):
        estimator.estimate(held, timeout_seconds=float("nan"))
    assert not any(held)


def test_a_cancelled_task_ends_between_two_stages_with_everything_wiped(
    estimator: FacialAgeEstimator, stages: Stages
) -> None:
    held = bytearray(PORTRAIT)
    ended: list[BaseException] = []

    def estimate(evidence: bytearray) -> None:
        try:
            estimator.estimate(evidence)
        except CalledOffError as error:
            ended.append(error)
            raise

    async def cancel() -> None:
        task = asyncio.create_task(threads.run(estimate, held))
        loop = asyncio.get_running_loop()

        def cancels(number: int) -> None:
            if number == 2:
                asyncio.run_coroutine_threadsafe(called_off(task), loop).result(30)

        stages.at = cancels
        with pytest.raises(asyncio.CancelledError):
            await task

    async def called_off(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.sleep(0)  # the task runs, and calls the work off

    with AssessmentThreads(threads=1) as threads:
        asyncio.run(cancel())
    assert len(ended) == 1
    assert len(stages.begun) == 2
    assert stages.wiped()
    assert not any(held)
