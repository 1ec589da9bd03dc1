"""The committed model files: manifests, digests, licences, and the package that holds them."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.inference.manifest import ModelManifest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "models"
FOLDERS = sorted(path.parent for path in MODELS.glob("*/model.toml"))

SOURCE_KEYS = {
    "package",
    "version",
    "wheel",
    "wheel_sha256",
    "member",
    "member_bytes",
    "member_sha256",
    "origin",
    "conversion",
}
TRAINED_KEYS = {
    "training",
    "starts_from",
    "starts_from_sha256",
    "data",
    "data_licence",
    "data_url",
    "split_sha256",
    "origin",
    "conversion",
}
FIT_KEYS = {
    "letterbox": {"kind", "border_byte"},
    "rotated-square": {"kind", "scale", "border_byte"},
    "aligned-chip": {"kind", "padding", "points", "template", "resampling"},
}
DETAIL_KEYS = {
    "age-network": {"class_years", "quality"},
    "face-detector": {"anchors", "suppression_iou", "key_points"},
    "face-landmarks": {"points"},
}

each_model = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def manifest_of(folder: Path) -> ModelManifest:
    return ModelManifest.from_toml((folder / "model.toml").read_bytes())


def tables_of(model_id: str) -> dict[str, Any]:
    return tomllib.loads((MODELS / model_id / "model.toml").read_text())


def test_the_models_are_there() -> None:
    names = {folder.name for folder in FOLDERS}
    assert names >= {"age-v1", "age-v2", "blazeface-128", "blazeface-256", "face-mesh-468"}


@each_model
def test_file_is_the_declared_one(folder: Path) -> None:
    manifest = manifest_of(folder)
    content = (folder / manifest.file_name).read_bytes()
    assert manifest.id == folder.name
    assert manifest.file_name == f"{folder.name}.onnx"
    assert len(content) == manifest.file_bytes
    assert hashlib.sha256(content).hexdigest() == manifest.file_sha256


@each_model
def test_no_network_lies_about_undeclared(folder: Path) -> None:
    assert [path.name for path in folder.glob("*.onnx")] == [manifest_of(folder).file_name]


@each_model
def test_tables_that_differ_by_kind(folder: Path) -> None:
    manifest = manifest_of(folder)
    fit = dict(manifest.fit)
    assert fit.keys() == FIT_KEYS[str(fit["kind"])]
    assert manifest.details.keys() == DETAIL_KEYS[manifest.role]
    assert manifest.known_limits
    assert manifest.not_for


@each_model
def test_source_is_pinned(folder: Path) -> None:
    source = dict(manifest_of(folder).source)
    if source["conversion"] == "trained":
        assert source.keys() == TRAINED_KEYS
        assert (ROOT / str(source["training"]) / "train.py").is_file()
        start = manifest_of(MODELS / str(source["starts_from"]))
        assert start.file_sha256 == source["starts_from_sha256"]
        assert str(source["split_sha256"]) in (MODELS / "data" / "README.md").read_text()
        return
    assert source.keys() == SOURCE_KEYS
    for key in ("wheel_sha256", "member_sha256"):
        assert re.fullmatch("[0-9a-f]{64}", str(source[key]))
    assert source["conversion"] in {"none", "flush-subnormals", "tflite-to-onnx"}


@each_model
def test_card_and_licence_are_told(folder: Path) -> None:
    manifest = manifest_of(folder)
    card = (folder / "MODEL_CARD.md").read_text()
    assert card.startswith(f"# Model card: {folder.name}\n")
    for heading in ("## Use", "Not for:", "## Known failures", "Training data"):
        assert heading in card
    assert f"| Licence | {manifest.licence.spdx} |" in card
    row = next(
        line
        for line in (ROOT / "THIRD_PARTY.md").read_text().splitlines()
        if line.startswith(f"| `{folder.name}` |")
    )
    assert manifest.licence.spdx in row
    assert str(manifest.source.get("member", manifest.source.get("data_licence"))) in row


def test_age_network_has_its_ages_and_template() -> None:
    tables = tables_of("age-v1")
    assert tables["age"]["class_years"] == [0.25, *(float(years) for years in range(1, 81))]
    assert len(tables["input"]["fit"]["template"]) == len(tables["input"]["fit"]["points"]) == 5


@pytest.mark.parametrize("model_id", ["blazeface-128", "blazeface-256"])
def test_anchors_are_as_many_as_boxes(model_id: str) -> None:
    tables = tables_of(model_id)
    anchors = tables["detector"]["anchors"]
    boxes, scores = tables["output"]
    count = sum(layer["grid"] ** 2 * layer["per_cell"] for layer in anchors)
    assert boxes["shape"] == [1, count, 4 + 2 * len(tables["detector"]["key_points"])]
    assert scores["shape"] == [1, count]


def test_mesh_points_are_those_of_the_alignment() -> None:
    points = tables_of("face-mesh-468")["landmarks"]["points"]
    assert points.keys() == set(tables_of("age-v1")["input"]["fit"]["points"])
    assert all(0 <= index < 468 for index in points.values())


@each_model
def test_onnx_accepts_the_file(folder: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is only needed to build the models")
    model = onnx.load(str(folder / manifest_of(folder).file_name))
    onnx.checker.check_model(model, full_check=True)
    assert len(model.graph.input) == 1


@each_model
def test_no_weight_is_subnormal(folder: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is only needed to build the models")
    np = pytest.importorskip("numpy")
    model = onnx.load(str(folder / manifest_of(folder).file_name))
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            assert not (np.abs(values[values != 0]) < np.finfo(np.float32).smallest_normal).any()


@pytest.mark.parametrize("name", ["LICENSE", "THIRD_PARTY.md"])
def test_both_distributions_carry_the_same_terms(name: str) -> None:
    assert (MODELS / name).read_text() == (ROOT / name).read_text()


@pytest.fixture(scope="module")
def package() -> ModuleType:
    """`ageassure_models` as it stands in the checkout."""
    spec = importlib.util.spec_from_file_location("checkout_models", MODELS / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_package_knows_its_models(package: ModuleType) -> None:
    assert package.model_ids() == tuple(folder.name for folder in FOLDERS)
    assert package.model_dir("age-v1") == MODELS / "age-v1"


@pytest.mark.parametrize("unknown", ["", ".", "age-v9", "build", "../models/age-v1", "age-v1/"])
def test_package_refuses_what_is_no_model(package: ModuleType, unknown: str) -> None:
    with pytest.raises(LookupError, match=r"^got model .*, expected one of"):
        package.model_dir(unknown)
