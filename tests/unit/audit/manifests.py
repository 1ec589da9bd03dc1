"""Small data sets for the tests of the audit: made-up rows, pictures of nobody."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ageassure.audit.datasets.statement import AgeProof, Statement, statement_path

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "sample_id,path,age,subject,sex"
ROWS = ("a,one.png,17,p1,female", "b,two.png,18,p1,male", "c,three.png,30,p2,")


def picture(shade: int, *, side: int = 64) -> bytes:
    """A PNG of noise; nobody is in it."""
    pixels = np.random.default_rng(shade).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".png", pixels)[1].tobytes())


def stated(path: Path, **changes: Any) -> Path:
    """Write the statement of a manifest."""
    members: dict[str, Any] = {
        "name": "made-up people",
        "licence": "CC0-1.0",
        "age_proof": AgeProof.DOCUMENT,
        "manifest_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    statement_path(path).write_text(Statement(**members | changes).to_toml(), encoding="utf-8")
    return path


def manifest_file(
    folder: Path, header: str = HEADER, *rows: str, name: str = "people.csv", **changes: Any
) -> Path:
    """Write a CSV manifest with its statement."""
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return stated(path, **changes)


def data_set(folder: Path, count: int = 12, **changes: Any) -> Path:
    """A manifest with pictures."""
    (folder / "pictures").mkdir()
    rows = []
    for index in range(count):
        (folder / "pictures" / f"{index}.png").write_bytes(picture(index))
        rows.append(f"s{index},pictures/{index}.png,{10 + index},p{index // 2},female")
    return manifest_file(folder, HEADER, *rows, **changes)
