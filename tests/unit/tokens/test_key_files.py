"""Key files: for their owner alone, never overwritten, never half written."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import KeySetError
from ageassure.tokens.keys.files import MAX_KEY_FILE_BYTES, read_private_file, write_private_file

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_mode(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_private_file(tmp_path / "key", b"secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert read_private_file(tmp_path / "key") == b"secret"


def test_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")
    with pytest.raises(KeySetError, match="exists") as caught:
        write_private_file(path, b"new")
    assert caught.value.__context__ is None
    assert path.read_bytes() == b"old"


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_not_followed_when_writing(exists: bool, tmp_path: Path) -> None:
    target = tmp_path / "target"
    if exists:
        target.write_bytes(b"old")
    (tmp_path / "key").symlink_to(target)
    with pytest.raises(KeySetError):
        write_private_file(tmp_path / "key", b"new")
    assert target.exists() is exists


def test_nothing_is_left_of_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeySetError, match="No space"):
        write_private_file(tmp_path / "key", b"new")
    assert not list(tmp_path.iterdir())


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(KeySetError, match="No such file"):
        write_private_file(tmp_path / "no" / "key", b"new")


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o601, 0o644, 0o666])
def test_others_must_not_have_access(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    path.chmod(mode)
    with pytest.raises(KeySetError, match="0600"):
        read_private_file(path)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_the_owner_may(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    path.chmod(mode)
    (tmp_path / "link").symlink_to(path)
    assert read_private_file(path) == read_private_file(tmp_path / "link") == b"secret"


@posix
def test_only_regular_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(KeySetError, match="regular"):
        read_private_file(pipe)
    tmp_path.chmod(0o700)
    with pytest.raises(KeySetError, match="folder"):
        read_private_file(tmp_path)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts in /proc")  # noqa: PTH112
def test_nothing_stays_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "pipe").touch()
    (tmp_path / "readable").write_bytes(b"")
    (tmp_path / "readable").chmod(0o644)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for path in (tmp_path, tmp_path / "readable", tmp_path / "absent"):
        with pytest.raises(KeySetError):
            read_private_file(path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_size(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert MAX_KEY_FILE_BYTES == 65_536
    write_private_file(path, b"x" * MAX_KEY_FILE_BYTES)
    assert len(read_private_file(path)) == MAX_KEY_FILE_BYTES
    path.write_bytes(b"x" * (MAX_KEY_FILE_BYTES + 1))
    with pytest.raises(KeySetError, match="bytes"):
        read_private_file(path)


def test_paths_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(KeySetError, match="No such file"):
        read_private_file(tmp_path / "key")
    for call in (read_private_file, lambda path: write_private_file(path, b"")):
        junk: tuple[Any, ...] = ("a\0b", None, 1.5, [])
        for path in junk:
            with pytest.raises(KeySetError, match="not a path"):
                call(path)


def test_all_of_a_key_is_written_before_the_disk_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: sizes.append(os.fstat(file).st_size))
    write_private_file(tmp_path / "key.pem", b"secret")
    assert sizes[0] == 6
