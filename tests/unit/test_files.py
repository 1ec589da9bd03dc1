"""Reading files that somebody names: bounded, and never waiting."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ageassure.files import open_regular, read_at_most


@pytest.mark.parametrize("count", [0, 1, 5, 6, 10**9])
def test_no_more_is_read_than_is_asked_for(tmp_path: Path, count: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    for named in (path, str(path)):
        assert read_at_most(named, count) == b"12345"[:count]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_at_most(tmp_path / "link", 9) == b"12345"


def test_a_file_that_is_cut_short_meanwhile_is_as_long_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    original = os.fstat

    def cut(handle: int) -> os.stat_result:
        found = original(handle)
        path.write_bytes(b"12")
        return found

    monkeypatch.setattr(os, "fstat", cut)
    assert read_at_most(path, 9) == b"12"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("absent", "No such file"),
        (".", "is a folder"),
        ("a\0b", "is not a path"),
        ("\ud800", "is not a path"),
        ("x" * 5000, "too long"),
    ],
)
def test_what_cannot_be_read_says_why(
    path: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=reason) as caught:
        open_regular(path)
    assert reason in str(caught.value.strerror)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_pipes_and_devices_are_refused_at_once_and_nothing_stays_open(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (pipe, Path("/dev/zero"), Path("/dev/null"), Path("/dev/random"), tmp_path):
        with pytest.raises(OSError, match=r"is no regular file|is a folder"):
            read_at_most(path, 10)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
