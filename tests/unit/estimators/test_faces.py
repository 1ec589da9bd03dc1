"""Which faces count: the detectors' arithmetic and the rules around them, on scripted networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from ageassure.errors import FaceError
from ageassure.estimators.facial.detection import find_faces
from ageassure.estimators.facial.faces import MAX_CANDIDATES, FaceFinder, only_face
from ageassure.estimators.facial.mesh import Face, face_mesh, mesh_region
from ageassure.imaging import Frame
from ageassure.inference import Model, load_manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVEN = 2 * (8 * 16 + 8)
"""Anchor of the 16 × 16 grid whose cell's centre is at 8.5/16 of both sides."""


class Scripted:
    """Stands for a network: keeps what it is shown and gives what it was told."""

    normalised = Model.normalised

    def __init__(self, model_id: str, *answers: list[NDArray[np.float32]]) -> None:
        self.manifest = load_manifest(model_id)
        self._mean = np.array(self.manifest.mean, dtype=np.float32)[:, None, None]
        self._factor = np.float32(1 / self.manifest.divisor)
        self.answers = list(answers)
        self.seen: list[NDArray[np.float32]] = []

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        self.seen.append(image.copy())
        return self.answers[min(len(self.seen), len(self.answers)) - 1]

    @property
    def model(self) -> Model:
        return cast("Model", self)


def detections(*faces: tuple[int, float, float, float]) -> list[NDArray[np.float32]]:
    """An answer: anchor, logit, side in input pixels, shift of everything in input pixels."""
    boxes = np.zeros((1, 896, 16), dtype=np.float32)
    logits = np.full((1, 896), -20, dtype=np.float32)
    for anchor, logit, side, shift in faces:
        boxes[0, anchor] = shift
        boxes[0, anchor, 2:4] = side
        boxes[0, anchor, 4] = shift - side / 5
        boxes[0, anchor, 6] = shift + side / 5
        logits[0, anchor] = logit
    return [boxes, logits]


def meshes(logit: float) -> list[NDArray[np.float32]]:
    points = np.zeros((1, 468, 3), dtype=np.float32)
    points[0, :, 0] = np.linspace(20, 170, 468)
    points[0, :, 1] = np.linspace(30, 150, 468)
    return [points, np.array([[logit]], dtype=np.float32)]


def picture(height: int, width: int) -> Frame:
    return Frame(np.full((height, width, 3), 255, dtype=np.uint8))


def test_a_place_in_the_input_becomes_its_place_in_the_picture() -> None:
    network = Scripted("blazeface-128", detections((EVEN, 3, 40, 0)))
    with picture(320, 640) as frame:
        (face,) = find_faces(frame, network.model)
    # 640 × 320 becomes 128 × 64 with bars of 32; 8.5/16 of 128 is 68; 4 + 36 pixels beyond the
    # middle of bars and picture. Places count from the first pixel's centre.
    np.testing.assert_allclose(face.centre, [68 * 5 - 0.5, (68 - 32) * 5 - 0.5])
    np.testing.assert_allclose(face.size, [200, 200])
    np.testing.assert_allclose(face.points[0], [60 * 5 - 0.5, (68 - 32) * 5 - 0.5])
    np.testing.assert_allclose(face.points[1], [76 * 5 - 0.5, (68 - 32) * 5 - 0.5])
    assert face.score == pytest.approx(1 / (1 + np.exp(-3)))
    (image,) = network.seen
    assert image.shape == (1, 3, 128, 128)
    assert (image[0, :, :32] == -1).all()
    assert (image[0, :, 96:] == -1).all()
    np.testing.assert_allclose(image[0, :, 32:96], 1, atol=1e-6)


@pytest.mark.parametrize(
    ("height", "width", "ratio"), [(64, 64, 0.5), (128, 128, 1), (900, 300, 7.05), (961, 961, 7.5)]
)
def test_every_size_of_picture_is_mapped_back(height: int, width: int, ratio: float) -> None:
    network = Scripted("blazeface-128", detections((EVEN, 3, 40, 0)))
    with picture(height, width) as frame:
        (face,) = find_faces(frame, network.model)
    middle = np.array([width, height]) / 2
    np.testing.assert_allclose(face.centre, middle + 4 * ratio, atol=0.03 * max(height, width))
    np.testing.assert_allclose(face.size, 40 * ratio, rtol=0.03)


def test_boxes_of_one_face_are_averaged_by_their_scores() -> None:
    answer = detections((EVEN, 2.0, 40, 0), (EVEN + 1, 0.5, 40, 4))
    with picture(128, 128) as frame:
        (face,) = find_faces(frame, Scripted("blazeface-128", answer).model)
    scores = 1 / (1 + np.exp(-np.array([2.0, 0.5])))
    np.testing.assert_allclose(face.centre, 68 + 4 * scores[1] / scores.sum() - 0.5, rtol=1e-6)
    assert face.score == pytest.approx(scores[0])


def test_boxes_apart_are_faces_apart_and_the_largest_comes_first() -> None:
    answer = detections((0, 5, 10, 0), (EVEN, 1, 40, 0), (510, 3, 20, 0), (300, -0.01, 60, 0))
    with picture(128, 128) as frame:
        faces = find_faces(frame, Scripted("blazeface-128", answer).model)
    assert [face.side for face in faces] == [40, 20, 10]


def test_a_box_without_extent_is_harmless() -> None:
    answer = detections((EVEN, 5, 0, 0), (EVEN + 1, 4, 0, 0))
    with picture(128, 128) as frame:
        assert len(find_faces(frame, Scripted("blazeface-128", answer).model)) == 2


def test_the_mesh_sees_an_upright_square_around_the_face() -> None:
    answer = detections((EVEN, 3, 40, 0))
    answer[0][0, EVEN, 4:8] = [0, -5, 0, 5]  # the left eye straight below the right eye
    network = Scripted("face-mesh-468", meshes(4))
    with picture(128, 128) as frame:
        (found,) = find_faces(frame, Scripted("blazeface-128", answer).model)
        region = mesh_region(found)
        face = face_mesh(frame, found, network.model)
    assert region.scale == pytest.approx(60 / 192)
    assert np.angle(region.factor) == pytest.approx(np.pi / 2)
    # The network counts from the corner of the first pixel: x = 20 there is 19.5 here.
    middle = 192 / 2
    expected = found.centre + 60 / 192 * np.array([-(30 - middle), 20 - middle])
    np.testing.assert_allclose(face.points[0], expected, atol=0.26)
    assert face.score == pytest.approx(1 / (1 + np.exp(-4)))
    assert face.side == 40


def test_noise_of_the_detector_ends_at_the_mesh() -> None:
    regions = []
    for noise in (0, 1e-5):
        answer = detections((EVEN, 3, 40.1, 0.1 + noise))
        answer[0][0, EVEN, 5] += 1 + noise
        with picture(333, 500) as frame:
            (found,) = find_faces(frame, Scripted("blazeface-128", answer).model)
            regions.append(mesh_region(found))
    assert regions[0] == regions[1]


def finder(
    near: list[NDArray[np.float32]], far: list[NDArray[np.float32]], *logits: float
) -> tuple[FaceFinder, list[Scripted]]:
    networks = [
        Scripted("blazeface-128", near),
        Scripted("blazeface-256", far),
        Scripted("face-mesh-468", *(meshes(logit) for logit in logits)),
    ]
    return FaceFinder(
        near=networks[0].model, far=networks[1].model, mesh=networks[2].model
    ), networks


FACE = detections((EVEN, 3, 40, 0))
NOBODY = detections()


@pytest.mark.parametrize(
    ("near", "far", "logits", "found", "calls"),
    [
        (FACE, FACE, [4.0], 1, (1, 0, 1)),
        (NOBODY, FACE, [4.0], 1, (1, 1, 1)),
        (FACE, FACE, [-4.0, 4.0], 1, (1, 1, 2)),
        (FACE, NOBODY, [-4.0], 0, (1, 1, 1)),
        (NOBODY, NOBODY, [4.0], 0, (1, 1, 0)),
        (FACE, NOBODY, [0.0], 1, (1, 0, 1)),
    ],
)
def test_the_far_detector_is_asked_where_the_mesh_confirms_none(
    near: list[NDArray[np.float32]],
    far: list[NDArray[np.float32]],
    logits: list[float],
    found: int,
    calls: tuple[int, ...],
) -> None:
    face_finder, networks = finder(near, far, *logits)
    with picture(128, 128) as frame:
        assert len(face_finder.find(frame)) == found
    assert tuple(len(network.seen) for network in networks) == calls


def test_the_mesh_is_asked_about_the_largest_few_only() -> None:
    crowd = detections(*((anchor, 3, 6, 0) for anchor in range(0, 500, 20)))
    face_finder, networks = finder(crowd, NOBODY, 4.0)
    with picture(128, 128) as frame:
        assert len(face_finder.find(frame)) == MAX_CANDIDATES
    assert len(networks[2].seen) == MAX_CANDIDATES


def face(side: float) -> Face:
    return Face(points=np.zeros((468, 2)), depths=np.zeros(468), score=1.0, side=side, gap=0.0)


def test_one_face_is_the_one() -> None:
    alone = face(100)
    assert only_face([alone]) is alone


def test_a_small_face_behind_does_not_count() -> None:
    assert only_face([face(100), face(39), face(10)]).side == 100


@pytest.mark.parametrize(
    ("sides", "code"), [([], "no_face"), ([100, 40], "several_faces"), ([9, 9, 9], "several_faces")]
)
def test_no_face_and_several_are_refused(sides: list[float], code: str) -> None:
    with pytest.raises(FaceError) as caught:
        only_face([face(side) for side in sides])
    assert caught.value.code == code


def test_the_eyes_distance_is_taken_between_their_middles() -> None:
    points = np.zeros((468, 2))
    points[[33, 133, 362, 263]] = [[0, 0], [10, 0], [30, 0], [40, 0]]
    found = Face(points=points, depths=np.zeros(468), score=1.0, side=1.0, gap=0.0)
    assert found.eye_distance == 30


def test_a_face_shows_nothing_of_itself() -> None:
    values: list[Any] = [face(123)]
    with picture(128, 128) as frame:
        values += find_faces(frame, Scripted("blazeface-128", FACE).model)
    assert not any(character.isdigit() for value in values for character in repr(value)[:-20])
