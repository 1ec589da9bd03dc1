"""Conditions of pictures, measured by the face finder that ships: the head's turn, the eyes.

The turn is that of the mesh, whose depth is a guess of a network and no measurement; a laboratory
that knows the angle of its camera writes it into the manifest itself. Nothing else about a face is
written, and no picture is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.datasets.columns import CONDITIONS
from ageassure.audit.datasets.importing import write_manifest, write_text
from ageassure.audit.datasets.manifest import file_sha256, read_manifest
from ageassure.audit.datasets.places import find_pictures, read_checked
from ageassure.audit.datasets.statement import statement_path
from ageassure.audit.rows import read_rows
from ageassure.errors import DataSetError, EvidenceError
from ageassure.estimators.facial.faces import FaceFinder, only_face
from ageassure.estimators.facial.quality import head_pose
from ageassure.imaging import decode
from ageassure.imaging.header import MAX_SIDE_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ageassure.audit.datasets.places import PicturePlace

TOO_SMALL: Final = "eyes_too_close"
"""The eyes' centres are less than a pixel apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured.

    Attributes:
        rows: Rows of the manifest.
        not_measured: Why → pictures that have no figures: ``picture_unreadable``,
            ``picture_altered``, ``eyes_too_close``, or the code of the face finder's refusal.
    """

    rows: int
    not_measured: dict[str, int]


def measure_conditions(
    manifest: Path,
    out: Path,
    *,
    root: Path,
    progress: Callable[[int, int], Callable[[int], object]] | None = None,
) -> Measured:
    """Write a manifest anew with ``yaw_degrees`` and ``inter_ocular_pixels``, and its statement.

    Pictures are decoded at their own size. What the manifest says of a condition already is
    replaced.

    Args:
        manifest: The manifest, with paths.
        out: The new one; never overwritten.
        root: The folder that its paths start from.
        progress: Called with the pictures in all and 0; its result with 1 for each picture.

    Raises:
        DataSetError: If the manifest cannot be used or names no pictures, or the new one exists or
            cannot be written.
        ModelIntegrityError: If a model file is missing or not the pinned one, or a network fails.
    """
    if out.exists() or statement_path(out).exists():
        raise DataSetError(f"{out.name} or its statement exists and is not overwritten")
    people = read_manifest(manifest)
    if people.paths is None:
        raise DataSetError("the manifest has no column path: there are no pictures to measure")
    read = read_rows(manifest, DataSetError)
    rows = [dict(zip(read.header, cells, strict=True)) for _, cells in read.rows]
    finder = FaceFinder.shipped()
    update = progress(len(rows), 0) if progress else None
    not_measured: dict[str, int] = {}
    digests = people.sha256 or [""] * len(rows)
    places = find_pictures(root, people.paths)
    for row, place, digest in zip(rows, places, digests, strict=True):
        row.update(dict.fromkeys(CONDITIONS, ""))
        code = _measure(row, place, digest, finder, people.statement.border_pixels)
        if code is not None:
            not_measured[code] = not_measured.get(code, 0) + 1
        if update is not None:
            update(1)
    write_manifest(out, rows)
    statement = replace(people.statement, manifest_sha256=file_sha256(out))
    write_text(statement_path(out), statement.to_toml())
    return Measured(rows=len(rows), not_measured=dict(sorted(not_measured.items())))


def _measure(
    row: dict[str, str], place: PicturePlace, digest: str, finder: FaceFinder, border: int
) -> str | None:
    """Write the figures of one picture into its row, or say why there are none."""
    picture, problem = read_checked(place, digest)
    if picture is None:
        return problem
    try:
        with decode(picture, long_side_pixels=MAX_SIDE_PIXELS) as frame:
            edges = (border, border)
            shown = frame.own(np.pad(frame.pixels, (edges, edges, (0, 0))))
            with decode(shown) as bordered:
                face = only_face(finder.find(bordered))
                yaw, eyes = head_pose(face)[0], face.eye_distance
    except EvidenceError as error:
        return error.code
    if eyes < CONDITIONS["inter_ocular_pixels"][0]:
        return TOO_SMALL
    row["yaw_degrees"], row["inter_ocular_pixels"] = f"{yaw:.2f}", f"{eyes:.2f}"
    return None
