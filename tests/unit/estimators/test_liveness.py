"""The liveness slot, filled with a network made here."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from skimage.data import astronaut

from ageassure.errors import (
    ConfigurationError,
    EvidenceError,
    FaceError,
    ModelIntegrityError,
    PresentationAttackError,
)
from ageassure.estimators import FacialAgeEstimator, LivenessCheck
from ageassure.estimators.facial.mesh import Face
from ageassure.imaging import Frame
from ageassure.policy import Binding, Policy, PresentationAttackRule
from ageassure.results import Direction, MethodClass, PresentationAttack

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 16


def network(*, softmax: bool = False, scale: float = 10.0, classes: int = 3) -> bytes:
    """Logits of the classes: ``scale`` × the mean of all channels, then zeros."""
    weights = np.zeros((3, classes), dtype=np.float32)
    weights[:, 1] = scale / 3
    nodes = [
        helper.make_node("ReduceMean", ["face"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["scores" if not softmax else "raw"]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", ["raw"], ["scores"], axis=1))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


MANIFEST: dict[str, Any] = {
    "schema": 1,
    "id": "tiny-liveness",
    "role": "presentation-attack",
    "intended_use": "Tests.",
    "not_for": ["anything else"],
    "known_limits": ["It knows bright from dark."],
    "file": {"name": "onnx"},
    "source": {"origin": "made by the test"},
    "licence": {"spdx": "Apache-2.0", "attribution": "-", "url": "-", "changes": "none"},
    "cost": {"macs": 9, "milliseconds": 0.1, "measured_on": "nothing"},
    "input": {
        "name": "face",
        "dtype": "float32",
        "shape": [1, 3, SIDE, SIDE],
        "colour_order": "BGR",
        "mean": [127.5, 127.5, 127.5],
        "divisor": 127.5,
        "fit": {"kind": "face-square", "scale": 1.5, "border_byte": 0},
    },
    "output": [
        {
            "name": "scores",
            "source_name": "scores",
            "dtype": "float32",
            "shape": [1, 3],
            "meaning": "Logits.",
        }
    ],
    "liveness": {
        "classes": ["print", "live", "replay"],
        "live": "live",
        "bar": 0.9,
        "values": "logits",
    },
}


def manifest(changes: dict[tuple[str, ...], Any] | None = None) -> dict[str, Any]:
    """The manifest with entries changed, each by its path; None takes one away."""
    values: Any = copy.deepcopy(MANIFEST)
    for path, value in (changes or {}).items():
        place: Any = values
        for key in path[:-1]:
            place = place[int(key) if isinstance(place, list) else key]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    found: dict[str, Any] = values
    return found


def written(folder: Path, data: bytes, values: dict[str, Any]) -> str:
    """Write both files; returns the manifest's digest."""
    values["file"] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "onnx").write_bytes(data)
    text = "\n".join([*_lines(values, "")]).encode()
    (folder / "model.toml").write_bytes(text)
    return hashlib.sha256(text).hexdigest()


def _lines(values: dict[str, Any], where: str) -> list[str]:
    """The little TOML that manifests need: scalars and lists first, then tables."""
    plain = {k: v for k, v in values.items() if not isinstance(v, dict) and k != "output"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += [f"[{where}{key}]", *_lines(value, f"{where}{key}.")]
    for output in values.get("output", []):
        lines += ["[[output]]", *_lines(output, "")]
    return lines


def supplied(
    folder: Path, changes: dict[tuple[str, ...], Any] | None = None, **options: Any
) -> LivenessCheck:
    digest = written(folder, network(**options), manifest(changes))
    return LivenessCheck.supplied(folder, manifest_sha256=digest)


def face(left: float, top: float, side: float) -> Face:
    """Points on the edge of a square."""
    ticks = np.linspace(0, side, 468)
    points = np.column_stack([left + ticks, top + ticks[::-1]])
    return Face(points=points, depths=np.zeros(468), score=1.0, side=side, gap=0.0)


def passes(check: LivenessCheck, pixels: NDArray[np.uint8], where: Face) -> bool:
    with Frame(pixels.copy()) as frame:
        try:
            check.check(frame, where)
        except PresentationAttackError:
            return False
    return True


def grey(level: int, size: int = 100) -> NDArray[np.uint8]:
    return np.full((size, size, 3), level, dtype=np.uint8)


MIDDLE = face(40, 40, 20)


def test_the_live_class_decides(tmp_path: Path) -> None:
    check = supplied(tmp_path)
    assert passes(check, grey(255), MIDDLE)
    assert not passes(check, grey(0), MIDDLE)
    assert not passes(check, grey(128), MIDDLE)  # three equal classes: a third each
    other = supplied(tmp_path, {("liveness", "live"): "print"})
    assert not passes(other, grey(255), MIDDLE)


def test_the_bar_decides(tmp_path: Path) -> None:
    # Logits 2, 0, 0 on white: the live class has 0.787.
    bars = {0.78: True, 0.79: False}
    for bar, expected in bars.items():
        check = supplied(tmp_path, {("liveness", "bar"): bar}, scale=2.0)
        assert passes(check, grey(255), MIDDLE) is expected


def test_probabilities_are_taken_as_they_are(tmp_path: Path) -> None:
    changes: dict[tuple[str, ...], Any] = {("liveness", "values"): "probabilities"}
    check = supplied(tmp_path, changes, softmax=True)
    assert passes(check, grey(255), MIDDLE)
    assert not passes(check, grey(0), MIDDLE)
    for scale in (10.0, -10.0):  # a sum other than 1; a negative one
        wrong = supplied(tmp_path, changes, scale=scale)
        with pytest.raises(ModelIntegrityError, match="no probabilities"):
            passes(wrong, grey(200), MIDDLE)


@pytest.mark.parametrize(("scale", "expected"), [(1.0, True), (3.0, False)])
def test_the_crop_is_as_large_as_the_manifest_says(
    tmp_path: Path, scale: float, expected: bool
) -> None:
    # A bright face in the dark: three times its side is dark on the mean.
    pixels = grey(0)
    pixels[40:61, 40:61] = 255
    check = supplied(tmp_path, {("input", "fit", "scale"): scale})
    assert passes(check, pixels, MIDDLE) is expected


@pytest.mark.parametrize(("border", "expected"), [(255, True), (0, False)])
def test_outside_the_picture_is_the_border(tmp_path: Path, border: int, expected: bool) -> None:
    check = supplied(tmp_path, {("input", "fit", "border_byte"): border})
    for where in (face(-500, -500, 20), face(-25, 40, 30), face(40, 95, 30)):
        assert passes(check, grey(255), where) is expected
    assert passes(check, grey(255), MIDDLE)


def test_a_crop_far_larger_than_the_picture_costs_no_memory(tmp_path: Path) -> None:
    check = supplied(tmp_path, {("input", "fit", "scale"): 10.0})
    assert not passes(check, grey(255), face(-1e5, -1e5, 2e5))


def test_the_channels_come_in_the_order_that_the_manifest_says(tmp_path: Path) -> None:
    from ageassure.inference import load_supplied_model

    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    pixels[..., 0] = 255
    for order, first in (("RGB", 1.0), ("BGR", -1.0)):
        values = manifest({("input", "colour_order"): order})
        digest = written(tmp_path, network(), values)
        model = load_supplied_model(tmp_path, manifest_sha256=digest)
        assert model.normalised(pixels)[0].max() == first


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, None, b"0" * 64])
def test_what_is_no_digest_is_refused(tmp_path: Path, digest: Any) -> None:
    with pytest.raises(ConfigurationError):
        LivenessCheck.supplied(tmp_path, manifest_sha256=digest)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError):
        LivenessCheck.supplied(tmp_path, manifest_sha256="0" * 64)
    digest = written(tmp_path, network(), manifest())
    assert supplied(tmp_path).manifest_sha256 == digest
    with pytest.raises(ModelIntegrityError, match="not the one"):
        LivenessCheck.supplied(tmp_path, manifest_sha256="0" * 64)
    (tmp_path / "onnx").write_bytes(network(scale=3.0))
    with pytest.raises(ModelIntegrityError, match="not the one"):
        LivenessCheck.supplied(tmp_path, manifest_sha256=digest)


HOSTILE: list[tuple[dict[tuple[str, ...], Any], str]] = [
    ({("liveness",): None, ("age",): {}, ("role",): "age-network"}, "role"),
    ({("liveness", "bar"): 0.0}, "bar"),
    ({("liveness", "bar"): 1.0}, "bar"),
    ({("liveness", "bar"): 1}, "bar"),
    ({("liveness", "bar"): None}, "entries in"),
    ({("liveness", "more"): 1}, "entries in"),
    ({("liveness", "live"): "alive"}, "live class"),
    ({("liveness", "live"): ["live"]}, "live class"),
    ({("liveness", "classes"): "live"}, "list of names"),
    ({("liveness", "classes"): [1, 2, 3]}, "list of names"),
    ({("liveness", "classes"): ["live", "print"]}, "2 classes"),
    ({("liveness", "classes"): ["live", "live", "print"]}, "classes"),
    ({("liveness", "values"): "scores"}, "other values"),
    ({("liveness", "values"): ["logits"]}, "other values"),
    ({("input", "fit", "kind"): "letterbox"}, "kind"),
    ({("input", "fit", "more"): 1}, "kind"),
    ({("input", "fit", "scale"): 0.5}, "scale"),
    ({("input", "fit", "scale"): 11.0}, "scale"),
    ({("input", "fit", "scale"): 2}, "scale"),
    ({("input", "fit", "border_byte"): 256}, "border_byte"),
    ({("input", "fit", "border_byte"): True}, "border_byte"),
    ({("input", "shape"): [1, 3, 16, 8]}, "input|output"),
    ({("input", "shape"): [1, 3, 4096, 4096]}, "input|output"),
    ({("input", "shape"): [2, 3, 16, 16]}, "input|output"),
    ({("input", "shape"): [1, 1, 16, 16]}, "input|output"),
    ({("input", "shape"): [3, 16, 16]}, "input|output"),
    ({("input", "divisor"): 0.0}, "divisor"),
    ({("input", "divisor"): -1.0}, "divisor"),
    ({("input", "colour_order"): "GRB"}, "colour order"),
    ({("output", "0", "shape"): [3]}, "output"),
    ({("output", "0", "shape"): [1, 1]}, "output"),
    ({("output", "0", "shape"): [1, 65]}, "output"),
]


@pytest.mark.parametrize(("changes", "complaint"), HOSTILE)
def test_a_manifest_that_makes_no_sense_is_refused(
    tmp_path: Path, changes: dict[tuple[str, ...], Any], complaint: str
) -> None:
    with pytest.raises(ModelIntegrityError, match=complaint):
        supplied(tmp_path, changes)


def manifest_only(changes: dict[tuple[str, ...], Any]) -> LivenessCheck:
    """Checked against the manifest alone, as if the network were what it declares."""
    from types import SimpleNamespace

    from ageassure.inference import ModelManifest

    values = manifest(changes)
    values["file"] |= {"bytes": 1, "sha256": "0" * 64}
    text = "\n".join(_lines(values, "")).encode()
    model: Any = SimpleNamespace(manifest=ModelManifest.from_toml(text))
    return LivenessCheck(model, manifest_sha256="0" * 64)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({("input", "shape"): [1, 3, 16, 8]}, "got an input of"),
        ({("input", "shape"): [1, 3, 2048, 2048]}, "got an input of"),
        ({("input", "shape"): ["B", 3, 16, 16]}, "got an input of"),
        ({("input", "shape"): [1, 4, 16, 16]}, "got an input of"),
        ({("input", "shape"): [3, 16, 16]}, "got an input of"),
        ({("input", "shape"): [1, 3, "H", "H"]}, "got an input of"),
        ({("output", "0", "shape"): [3]}, "got an output of"),
        ({("output", "0", "shape"): [1, "N"]}, "got an output of"),
        ({("output", "0", "shape"): [2, 3]}, "got an output of"),
        ({("output", "0", "shape"): [1, 65]}, "got an output of"),
    ],
)
def test_shapes_are_bounded_before_anything_runs(
    changes: dict[tuple[str, ...], Any], complaint: str
) -> None:
    with pytest.raises(ModelIntegrityError, match=complaint):
        manifest_only(changes)


def test_a_free_batch_is_taken() -> None:
    manifest_only({("input", "shape"): ["N", 3, 16, 16], ("output", "0", "shape"): ["N", 3]})


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    digest = written(tmp_path, b"no network", manifest())
    with pytest.raises(ModelIntegrityError, match="cannot load"):
        LivenessCheck.supplied(tmp_path, manifest_sha256=digest)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    check = supplied(tmp_path, scale=float("inf"))
    with pytest.raises(ModelIntegrityError, match="not finite"):
        passes(check, grey(255), MIDDLE)


def portrait(light: float = 1.0) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    changed: NDArray[np.uint8] = np.minimum(pixels * light, 255).astype(np.uint8)
    return changed


ACCEPTING: dict[tuple[str, ...], Any] = {("liveness", "bar"): 0.001}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> FacialAgeEstimator:
    check = supplied(tmp_path_factory.mktemp("pad"), ACCEPTING)
    return FacialAgeEstimator(liveness=check)


def test_the_estimate_says_what_was_done(filled: FacialAgeEstimator) -> None:
    empty = FacialAgeEstimator()
    with_check, without = (each.estimate(portrait()) for each in (filled, empty))
    assert with_check.presentation_attack is PresentationAttack.PASSED
    assert without.presentation_attack is PresentationAttack.NOT_EVALUATED
    assert with_check.mean_years == without.mean_years


def test_the_bars_of_the_pipeline_hold_with_a_check(filled: FacialAgeEstimator) -> None:
    assert filled.pipeline_digest == FacialAgeEstimator().pipeline_digest
    policy = Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.ESTIMATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.EVALUATED,
        over=filled.challenge_age(18, alpha=0.05),
        under=None,
        session_alpha=0.05,
        max_attempts=1,
    )
    empty = policy.decide(FacialAgeEstimator().estimate(portrait()))
    assert empty.reasons == ("presentation_attack_not_evaluated",)
    (reason,) = policy.decide(filled.estimate(portrait())).reasons
    assert reason in {"challenge_age_reached", "challenge_age_not_reached"}


def test_an_attack_is_refused_before_the_age_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ageassure.estimators.facial.pipeline import FacialPipeline

    def asked(*_: object) -> None:
        raise AssertionError

    estimator = FacialAgeEstimator(liveness=supplied(tmp_path, {("liveness", "bar"): 0.999}))
    monkeypatch.setattr(FacialPipeline, "age_probabilities", asked)
    with pytest.raises(PresentationAttackError) as caught:
        estimator.estimate(portrait())
    error = caught.value
    assert not any(character.isdigit() for character in str(error))
    assert (error.__context__, error.__cause__) == (None, None)
    assert pickle.loads(pickle.dumps(error)).code == "presentation_attack"


class _OwnError(PresentationAttackError):
    """Of an operator's own check: with another constructor, and with the picture."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        super().__init__("a screen")
        self.pixels = pixels


class _BareError(PresentationAttackError):
    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        Exception.__init__(self, pixels)


class _MuteError(_OwnError):
    def __str__(self) -> str:
        raise ValueError(self.pixels)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (_OwnError, "presentation_attack"),
        (_BareError, "evidence"),
        (_MuteError, "evidence"),
        (ValueError, "evidence"),
    ],
)
def test_of_what_a_check_of_ones_own_raises_nothing_but_the_code_is_kept(
    made: type[Exception], code: str, filled: FacialAgeEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = portrait()
    watch = weakref.ref(pixels)
    given = [pixels]
    del pixels

    def check(_: LivenessCheck, frame: Frame, face: Face) -> None:
        raise made(given.pop())

    monkeypatch.setattr(LivenessCheck, "check", check)
    with pytest.raises(EvidenceError) as caught:
        filled.estimate(given[0])
    error = caught.value
    assert type(error) in {EvidenceError, PresentationAttackError}
    assert error.code == code
    assert (error.__context__, error.__cause__) == (None, None)
    assert watch() is None


def test_a_poor_picture_is_refused_before_the_check(
    filled: FacialAgeEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(LivenessCheck, "check", asked)
    with pytest.raises(EvidenceError) as caught:
        filled.estimate(portrait(0.1))
    assert caught.value.code == "picture_dark"
    with pytest.raises(FaceError):
        filled.estimate(np.zeros_like(portrait()))
