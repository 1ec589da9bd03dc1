"""What every estimator is given, and what has to become of it: one case for each refusal code.

The list derives from the codes that exist. A code for which there is a picture is refused for what
the picture shows, or for what was done to its file; any other is raised inside the pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ageassure.audit.retention.given import Given
from ageassure.audit.retention.pictures import VARIANTS, Encoding
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.stops import (
    CALLED_OFF,
    DEADLINE,
    DEFECT,
    DONE,
    FAULT,
    NOTHING,
    REFUSAL_CODES,
)
from ageassure.estimators.facial.pipeline import LONG_SIDE_PIXELS
from ageassure.imaging import decode
from ageassure.imaging.header import MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to be tried.

    Attributes:
        wanted: The outcome: :data:`~.stops.DONE`, or a code.
        scene: What the picture shows.
        altered: Makes what is sent out of the picture's file.
        stop: What the pipeline is to do, one of :data:`~.stops.STOPS`.
        given: How it is handed over.
    """

    wanted: str
    scene: Scene
    altered: Callable[[bytes], bytes]
    stop: str = NOTHING
    given: Given = Given.FILE

    @property
    def name(self) -> str:
        """For tables."""
        name = self.stop or self.wanted
        return name if self.given is Given.FILE else f"{name}, {self.given}"


def _as_it_is(file: bytes) -> bytes:
    return file


def _cut_short(file: bytes) -> bytes:
    return file[: len(file) * 3 // 4]


def _swollen(file: bytes) -> bytes:
    return file.ljust(MAX_FILE_BYTES + 1, b"\0")


def _as_pixels(file: bytes) -> bytes:
    """As the pipeline would decode it, so that what it makes of them is what is searched for."""
    with decode(file, long_side_pixels=LONG_SIDE_PIXELS) as frame:
        return frame.pixels.tobytes()


def _under_a_false_name(file: bytes) -> bytes:
    return b"GIF89a" + file[6:]


_BY_SCENE: Final = {
    DONE: Scene.ONE_FACE,
    "no_face": Scene.NO_FACE,
    "several_faces": Scene.TWO_FACES,
    "face_too_small": Scene.SMALL_FACE,
    "face_unclear": Scene.TURNED_FACE,
    "picture_dark": Scene.DARK,
    "picture_burnt_out": Scene.BURNT_OUT,
    "picture_blurred": Scene.BLURRED,
}
_BY_FILE: Final = {
    "picture_malformed": _cut_short,
    "picture_too_large": _swollen,
    "picture_unsupported": _under_a_false_name,
}


def cases(encoding: Encoding, *, shipped: bool) -> tuple[Case, ...]:
    """Every case for a kind of file, those of one scene next to each other.

    Args:
        encoding: Of a variant, only what is estimated.
        shipped: Whether for the shipped estimator; an estimator of your own cannot be made to stop
            from outside, and what it makes of a picture, and whether it takes more than a file, is
            its own matter.
    """
    if encoding in VARIANTS:
        return (_case(DONE),)
    found = [_case(wanted) for wanted in (DONE, *REFUSAL_CODES)]
    found += [_stopped(wanted) for wanted in (DEADLINE, CALLED_OFF)]
    found.append(_stopped(DEFECT, stop=FAULT))
    if shipped:
        found += [replace(found[0], given=Given.PAIR)]
        found += [replace(found[0], given=Given.PIXELS, altered=_as_pixels)]
    order = list(Scene)
    found.sort(key=lambda case: order.index(case.scene))
    return tuple(case for case in found if shipped or not case.stop)


def _case(wanted: str) -> Case:
    if wanted in _BY_SCENE:
        return Case(wanted=wanted, scene=_BY_SCENE[wanted], altered=_as_it_is)
    if wanted in _BY_FILE:
        return Case(wanted=wanted, scene=Scene.ONE_FACE, altered=_BY_FILE[wanted])
    return _stopped(wanted)


def _stopped(wanted: str, *, stop: str | None = None) -> Case:
    return Case(wanted=wanted, scene=Scene.ONE_FACE, altered=_as_it_is, stop=stop or wanted)
