"""Manifests and predictions for publication: keyed pseudonyms for the names of files and people.

A pseudonym is HMAC-SHA256 under a key that stays with the auditor, cut to 128 bits. Without the key
nobody can tell which picture a row is about by trying names; with it, rows can be traced back. It
is not anonymity: ages and groups stay, and a rare combination of them may point to one person.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.datasets.importing import write_manifest, write_text
from ageassure.audit.datasets.manifest import file_sha256, read_manifest
from ageassure.audit.datasets.statement import Statement, statement_path
from ageassure.audit.prediction.files import columns_for, read_predictions, write_table
from ageassure.errors import ConfigurationError, PredictionsError
from ageassure.tokens.keys.files import read_private_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ageassure.audit.datasets.layouts.base import Row
    from ageassure.audit.datasets.manifest import Manifest

MIN_KEY_BYTES: Final = 32
_SHOWN_BYTES: Final = 16


def read_key(path: Path) -> bytes:
    """Read the key for pseudonyms: at least 32 random bytes, readable by their owner alone.

    Raises:
        KeySetError: If it cannot be read, or others can read it.
        ConfigurationError: If it is too short.
    """
    key = read_private_file(path)
    if len(key) < MIN_KEY_BYTES:
        raise ConfigurationError(
            f"got a key of {len(key)} bytes, expected at least {MIN_KEY_BYTES} random ones"
        )
    return key


def pseudonym(key: bytes, kind: str, name: str) -> str:
    """The pseudonym of a ``sample`` or ``subject``, 32 hex digits."""
    return hmac.digest(key, f"{kind}\0{name}".encode(), hashlib.sha256)[:_SHOWN_BYTES].hex()


def pseudonymise_predictions(path: Path, out: Path, key: bytes) -> int:
    """Write predictions with pseudonyms, in the order of these, which tells nothing of the old one.

    Returns:
        The number of rows.

    Raises:
        PredictionsError: If the file cannot be used, or the new one exists or cannot be written.
    """
    if out.exists():
        raise PredictionsError(f"{out.name} exists and is not overwritten")
    found = read_predictions(path)
    names, order = _ordered([pseudonym(key, "sample", name) for name in found.sample_ids])
    figures = np.column_stack([found.estimated_age_years, found.p_over])[order].T
    statuses = [found.status.values[code] for code in found.status.codes[order]]
    told = columns_for(found.p_over_years)[1:-1]
    columns = dict(zip(told, np.ascontiguousarray(figures), strict=True))
    write_table(out, {"sample_id": names, **columns, "status": statuses})
    return len(names)


def pseudonymise_manifest(path: Path, out: Path, key: bytes) -> int:
    """Write a manifest with pseudonyms for samples and subjects, and its statement.

    Paths and digests of pictures are left out: a digest names a picture as surely as a path.

    Returns:
        The number of rows.

    Raises:
        DataSetError: If the manifest cannot be used, or the new one exists or cannot be written.
    """
    found = read_manifest(path)
    names, order = _ordered([pseudonym(key, "sample", name) for name in found.sample_ids])
    row_at = _rows(found, key)
    write_manifest(
        out, [{"sample_id": name, **row_at(i)} for name, i in zip(names, order, strict=True)]
    )
    old = found.statement
    new = Statement(
        name=old.name,
        licence=old.licence,
        age_proof=old.age_proof,
        age_proof_detail=old.age_proof_detail,
        source=old.source,
        left_out=old.left_out,
        border_pixels=old.border_pixels,
        manifest_sha256=file_sha256(out),
    )
    write_text(statement_path(out), new.to_toml())
    return len(names)


def _ordered(names: list[str]) -> tuple[list[str], list[int]]:
    order = sorted(range(len(names)), key=names.__getitem__)
    return [names[index] for index in order], order


def _rows(found: Manifest, key: bytes) -> Callable[[int], Row]:
    people = [pseudonym(key, "subject", name) for name in found.subject_names]

    def row(index: int) -> Row:
        made = {
            "age_low": str(found.age_low_years[index]),
            "age_high": str(found.age_high_years[index]),
        }
        if people:
            made["subject"] = people[found.subjects[index]]
        for name, column in found.groups.items():
            code = column.codes[index]
            made[name] = column.values[code] if code >= 0 else ""
        for name, numbers in found.conditions.items():
            made[name] = "" if np.isnan(numbers[index]) else repr(float(numbers[index]))
        return made

    return row
