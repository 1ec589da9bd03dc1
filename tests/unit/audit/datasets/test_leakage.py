"""Public-domain pictures, one of them again and again: smaller, cropped, compressed, mirrored."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from ageassure.audit.datasets.leakage import Leakage, Sample, find_leakage, samples_of
from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.datasets.places import PicturePlace
from ageassure.errors import DataSetError

from ..manifests import manifest_file, picture

if TYPE_CHECKING:
    from pathlib import Path

Pixels = Any


def original(name: str = "astronaut") -> Pixels:
    content = (files("skimage.data") / f"{name}.png").read_bytes()
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def jpeg(pixels: Pixels, quality: int = 95) -> bytes:
    encoded = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return bytes(encoded.tobytes())


def scaled(pixels: Pixels, factor: float) -> Pixels:
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def sample(folder: Path, split: str, name: str, content: bytes, subject: str = "") -> Sample:
    (folder / name).write_bytes(content)
    place = PicturePlace(file=str(folder / name))
    return Sample(split=split, sample_id=name, subject=subject, place=place)


def leaked(folder: Path, content: bytes) -> Leakage:
    """The astronaut in one split, ``content`` in the other."""
    return find_leakage(
        [
            sample(folder, "train", "a", jpeg(original())),
            sample(folder, "train", "cat", jpeg(original("coffee"))),
            sample(folder, "test", "b", content),
            sample(folder, "test", "noise", picture(1)),
        ]
    )


def test_the_same_bytes_are_found(tmp_path: Path) -> None:
    found = leaked(tmp_path, jpeg(original()))
    (pair,) = found.pairs
    assert (pair.kind, pair.correlation) == ("exact", 1.0)
    assert (pair.first, pair.second) == (("train", "a"), ("test", "b"))
    assert found.compared == {"test": 2, "train": 2}
    assert found.found


@pytest.mark.parametrize(
    ("how", "mirrored"),
    [
        (lambda p: jpeg(p, quality=30), False),
        (lambda p: jpeg(scaled(p, 0.4)), False),
        (lambda p: jpeg(p[20:-5, 15:-10]), False),
        (lambda p: jpeg(cv2.convertScaleAbs(p, alpha=0.6, beta=20)), False),
        (lambda p: jpeg(p[:, ::-1], quality=60), True),
    ],
    ids=["compressed", "smaller", "cropped", "darker", "mirrored"],
)
def test_one_photograph_is_found_however_it_was_changed(
    tmp_path: Path, how: Any, mirrored: bool
) -> None:
    (pair,) = leaked(tmp_path, how(original())).pairs
    assert (pair.kind, pair.mirrored) == ("near", mirrored)
    assert pair.correlation >= 0.95


def test_other_pictures_are_not_alike(tmp_path: Path) -> None:
    found = leaked(tmp_path, jpeg(original("chelsea")))
    assert found.pairs == ()
    assert not found.found


def test_pictures_of_one_split_are_not_compared(tmp_path: Path) -> None:
    found = find_leakage(
        [
            sample(tmp_path, "train", "a", jpeg(original())),
            sample(tmp_path, "train", "b", jpeg(original())),
            sample(tmp_path, "test", "c", picture(1)),
        ]
    )
    assert not found.pairs


def test_a_doubtful_likeness_is_shown_and_is_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ageassure.audit.datasets.likeness.ONE_PHOTOGRAPH", 1.1)
    found = leaked(tmp_path, jpeg(original(), quality=30))
    assert [pair.kind for pair in found.pairs] == ["alike"]
    assert not found.found


def test_pictures_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    gone = Sample(
        split="test", sample_id="g", subject="", place=PicturePlace(file=str(tmp_path / "g"))
    )
    told: list[int] = []
    found = find_leakage(
        [
            sample(tmp_path, "train", "a", jpeg(original())),
            sample(tmp_path, "test", "junk", b"no picture"),
            gone,
        ],
        progress=told.append,
    )
    assert found.not_compared == (("test", "junk"), ("test", "g"))
    assert found.found
    assert told == [1, 1, 1]


def test_people_in_two_splits_are_found(tmp_path: Path) -> None:
    samples = [
        sample(tmp_path, split, f"{split}{subject}", picture(number), subject)
        for number, (split, subject) in enumerate(
            [("train", "p"), ("train", "q"), ("test", "q"), ("test", "r"), ("test", "r")]
        )
    ]
    found = find_leakage(samples)
    assert found.subjects == ("q",)
    assert found.subjects_known
    assert found.found


def test_people_are_not_known_if_one_sample_names_nobody(tmp_path: Path) -> None:
    samples = [
        sample(tmp_path, "train", "a", picture(1), "p"),
        sample(tmp_path, "test", "b", picture(2), "p"),
        sample(tmp_path, "test", "c", picture(3)),
    ]
    found = find_leakage(samples)
    assert not found.subjects_known
    assert found.subjects == ()


def test_one_split_cannot_leak(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="fewer than two splits"):
        find_leakage([sample(tmp_path, "train", "a", picture(1))])


def test_splits_come_from_a_column_or_a_name(tmp_path: Path) -> None:
    path = manifest_file(
        tmp_path, "sample_id,path,age,subject,split", "a,a,1,p,x", "b,b,2,q,y", "c,c,2,q,y"
    )
    people = read_manifest(path)
    places = [PicturePlace(file=name) for name in "abc"]
    by_column = samples_of(people, places, "split", column=True)
    assert [(s.split, s.sample_id, s.subject, s.place.file) for s in by_column] == [
        ("x", "a", "p", "a"),
        ("y", "b", "q", "b"),
        ("y", "c", "q", "c"),
    ]
    assert {s.split for s in samples_of(people, places, "all", column=False)} == {"all"}
    with pytest.raises(DataSetError, match="no column sex"):
        samples_of(people, places, "sex", column=True)


def test_a_row_without_a_split_is_refused(tmp_path: Path) -> None:
    people = read_manifest(manifest_file(tmp_path, "sample_id,age,split", "a,1,x", "b,2,"))
    with pytest.raises(DataSetError, match="the column split is empty in row 2"):
        samples_of(people, [PicturePlace(file="a")] * 2, "split", column=True)
    nobody = samples_of(people, [PicturePlace(file="a")] * 2, "all", column=False)
    assert [s.subject for s in nobody] == ["", ""]
