"""model.toml is read strictly."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from ageassure_models import model_dir, model_ids

from ageassure.errors import ModelIntegrityError
from ageassure.inference import ModelManifest
from ageassure.inference.manifest import MAX_BYTES, ROLE_TABLES


def toml(values: dict[str, Any], where: str = "") -> str:
    """Write what manifests hold: texts, numbers, lists, tables and lists of tables."""
    plain, nested = [], []
    for key, value in values.items():
        name = f"{where}.{key}" if where else key
        if isinstance(value, dict):
            nested.append(f"[{name}]\n{toml(value, name)}")
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            nested += [f"[[{name}]]\n{toml(v, name)}" for v in value]
        else:
            plain.append(f"{key} = {literal(value)}")
    return "\n".join([*plain, *nested]) + "\n"


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


@pytest.fixture
def values() -> dict[str, Any]:
    return tomllib.loads((model_dir("age-v1") / "model.toml").read_text(encoding="utf-8"))


def read(values: dict[str, Any]) -> ModelManifest:
    return ModelManifest.from_toml(toml(values).encode())


@pytest.mark.parametrize("model_id", model_ids())
def test_every_shipped_manifest_is_read(model_id: str) -> None:
    manifest = ModelManifest.from_toml((model_dir(model_id) / "model.toml").read_bytes())
    assert manifest.id == model_id
    assert manifest.role in ROLE_TABLES
    assert (model_dir(model_id) / manifest.file_name).stat().st_size == manifest.file_bytes


def test_what_is_written_is_what_is_read(values: dict[str, Any]) -> None:
    manifest = read(values)
    assert manifest.input.shape == ("N", 3, 64, 64)
    assert [output.name for output in manifest.outputs] == ["probabilities"]
    assert manifest.licence.spdx == "CC0-1.0"
    assert manifest.mean == (122.781998, 117.000999, 104.297997)
    assert manifest.divisor == 256
    assert manifest.cost.macs == values["cost"]["macs"]
    assert manifest.details == values["age"]


PATHS = [
    ("schema",),
    ("id",),
    ("role",),
    ("intended_use",),
    ("not_for",),
    ("known_limits",),
    ("file", "name"),
    ("file", "bytes"),
    ("file", "sha256"),
    ("source",),
    ("licence", "spdx"),
    ("licence", "attribution"),
    ("licence", "url"),
    ("licence", "changes"),
    ("cost", "macs"),
    ("cost", "milliseconds"),
    ("cost", "measured_on"),
    ("input", "name"),
    ("input", "dtype"),
    ("input", "shape"),
    ("input", "colour_order"),
    ("input", "mean"),
    ("input", "divisor"),
    ("input", "fit"),
    ("output",),
    ("age",),
]


def parent(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for key in path[:-1]:
        values = values[key]
    return values


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_missing_key_is_refused(values: dict[str, Any], path: tuple[str, ...]) -> None:
    del parent(values, path)[path[-1]]
    with pytest.raises(ModelIntegrityError):
        read(values)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_another_kind_is_refused(values: dict[str, Any], path: tuple[str, ...]) -> None:
    parent(values, path)[path[-1]] = True
    with pytest.raises(ModelIntegrityError):
        read(values)


@pytest.mark.parametrize("table", [(), ("file",), ("licence",), ("cost",), ("input",)])
def test_an_unknown_key_is_refused(values: dict[str, Any], table: tuple[str, ...]) -> None:
    parent(values, (*table, "x"))["another"] = "value"
    with pytest.raises(ModelIntegrityError, match="unknown keys"):
        read(values)


@pytest.mark.parametrize("key", ["meaning", "source_name", "name", "dtype", "shape"])
def test_an_output_has_all_its_keys_and_no_other(values: dict[str, Any], key: str) -> None:
    value = values["output"][0].pop(key)
    with pytest.raises(ModelIntegrityError):
        read(values)
    values["output"][0] |= {key: value, "another": "value"}
    with pytest.raises(ModelIntegrityError, match="unknown keys"):
        read(values)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("schema",), 2, "another manifest schema"),
        (("id",), "../age", "malformed 'id'"),
        (("role",), "gender-network", "unknown role"),
        (("file", "sha256"), "A" * 64, "malformed 'sha256'"),
        (("file", "name"), "../age.onnx", "with a folder"),
        (("file", "name"), "..\\age.onnx", "with a folder"),
        (("not_for",), ["text", 1], "another kind"),
        (("input", "mean"), [1.0, 2.0], "2 channel means"),
        (("input", "colour_order"), "GBR", "another colour order"),
        (("input", "divisor"), 0.0, "positive and finite"),
        (("input", "divisor"), -1.0, "positive and finite"),
        (("input", "divisor"), math.inf, "positive and finite"),
        (("input", "divisor"), math.nan, "positive and finite"),
        (("input", "mean"), [1.0, math.nan, 1.0], "not finite"),
        (("input", "shape"), ["N", 3.0], "a size that is"),
        (("input", "dtype"), "float16", "another dtype"),
    ],
)
def test_a_wrong_value_is_refused(
    values: dict[str, Any], path: tuple[str, ...], value: object, complaint: str
) -> None:
    parent(values, path)[path[-1]] = value
    with pytest.raises(ModelIntegrityError, match=complaint):
        read(values)


@pytest.mark.parametrize("text", [b"= 1", b"\xff", b"a = [" + b"[" * 5000])
def test_what_is_no_toml_is_refused(text: bytes) -> None:
    with pytest.raises(ModelIntegrityError, match="no TOML") as caught:
        ModelManifest.from_toml(text)
    assert caught.value.__context__ is None


def test_an_overlong_manifest_is_refused() -> None:
    with pytest.raises(ModelIntegrityError, match="bytes of manifest"):
        ModelManifest.from_toml(b"#" * (MAX_BYTES + 1))
