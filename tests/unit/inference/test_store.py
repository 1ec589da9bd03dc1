"""A model file is used only if it is the pinned one and keeps its contract."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ageassure_models
import numpy as np
import pytest

from ageassure.errors import ConfigurationError, MissingExtraError, ModelIntegrityError
from ageassure.files import read_at_most
from ageassure.inference import (
    check_models,
    load_manifest,
    load_model,
    load_supplied_model,
    read_pinned,
    session,
    store,
)
from ageassure.inference.pinned import MODEL_IDS, PINNED

if TYPE_CHECKING:
    from pathlib import Path

SMALL = "blazeface-128"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of one model in which a test may change files; it is found instead of the shipped."""
    copy = tmp_path / SMALL
    shutil.copytree(ageassure_models.model_dir(SMALL), copy)
    monkeypatch.setattr(ageassure_models, "model_dir", lambda _: copy)
    return copy


def test_every_shipped_file_is_pinned_and_every_pinned_file_is_shipped() -> None:
    shipped = {
        f"{path.parent.name}/{path.name}"
        for model_id in ageassure_models.model_ids()
        for path in ageassure_models.model_dir(model_id).iterdir()
        if path.suffix in {".toml", ".onnx", ".json"}
    }
    assert shipped == set(PINNED)
    assert all(status.problem is None for status in check_models())


@pytest.mark.parametrize("model_id", MODEL_IDS)
def test_manifest_and_pins_agree(model_id: str) -> None:
    manifest = load_manifest(model_id)
    assert PINNED[f"{model_id}/{manifest.file_name}"] == manifest.file_sha256


def test_a_model_runs() -> None:
    model = load_model(SMALL)
    image = model.normalised(np.full((128, 128, 3), 255, dtype=np.uint8))
    assert image.dtype == np.float32
    assert image.max() == pytest.approx(1)
    boxes, scores = model.run(image[None])
    assert (boxes.shape, scores.shape) == ((1, 896, 16), (1, 896))


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_a_picture_is_brought_to_the_networks_range(order: str) -> None:
    model = load_model(SMALL)
    mean, divisor = (10.0, 20.0, 30.0), 64.0
    model = store.Model(
        replace(model.manifest, colour_order=order, mean=mean, divisor=divisor),
        read_pinned(SMALL, f"{SMALL}.onnx"),
    )
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    before = image.copy()
    channels = image if order == "RGB" else image[..., ::-1]
    expected = ((channels - np.array(mean)) / divisor).transpose(2, 0, 1)
    for given in (image, image.astype(np.float32), image.astype(np.float32)[:, ::-1][:, ::-1]):
        planes = model.normalised(given)
        assert planes.dtype == np.float32
        assert planes.flags.c_contiguous
        np.testing.assert_allclose(planes, expected, atol=1e-6)
    np.testing.assert_array_equal(image, before)


def test_the_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(path: Path, count: int) -> bytearray:
        read.append(path.name)
        return read_at_most(path, count)

    monkeypatch.setattr(store, "read_at_most", counted)
    load_model(SMALL)
    assert sorted(read) == [f"{SMALL}.onnx", "model.toml"]


@pytest.mark.parametrize("name", ["model.toml", f"{SMALL}.onnx"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelIntegrityError, match="not the one that is pinned"):
        load_model(SMALL)
    (status,) = [status for status in check_models() if status.id == SMALL]
    assert status.problem == f"the model file {name!r} is not the one that is pinned"


def test_a_manifest_edited_along_with_its_file_is_refused(folder: Path) -> None:
    model = folder / f"{SMALL}.onnx"
    manifest = folder / "model.toml"
    old = hashlib.sha256(model.read_bytes()).hexdigest()
    model.write_bytes(model.read_bytes() + b"\0")
    new = hashlib.sha256(model.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ModelIntegrityError, match=r"'model\.toml' is not the one"):
        load_model(SMALL)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / f"{SMALL}.onnx").unlink()
    with pytest.raises(ModelIntegrityError, match="cannot be read") as caught:
        load_model(SMALL)
    assert caught.value.__context__ is None


def test_a_missing_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> Path:
        raise LookupError

    monkeypatch.setattr(ageassure_models, "model_dir", missing)
    with pytest.raises(ModelIntegrityError, match="is missing"):
        load_model(SMALL)
    assert {status.role for status in check_models()} == {None}


@pytest.mark.parametrize(("model_id", "name"), [("age-v9", "model.toml"), (SMALL, "other.json")])
def test_what_is_not_pinned_is_not_read(model_id: str, name: str) -> None:
    with pytest.raises(ModelIntegrityError, match="no digest is pinned"):
        read_pinned(model_id, name)


def test_the_extra_is_named_when_the_models_are_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ageassure_models", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[face\]'"):
        load_model(SMALL)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_supplied_model_needs_its_manifests_digest(folder: Path) -> None:
    manifest = folder / "model.toml"
    assert load_supplied_model(folder, manifest_sha256=digest(manifest)).manifest.id == SMALL
    with pytest.raises(ModelIntegrityError, match="not the one that is pinned"):
        load_supplied_model(folder, manifest_sha256="0" * 64)


@pytest.mark.parametrize("wrong", ["", "sha256", None, "é" * 64, b"0" * 64, 64, ["0"] * 64])
def test_what_is_no_digest_is_refused(folder: Path, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="64 hex digits"):
        load_supplied_model(folder, manifest_sha256=wrong)


@pytest.mark.parametrize("wrong", [None, 5, ["a"], b"folder"])
def test_what_is_no_path_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="no path"):
        load_supplied_model(wrong, manifest_sha256="0" * 64)


@pytest.mark.parametrize("path", ["a\0b", "", "\ud800", "x" * 5000])
def test_a_path_without_a_model_is_refused(path: str) -> None:
    with pytest.raises(ModelIntegrityError, match="cannot be read"):
        load_supplied_model(path, manifest_sha256="0" * 64)


def test_a_folder_may_be_a_text(folder: Path) -> None:
    sha256 = digest(folder / "model.toml")
    assert load_supplied_model(str(folder), manifest_sha256=sha256).manifest.id == SMALL


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_a_pipe_in_the_file_s_place_is_not_waited_for(folder: Path) -> None:
    (folder / "model.toml").unlink()
    os.mkfifo(folder / "model.toml")
    with pytest.raises(ModelIntegrityError, match="cannot be read"):
        load_supplied_model(folder, manifest_sha256="0" * 64)


def test_the_size_that_the_manifest_gives_is_compared(folder: Path) -> None:
    manifest = folder / "model.toml"
    text = manifest.read_text(encoding="utf-8")
    size = (folder / f"{SMALL}.onnx").stat().st_size
    assert text.count(f"\nbytes = {size}\n") == 1
    manifest.write_text(text.replace(f"\nbytes = {size}\n", "\nbytes = 1\n"), encoding="utf-8")
    with pytest.raises(ModelIntegrityError, match="another size"):
        load_supplied_model(folder, manifest_sha256=digest(manifest))


@pytest.mark.parametrize("name", [r"a\u0000b", r"a\nb", "", ".", "..", "a/b", r"a\\b"])
def test_a_file_name_that_is_none_is_refused(folder: Path, name: str) -> None:
    manifest = folder / "model.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(f'"{SMALL}.onnx"', f'"{name}"'), encoding="utf-8")
    with pytest.raises(ModelIntegrityError, match="a file name"):
        load_supplied_model(folder, manifest_sha256=digest(manifest))


def test_a_supplied_model_is_the_one_that_its_manifest_names(folder: Path) -> None:
    model = folder / f"{SMALL}.onnx"
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(ModelIntegrityError, match="not the one that is pinned"):
        load_supplied_model(folder, manifest_sha256=digest(folder / "model.toml"))


@pytest.mark.parametrize(
    ("declared", "another"),
    [
        ('name = "image"', 'name = "picture"'),
        ("shape = [1, 3, 128, 128]", "shape = [1, 3, 256, 256]"),
        ("shape = [1, 3, 128, 128]", 'shape = ["N", 3, 128, 128]'),
        ('name = "scores"', 'name = "logits"'),
        ("shape = [1, 896]", "shape = [1, 896, 1]"),
    ],
)
def test_a_broken_contract_is_refused(folder: Path, declared: str, another: str) -> None:
    manifest = folder / "model.toml"
    text = manifest.read_text(encoding="utf-8")
    assert text.count(declared) == 1
    manifest.write_text(text.replace(declared, another), encoding="utf-8")
    with pytest.raises(ModelIntegrityError, match="not those declared"):
        load_supplied_model(folder, manifest_sha256=digest(manifest))


def test_bytes_that_are_no_network_are_refused(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, manifest = folder / f"{SMALL}.onnx", folder / "model.toml"
    old = digest(model)
    model.write_bytes(b"no network")
    text = manifest.read_text(encoding="utf-8").replace(old, digest(model))
    text = re.sub(r"(?m)^bytes = \d+$", "bytes = 10", text)
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ModelIntegrityError, match="cannot load") as caught:
        load_supplied_model(folder, manifest_sha256=digest(manifest))
    assert caught.value.__context__ is None
    assert capfd.readouterr() == ("", "")


def test_a_failing_network_raises_ours_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    model = load_model(SMALL)
    with pytest.raises(ModelIntegrityError, match="failed to run") as caught:
        model.run(np.zeros((1, 3, 64, 64), dtype=np.float32))
    assert caught.value.__context__ is None
    assert capfd.readouterr() == ("", "")


def test_an_output_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ModelIntegrityError, match="not finite"):
        load_model(SMALL).run(np.full((1, 3, 128, 128), np.nan, dtype=np.float32))


def test_nothing_is_loaded_on_import() -> None:
    assert not [name for name, value in vars(store).items() if isinstance(value, store.Model)]


def test_the_extra_is_named_when_onnxruntime_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    specification = importlib.util.spec_from_file_location("session_again", session.__file__)
    assert specification is not None
    assert specification.loader is not None
    again = importlib.util.module_from_spec(specification)
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[face\]'") as caught:
        specification.loader.exec_module(again)
    assert caught.value.__context__ is None
