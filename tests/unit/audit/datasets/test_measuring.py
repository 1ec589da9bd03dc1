from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.datasets.measuring import measure_conditions
from ageassure.audit.datasets.statement import read_statement, statement_path
from ageassure.errors import DataSetError

from ..manifests import manifest_file, picture

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "sample_id,path,age,subject,sex,sha256,yaw_degrees"
NOBODY = "0" * 64


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """The portrait of scikit-image, as it is, mirrored, at half its size; three that fail."""
    (tmp_path / "faces").mkdir()
    portrait = (files("skimage.data") / "astronaut.png").read_bytes()
    pixels = cv2.imdecode(np.frombuffer(portrait, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    half = cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA)
    for name, content in (
        ("whole", portrait),
        ("mirrored", cv2.imencode(".png", pixels[:, ::-1])[1].tobytes()),
        ("half", cv2.imencode(".png", half)[1].tobytes()),
        ("noise", picture(1)),
        ("altered", picture(2)),
    ):
        (tmp_path / "faces" / f"{name}.png").write_bytes(content)
    rows = []
    for name in ("whole", "mirrored", "half", "noise", "gone"):
        path = tmp_path / "faces" / f"{name}.png"
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else NOBODY
        rows.append(f"{name},faces/{name}.png,41,p1,female,{digest},7")
    rows.append(f"altered,faces/altered.png,41,p2,,{NOBODY},7")
    return manifest_file(tmp_path, HEADER, *rows, source="made up")


@pytest.mark.parametrize("name", ["measured.csv", "measured.parquet"])
def test_the_turn_and_the_eyes_are_measured(people: Path, tmp_path: Path, name: str) -> None:
    seen: list[int] = []
    found = measure_conditions(
        people, tmp_path / name, root=tmp_path, progress=lambda _total, _done: seen.append
    )
    assert found.rows == 6
    assert found.not_measured == {"no_face": 1, "picture_altered": 1, "picture_unreadable": 1}
    assert seen == [1] * 6
    before, after = read_manifest(people), read_manifest(tmp_path / name)
    yaw, eyes = after.conditions["yaw_degrees"], after.conditions["inter_ocular_pixels"]
    assert abs(yaw[0]) < 40
    assert yaw[1] == pytest.approx(-yaw[0], abs=4)
    assert eyes[0] == pytest.approx(eyes[1], rel=0.05)
    assert eyes[2] == pytest.approx(eyes[0] / 2, rel=0.05)
    assert 25 < eyes[0] < 60  # some forty pixels, by eye
    assert np.isnan(yaw[3:]).all()
    assert np.isnan(eyes[3:]).all()
    assert after.sample_ids == before.sample_ids
    assert after.sha256 == before.sha256
    assert after.groups["sex"].codes.tolist() == before.groups["sex"].codes.tolist()
    assert read_statement(statement_path(tmp_path / name)).source == "made up"


def test_a_border_is_put_around_first(people: Path, tmp_path: Path) -> None:
    measure_conditions(people, tmp_path / "plain.csv", root=tmp_path)
    text = statement_path(people).read_text()
    statement_path(people).write_text(text + "border_pixels = 40\n")
    measure_conditions(people, tmp_path / "border.csv", root=tmp_path)
    plain, border = (
        read_manifest(tmp_path / name).conditions["inter_ocular_pixels"][0]
        for name in ("plain.csv", "border.csv")
    )
    assert border == pytest.approx(plain, rel=0.1)
    assert border != plain


def test_eyes_less_than_a_pixel_apart_are_not_measured(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.estimators.facial.mesh.Face.eye_distance", 0.5)
    found = measure_conditions(people, tmp_path / "q.csv", root=tmp_path)
    assert found.not_measured["eyes_too_close"] == 3
    assert np.isnan(read_manifest(tmp_path / "q.csv").conditions["yaw_degrees"]).all()


def test_nothing_is_overwritten(people: Path, tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="exists and is not overwritten"):
        measure_conditions(people, people, root=tmp_path)


def test_a_manifest_without_pictures_is_refused(tmp_path: Path) -> None:
    path = manifest_file(tmp_path, "sample_id,age", "a,17")
    with pytest.raises(DataSetError, match="no column path"):
        measure_conditions(path, tmp_path / "q.csv", root=tmp_path)
    assert not (tmp_path / "q.csv").exists()
