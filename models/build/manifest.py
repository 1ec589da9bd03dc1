"""The strict schema of `model.toml`; README.md says what each entry means.

Every entry is required and no other is allowed. What depends on the role of the
model and on how a picture is fitted to its input is chosen by those two entries.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

Check = Callable[[object], bool]


class ManifestError(Exception):
    """A `model.toml` that does not follow the schema."""


def load(path: Path) -> dict[str, object]:
    """Read and check a `model.toml`.

    Raises:
        ManifestError: it is not TOML, breaks the schema, or lies in a folder that
            does not have its id as name.
    """
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ManifestError(f"{path.name} is not TOML in UTF-8") from error
    check(manifest)
    if manifest["id"] != path.parent.name:
        raise ManifestError(f"got id {manifest['id']!r} in folder {path.parent.name!r}")
    return manifest


def check(manifest: dict[str, object]) -> None:
    """Check a parsed manifest.

    Raises:
        ManifestError: naming an entry that is missing, unknown or wrong.
    """
    role = manifest.get("role")
    if role not in _ROLES:
        raise ManifestError(f"got role {role!r}, expected one of {sorted(_ROLES)}")
    _check_table("", manifest, _COMMON | _ROLES[role])
    fit = manifest["input"]["fit"]
    if not isinstance(fit, dict) or fit.get("kind") not in _FITS:
        raise ManifestError(f"input.fit.kind is not one of {sorted(_FITS)}")
    _check_table("input.fit.", fit, {"kind": _text, **_FITS[fit["kind"]]})
    if fit["kind"] == "aligned-chip" and len(fit["points"]) != len(fit["template"]):
        raise ManifestError("input.fit.template does not have one entry per point")


def _check_table(where: str, table: dict[str, object], schema: dict[str, object]) -> None:
    if set(table) != set(schema):
        missing, unknown = sorted(set(schema) - set(table)), sorted(set(table) - set(schema))
        raise ManifestError(f"{where or 'manifest '}missing {missing}, unknown {unknown}")
    for key, expected in schema.items():
        value = table[key]
        if isinstance(expected, dict):
            if not isinstance(value, dict):
                raise ManifestError(f"{where}{key} is not a table")
            _check_table(f"{where}{key}.", value, expected)
        elif isinstance(expected, list):
            if not isinstance(value, list) or not value:
                raise ManifestError(f"{where}{key} is not a list of tables")
            for item in value:
                _check_table(f"{where}{key}.", item if isinstance(item, dict) else {}, expected[0])
        elif not expected(value):
            raise ManifestError(f"{where}{key} has a wrong value or type")


def _matches(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _one_of(*allowed: object) -> Check:
    return lambda value: value in allowed and not isinstance(value, bool)


def _integer(least: int, greatest: int = 2**53) -> Check:
    return lambda value: type(value) is int and least <= value <= greatest


def _number(value: object) -> bool:
    return type(value) is float and abs(value) < float("inf")


def _many(item: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(map(item, value))


def _named_indices(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_integer(0), value.values()))


def _shape(value: object) -> bool:
    # "N" is a free batch size and stands only in front.
    return (
        isinstance(value, list)
        and value[:1] in ([1], ["N"])
        and all(map(_integer(1), value[1:]))
    )


def _pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


_any_input_fit: Check = lambda _: True  # noqa: E731 - checked by its own kind
_text = _matches(r"\S(.*\S)?")
_sha256 = _matches(r"[0-9a-f]{64}")
_count = _integer(1)

_COMMON: dict[str, object] = {
    "schema": _one_of(1),
    "id": _matches(r"[a-z0-9]+(-[a-z0-9]+)*"),
    "role": _text,
    "intended_use": _text,
    "not_for": _many(_text),
    "known_limits": _many(_text),
    "file": {"name": _matches(r"[a-z0-9-]+\.onnx"), "bytes": _count, "sha256": _sha256},
    "source": {
        "package": _text,
        "version": _text,
        "wheel": _matches(r"\S+\.whl"),
        "wheel_sha256": _sha256,
        "member": _text,
        "member_bytes": _count,
        "member_sha256": _sha256,
        "origin": _matches(r"https://\S+"),
        "conversion": _one_of("none", "tflite-to-onnx"),
    },
    "licence": {
        "spdx": _matches(r"[A-Za-z0-9.+-]+"),
        "attribution": _text,
        "url": _matches(r"https://\S+"),
        "changes": _text,
    },
    "cost": {"macs": _count, "milliseconds": _number, "measured_on": _text},
    "input": {
        "name": _text,
        "dtype": _one_of("float32"),
        "shape": _shape,
        "colour_order": _one_of("RGB"),
        "mean": _many(_number),
        "divisor": _number,
        "fit": _any_input_fit,
    },
    "output": [
        {
            "name": _text,
            "source_name": _text,
            "dtype": _one_of("float32"),
            "shape": _shape,
            "meaning": _text,
        }
    ],
}
_ROLES: dict[object, dict[str, object]] = {
    "age-network": {"age": {"class_years": _many(_number)}},
    "face-detector": {
        "detector": {
            "anchors": [{"grid": _count, "per_cell": _count}],
            "suppression_iou": _number,
            "key_points": _many(_text),
        }
    },
    "face-landmarks": {"landmarks": {"points": _named_indices}},
}
_FITS: dict[str, dict[str, object]] = {
    "letterbox": {"border_byte": _integer(0, 255)},
    "rotated-square": {"scale": _number, "border_byte": _integer(0, 255)},
    "aligned-chip": {
        "padding": _number,
        "points": _many(_text),
        "template": _many(_pair),
        "resampling": _text,
    },
}
