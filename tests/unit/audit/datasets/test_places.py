from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.datasets.places import (
    PicturePlace,
    find_pictures,
    path_problem,
    shard_members,
)
from ageassure.errors import DataSetError

if TYPE_CHECKING:
    from pathlib import Path


def shard(path: Path, *files: tuple[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    "path", ["a.jpg", "b/c/d.png", "s.tar#a.jpg", "b/s.tar#x/../a.jpg", "#.jpg"]
)
def test_plain_paths_are_taken(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "", "..", "../a", "a/../b", "/a", "a//b", "./a", "a/.", "a/", "c:a", "C:/a", "a\\b",
        "a\nb", "a\x00", "../s.tar#a", "s.tar#", "x" * 4097,
    ],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    assert path_problem(path) is not None


def test_files_and_members_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"file")
    (tmp_path / "b").mkdir()
    shard(tmp_path / "b" / "s.tar", ("one.jpg", b"first"), ("x/../two.jpg", b"second"))
    places = find_pictures(tmp_path, ["b/s.tar#x/../two.jpg", "a.jpg", "b/s.tar#one.jpg"])
    assert [bytes(place.read()) for place in places] == [b"second", b"file", b"first"]
    assert shard_members(tmp_path, "b/s.tar") == ["one.jpg", "x/../two.jpg"]


def test_a_missing_member_is_refused(tmp_path: Path) -> None:
    shard(tmp_path / "s.tar", ("one.jpg", b"first"))
    with pytest.raises(DataSetError, match=r"s\.tar: holds no picture of the name"):
        find_pictures(tmp_path, ["s.tar#two.jpg"])


def test_links_and_devices_in_a_shard_are_no_pictures(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as archive:
        member = tarfile.TarInfo("link.jpg")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(DataSetError, match="holds no picture"):
        find_pictures(tmp_path, ["s.tar#link.jpg"])


def test_a_name_twice_in_a_shard_is_refused(tmp_path: Path) -> None:
    shard(tmp_path / "s.tar", ("one.jpg", b"first"), ("one.jpg", b"second"))
    with pytest.raises(DataSetError, match="holds two files of one name"):
        find_pictures(tmp_path, ["s.tar#one.jpg"])


@pytest.mark.parametrize("content", [b"no tar file at all", b"\x1f\x8b\x08" + b"\x00" * 600])
def test_another_file_than_a_shard_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.tar").write_bytes(content)
    with pytest.raises(DataSetError, match=r"s\.tar: is no uncompressed tar file"):
        find_pictures(tmp_path, ["s.tar#one.jpg"])


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"s\.tar: No such file"):
        find_pictures(tmp_path, ["s.tar#one.jpg"])


def test_a_shard_that_was_cut_gives_no_half_picture(tmp_path: Path) -> None:
    shard(tmp_path / "s.tar", ("one.jpg", b"x" * 5000))
    (place,) = find_pictures(tmp_path, ["s.tar#one.jpg"])
    (tmp_path / "s.tar").write_bytes((tmp_path / "s.tar").read_bytes()[:2000])
    with pytest.raises(OSError, match="ends early"):
        place.read()


@pytest.mark.parametrize("size", [None, 10_000_003])
def test_no_more_than_a_picture_may_have_is_read(tmp_path: Path, size: int | None) -> None:
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(10_000_003)
    place = PicturePlace(file=str(tmp_path / "big.jpg"), size=size)
    assert len(place.read()) == 10_000_001
