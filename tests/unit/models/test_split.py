"""The committed split of the FairFace pictures, and its reader."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).resolve().parents[3] / "models" / "data"
HEADER = "shard,file,age_low,age_high,sex,ethnicity,fairface_file"


def _script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DATA / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


split = _script("fairface_split")
duplicates = _script("near_duplicates")


def _labels(folder: Path, rows: Sequence[str], header: str = HEADER) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def _shard(folder: Path, shard: int, files: dict[str, bytes]) -> None:
    with tarfile.open(folder / f"shard-{shard:02d}.tar", "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _rows(count: int) -> list[str]:
    return [f"0,{i}.jpg,20,29,male,White,train/{i}.jpg" for i in range(count)]


@pytest.mark.parametrize(
    ("name", "part"),
    [("train/2.jpg", "train"), ("train/3.jpg", "test"), ("train/4.jpg", "calibration")],
)
def test_part_is_fixed_by_the_name(name: str, part: str) -> None:
    # Frozen: another result would be another split, and void every committed figure.
    assert split.part_by_name(name) == part


def test_shares_are_those_stated() -> None:
    parts = [split.part_by_name(f"train/{i}.jpg") for i in range(20_000)]
    assert parts.count("train") / 20_000 == pytest.approx(0.670, abs=0.01)
    assert parts.count("calibration") / 20_000 == pytest.approx(0.158, abs=0.01)


def test_near_duplicates_go_to_train(tmp_path: Path) -> None:
    labels = _labels(tmp_path, _rows(50))
    without = {f.fairface_file: f.part for f in split.load_split(labels, near_duplicates=())}
    other = next(name for name, part in without.items() if part != "train")
    with_one = {f.fairface_file: f.part for f in split.load_split(labels, near_duplicates={other})}
    assert with_one == without | {other: "train"}


def test_the_committed_list_is_used(tmp_path: Path) -> None:
    listed = sorted(split.read_near_duplicates())
    assert len(listed) == 776
    moved = next(name for name in listed if split.part_by_name(name) != "train")
    (face,) = split.load_split(_labels(tmp_path, [f"0,a.jpg,10,19,female,Black,{moved}"]))
    assert face.part == "train"


def test_rows_become_faces(tmp_path: Path) -> None:
    rows = ["3,a.jpg,10,19,female,East Asian,train/1.jpg", "0,b.jpg,70,120,male,White,train/2.jpg"]
    first, last = split.load_split(_labels(tmp_path, rows))
    assert (first.shard, first.file, first.age_low, first.age_high) == (3, "a.jpg", 10, 19)
    assert (first.sex, first.ethnicity, first.group) == ("female", "East Asian", "10–19")
    assert last.group == "70+"


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (_rows(1), HEADER.replace("sex", "gender")),
        (_rows(1) * 2, HEADER),
        (["0,a.jpg,29,20,male,White,train/1.jpg"], HEADER),
        (["0,a.jpg,-1,2,male,White,train/1.jpg"], HEADER),
    ],
)
def test_wrong_labels_are_refused(tmp_path: Path, rows: list[str], header: str) -> None:
    with pytest.raises(ValueError, match=r"^got "):
        split.load_split(_labels(tmp_path, rows, header))


def test_digest_tells_parts_apart_and_not_order(tmp_path: Path) -> None:
    faces = split.load_split(_labels(tmp_path, _rows(50)), near_duplicates=())
    moved = next(face.fairface_file for face in faces if face.part != "train")
    others = split.load_split(tmp_path / "labels.csv", near_duplicates={moved})
    assert split.split_digest(faces) == split.split_digest(faces[::-1])
    assert split.split_digest(faces) != split.split_digest(others)


def test_pictures_come_with_their_labels(tmp_path: Path) -> None:
    rows = ["0,a.jpg,0,2,male,White,train/1.jpg", "1,b.jpg,3,9,male,White,train/2.jpg"]
    faces = split.load_split(_labels(tmp_path, rows))
    _shard(tmp_path, 0, {"unlisted.jpg": b"?", "a.jpg": b"first"})
    _shard(tmp_path, 1, {"b.jpg": b"second"})
    assert list(split.read_pictures(tmp_path, faces)) == [
        (faces[0], b"first"),
        (faces[1], b"second"),
    ]
    assert list(split.read_pictures(tmp_path, faces[1:])) == [(faces[1], b"second")]


def test_a_missing_picture_is_noticed(tmp_path: Path) -> None:
    faces = split.load_split(_labels(tmp_path, _rows(2)))
    _shard(tmp_path, 0, {"0.jpg": b"first"})
    with pytest.raises(ValueError, match="1 pictures are missing from shard 0"):
        list(split.read_pictures(tmp_path, faces))


def test_the_published_split(shared_dir: Path) -> None:
    faces = split.load_split(shared_dir / "data" / "fairface-train" / "labels.csv")
    digest = split.split_digest(faces)
    assert digest in (DATA / "README.md").read_text(encoding="utf-8")
    assert digest == "583a24a779f5f78f574a9a12bcdd5d6b58a3ea27cb8ac30c87222daf80754ca3"
    counts = {part: sum(face.part == part for face in faces) for part in split.Part}
    assert counts == {"train": 27_050, "calibration": 6_175, "test": 6_775}


def _textures(count: int) -> list[Any]:
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (count, 16, 16)).astype(np.uint8)
    return [cv2.resize(one, (128, 128), interpolation=cv2.INTER_CUBIC) for one in coarse]


def _found(images: Sequence[Any], *, mirrored: bool) -> list[tuple[int, int]]:
    normalised = np.stack([duplicates.contrast_normalised(image) for image in images])
    pairs = duplicates.near_duplicates(normalised.astype(np.float16), mirrored=mirrored)
    return [(i, j) for i, j, _ in pairs]


def test_near_duplicates_are_found_however_lit_shifted_or_mirrored() -> None:
    first, second, third, stranger = _textures(4)
    darker = (second * 0.5 + 20).astype(np.uint8)
    shifted = np.roll(third, 2, axis=1)
    images = [first, second, third, stranger, first, darker, shifted, stranger[:, ::-1]]
    assert _found(images, mirrored=False) == [(0, 4), (1, 5), (2, 6)]
    assert _found(images, mirrored=True) == [(3, 7)]


def test_a_picture_without_texture_is_no_duplicate() -> None:
    flat = np.full((128, 128), 99, dtype=np.uint8)
    assert _found([flat, flat, *_textures(1)], mirrored=False) == []


def test_pictures_that_cannot_be_aligned_do_not_match() -> None:
    flat = np.zeros((128, 128), dtype=np.float32)
    assert duplicates.aligned_correlation(flat, flat) == -1
