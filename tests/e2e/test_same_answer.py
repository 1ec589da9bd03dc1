"""The answer depends on the picture alone: not on graph optimisation, threads or batch size."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from skimage.data import astronaut

from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.raw import CLASS_YEARS
from ageassure.imaging import Frame, decode
from ageassure.inference import session

if TYPE_CHECKING:
    from numpy.typing import NDArray

YEARS = 1e-4
LEVELS = [
    level for name, level in vars(onnxruntime.GraphOptimizationLevel).items() if "ORT_" in name
]


@cache
def pictures() -> dict[str, bytes]:
    portrait = astronaut()[..., ::-1]  # type: ignore[no-untyped-call]
    small = cv2.resize(portrait, (300, 260), interpolation=cv2.INTER_AREA)
    matrix = cv2.getRotationMatrix2D((226, 125), 15, 1)
    turned = cv2.warpAffine(portrait, matrix, (512, 512))
    return {
        "jpeg": cv2.imencode(".jpg", portrait)[1].tobytes(),
        "png": cv2.imencode(".png", small)[1].tobytes(),
        "webp": cv2.imencode(".webp", cv2.flip(portrait, 1))[1].tobytes(),
        "off centre": cv2.imencode(".png", portrait[40:400, 100:500])[1].tobytes(),
        "turned": cv2.imencode(".png", turned)[1].tobytes(),
    }


def answers() -> dict[str, float]:
    estimator = FacialAgeEstimator()
    return {name: estimator.estimate(file).mean_years for name, file in pictures().items()}


@cache
def usual() -> dict[str, float]:
    return answers()


def changed(**members: object) -> Any:
    sound = session._options

    def options() -> Any:
        made = sound()
        for name, value in members.items():
            setattr(made, name, value)
        return made

    return options


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: str(level.name))
def test_every_graph_optimisation_level(level: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = usual()
    monkeypatch.setattr(session, "_options", changed(graph_optimization_level=level))
    assert answers() == pytest.approx(expected, abs=YEARS)


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_every_number_of_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = usual()
    monkeypatch.setattr(session, "_options", changed(intra_op_num_threads=threads))
    assert answers() == pytest.approx(expected, abs=YEARS)


def test_every_batch_size() -> None:
    chips: list[NDArray[np.float32]] = []
    pipeline = FacialAgeEstimator()._pipeline
    sound = pipeline.age_probabilities

    def seen(frame: Frame, chip: NDArray[np.float32]) -> NDArray[np.float64]:
        chips.append(chip.copy())
        return sound(frame, chip)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "age_probabilities", seen)
        for file in pictures().values():
            with decode(file) as frame:
                pipeline.raw(frame)
    network = pipeline._age
    inputs = np.stack([network.normalised(chip) for chip in chips])
    alone = np.concatenate([network.run(one[None])[0] for one in inputs]) @ CLASS_YEARS
    for size in (2, 3, 5, 8, 16):
        batch = np.resize(inputs, (size, *inputs.shape[1:]))
        (together,) = network.run(batch)
        assert together @ CLASS_YEARS == pytest.approx(np.resize(alone, size), abs=YEARS)


def test_the_pictures_are_told_apart() -> None:
    found = list(usual().values())
    assert len({round(years, 3) for years in found}) == len(found)
