"""What a model file is: its digest, contract, licence, origin, use and limits (``model.toml``).

The schema, version 1, is described in the models distribution's README. Reading is strict: a
missing or an unknown key, and a value of another kind, are refused.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ageassure.errors import ModelIntegrityError
from ageassure.inference.manifest_table import Table, all_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = 1
MAX_BYTES: Final = 64 * 1024
"""Largest manifest; ours have about 4 KiB."""

ROLE_TABLES: Final = MappingProxyType(
    {
        "age-network": "age",
        "face-detector": "detector",
        "face-landmarks": "landmarks",
        "presentation-attack": "liveness",
    }
)
"""Role of a model, and the table that only manifests of this role have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One input or output of the network.

    Attributes:
        name: Its name in the graph.
        dtype: ``float32``; the only one so far.
        shape: Sizes; a string where any size is taken (the batch).
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Under what terms the weights come.

    Attributes:
        spdx: SPDX identifier.
        attribution: Whom to name.
        url: The licence's text.
        changes: What was changed against the original file.
    """

    spdx: str
    attribution: str
    url: str
    changes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one input costs.

    Attributes:
        macs: Multiply–accumulate operations.
        milliseconds: Time with one thread,
        measured_on: and where it was measured.
    """

    macs: int
    milliseconds: float
    measured_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelManifest:
    """One ``model.toml``.

    Attributes:
        id: Name of the model and of its folder.
        role: What it does; a key of :data:`ROLE_TABLES`.
        intended_use: What it is for.
        not_for: What it must not be used for.
        known_limits: What is known to go wrong.
        file_name: The ONNX file beside the manifest.
        file_bytes: Its size.
        file_sha256: Its digest, 64 hex digits.
        source: Where the file comes from, as written.
        licence: Terms of the weights.
        cost: What one input costs.
        input: The one input.
        colour_order: ``RGB`` or ``BGR``, of the input's channels.
        mean: What is taken off the bytes of each channel, in that order,
        divisor: and what the result is divided by.
        fit: How a picture is brought to the input's size, as written.
        outputs: In the order in which the network gives them.
        details: The table of the role, as written.
    """

    id: str
    role: str
    intended_use: str
    not_for: tuple[str, ...]
    known_limits: tuple[str, ...]
    file_name: str
    file_bytes: int
    file_sha256: str
    source: Mapping[str, object]
    licence: Licence
    cost: Cost
    input: Tensor
    colour_order: str
    mean: tuple[float, float, float]
    divisor: float
    fit: Mapping[str, object]
    outputs: tuple[Tensor, ...]
    details: Mapping[str, object]

    @classmethod
    def from_toml(cls, text: bytes) -> ModelManifest:
        """Read a manifest.

        Raises:
            ModelIntegrityError: If it is not exactly of this schema.
        """
        top = Table(_parsed(text), "the manifest")
        if top.take("schema", int) != SCHEMA:
            raise ModelIntegrityError(f"got another manifest schema, expected {SCHEMA}")
        role = top.take("role", str)
        if role not in ROLE_TABLES:
            raise ModelIntegrityError(f"got an unknown role, expected one of {sorted(ROLE_TABLES)}")
        file, entry = top.table("file"), top.table("input")
        manifest = cls(
            id=top.identifier("id"),
            role=role,
            intended_use=top.take("intended_use", str),
            not_for=top.texts("not_for"),
            known_limits=top.texts("known_limits"),
            file_name=file.take("name", str),
            file_bytes=file.take("bytes", int),
            file_sha256=file.digest("sha256"),
            source=top.free("source"),
            licence=_licence(top.table("licence")),
            cost=_cost(top.table("cost")),
            colour_order=_colour_order(entry),
            mean=_mean(entry),
            divisor=_divisor(entry),
            fit=entry.free("fit"),
            input=_tensor(entry),
            outputs=_outputs(top),
            details=top.free(ROLE_TABLES[role]),
        )
        top.finish()
        file.finish()
        if not _is_file_name(manifest.file_name):
            raise ModelIntegrityError("got a file name with a folder in a manifest, or none")
        return manifest


def _is_file_name(name: str) -> bool:
    return name.isprintable() and name not in ("", ".", "..") and not set(name) & set("/\\")


def _parsed(text: bytes) -> dict[str, object]:
    if len(text) > MAX_BYTES:
        raise ModelIntegrityError(
            f"got {len(text)} bytes of manifest, expected at most {MAX_BYTES}"
        )
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError):
        reason = "got a manifest that is no TOML"
    raise ModelIntegrityError(reason)


def _licence(table: Table) -> Licence:
    licence = Licence(
        spdx=table.take("spdx", str),
        attribution=table.take("attribution", str),
        url=table.take("url", str),
        changes=table.take("changes", str),
    )
    table.finish()
    return licence


def _cost(table: Table) -> Cost:
    cost = Cost(
        macs=table.take("macs", int),
        milliseconds=table.take("milliseconds", float),
        measured_on=table.take("measured_on", str),
    )
    table.finish()
    return cost


def _mean(table: Table) -> tuple[float, float, float]:
    values = all_of(table.take("mean", list), float, "mean")
    if len(values) != 3:
        raise ModelIntegrityError(f"got {len(values)} channel means, expected 3")
    if not all(map(math.isfinite, values)):
        raise ModelIntegrityError("got a channel mean that is not finite")
    return (values[0], values[1], values[2])


def _divisor(table: Table) -> float:
    divisor = table.take("divisor", float)
    if not 0 < divisor < math.inf:
        raise ModelIntegrityError("got a divisor that is not positive and finite")
    return divisor


def _colour_order(table: Table) -> str:
    order = table.take("colour_order", str)
    if order not in {"RGB", "BGR"}:
        raise ModelIntegrityError("got another colour order, expected RGB or BGR")
    return order


def _outputs(top: Table) -> tuple[Tensor, ...]:
    tables = [
        Table(values, "[[output]]") for values in all_of(top.take("output", list), dict, "output")
    ]
    for table in tables:
        table.take("meaning", str)
        table.take("source_name", str)
    return tuple(_tensor(table) for table in tables)


def _tensor(table: Table) -> Tensor:
    sizes = table.take("shape", list)
    if any(type(size) not in (int, str) for size in sizes):
        raise ModelIntegrityError("got a size that is no int and no name")
    tensor = Tensor(
        name=table.take("name", str), dtype=table.take("dtype", str), shape=tuple(sizes)
    )
    if tensor.dtype != "float32":
        raise ModelIntegrityError("got another dtype, expected float32")
    table.finish()
    return tensor
