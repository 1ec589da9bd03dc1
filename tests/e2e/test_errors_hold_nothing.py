"""From an error of the shipped estimator, with its traceback, no way leads to the picture.

Every object that can be reached from the error is looked at: frames and their variables, contexts,
attributes, containers. Modules, classes and functions are where the way ends.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import pickle
import re
import traceback
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.retention.cases import Case, cases
from ageassure.audit.retention.pictures import SMALL_PIXELS, Encoding, make_picture
from ageassure.audit.retention.stops import NOTHING, Stops
from ageassure.errors import AgeAssuranceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDS = (ModuleType, type, FunctionType, MethodType, CodeType)
RUN = 64


@pytest.fixture(scope="module")
def estimator() -> FacialAgeEstimator:
    return FacialAgeEstimator()


@pytest.fixture
def stops() -> Iterator[Stops]:
    sound = FacialPipeline.age_probabilities
    yield Stops()
    setattr(FacialPipeline, "age_probabilities", sound)  # noqa: B010 - mypy


def reachable(error: BaseException, beside: list[object]) -> Iterator[object]:
    """Everything that hangs on an error, but for what the test itself holds."""
    seen = {id(thing) for thing in beside}
    pending: list[object] = [error]
    while pending:
        thing = pending.pop()
        if id(thing) in seen or isinstance(thing, ENDS):
            continue
        seen.add(id(thing))
        yield thing
        if isinstance(thing, dict) and "__builtins__" in thing:
            continue  # a module's variables
        pending += gc.get_referents(thing)


def content(thing: object) -> bytes:
    if isinstance(thing, np.ndarray):
        return thing.tobytes()
    if isinstance(thing, bytes | bytearray):
        return bytes(thing)
    if isinstance(thing, memoryview):
        try:
            return thing.tobytes()
        except ValueError:  # released
            return b""
    return b""


def raised(
    case: Case, file: bytes, estimator: FacialAgeEstimator, stops: Stops
) -> tuple[BaseException, bytearray]:
    held = bytearray(case.altered(file))

    async def assess() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(threads.run(stops.limited(estimator.estimate), held))
        stops.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        await task

    stops.wanted = case.stop
    with AssessmentThreads(threads=1) as threads:
        try:
            asyncio.run(assess())
        except (AgeAssuranceError, asyncio.CancelledError) as error:
            return error, held
        finally:
            stops.wanted = NOTHING
    raise AssertionError


def shown_with_variables(error: BaseException) -> str:
    """As a logger shows an error that captures variables; without those of this file's frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown.stack[:] = [frame for frame in shown.stack if frame.filename != __file__]
    return "".join(shown.format())


REFUSED = [case for case in cases(Encoding.PNG, shipped=True) if case.wanted != "estimated"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: str(case.name))
def test_no_way_leads_from_an_error_to_the_picture(
    case: Case,
    estimator: FacialAgeEstimator,
    stops: Stops,
    caplog: pytest.LogCaptureFixture,
) -> None:
    picture = make_picture(case.scene, Encoding.PNG, SMALL_PIXELS, seed=11)
    caplog.set_level(logging.DEBUG)
    error, held = raised(case, picture.file, estimator, stops)
    assert getattr(error, "code", case.wanted) == case.wanted
    assert not any(held)
    own = [picture, picture.file, held, estimator, estimator._pipeline, case]
    for thing in reachable(error, own):
        found = content(thing)
        assert len(found) < RUN or not any(found), type(thing)
    text = shown_with_variables(error) + repr(error)
    assert repr(picture.file[100:116])[2:-1] not in text
    assert not re.search(r"\barray\(", text)
    logging.getLogger("a service").error("refused", exc_info=error)
    assert len(caplog.text) < 20_000
    if hasattr(error, "code"):
        assert len(pickle.dumps(error)) < 500


def test_the_search_finds_a_picture_that_hangs_on_an_error() -> None:
    picture = make_picture(REFUSED[0].scene, Encoding.PNG, SMALL_PIXELS, seed=12)

    def keeps() -> None:
        pixels = np.frombuffer(picture.file, np.uint8).copy()
        raise ValueError(len(pixels))

    with pytest.raises(ValueError, match=r"\d") as caught:
        keeps()
    found = [content(thing) for thing in reachable(caught.value, [picture, picture.file])]
    assert any(picture.file == one for one in found)


def test_a_picture_in_a_variable_would_be_shown() -> None:
    picture = make_picture(REFUSED[0].scene, Encoding.PNG, SMALL_PIXELS, seed=12)
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("1 / 0", "a service", "exec"), {}, {"body": picture.file})
    assert repr(picture.file[100:116])[2:-1] in shown_with_variables(caught.value)


def test_an_estimate_shows_pickles_and_copies_nothing(estimator: FacialAgeEstimator) -> None:
    scene = next(
        case.scene for case in cases(Encoding.PNG, shipped=True) if case.wanted == "estimated"
    )
    estimate: Any = estimator.estimate(make_picture(scene, Encoding.JPEG, 512, seed=13).file)
    assert repr(estimate) == "<AgeDistribution (content hidden)>"
    with pytest.raises(TypeError, match="personal data"):
        pickle.Pickler(io.BytesIO()).dump(estimate)
