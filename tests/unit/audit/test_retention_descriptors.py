"""What other processes have open: files that can hold a picture, pipes and sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ageassure.audit.retention import descriptors
from ageassure.audit.retention.descriptors import contents, open_files
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")


def opened(descriptor: int) -> descriptors.OpenFile:
    (found,) = [file for file in open_files(os.getpid()) if file.path.name == str(descriptor)]
    return found


@pytest.mark.parametrize(
    ("make", "keeps"),
    [
        (lambda _: os.memfd_create("kept"), True),
        (lambda path: os.open(path, os.O_RDWR), True),
        (lambda path: os.open(path, os.O_WRONLY | os.O_APPEND), True),
        (lambda path: os.open(path, os.O_RDONLY), False),
        (lambda _: os.open("/dev/null", os.O_RDWR), False),
        (lambda path: os.open(path.parent, os.O_RDONLY), False),
    ],
)
def test_files_that_can_have_been_written_to_are_told(
    make: Callable[[Path], int], keeps: bool, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    descriptor = make(path)
    try:
        assert opened(descriptor).keeps is keeps
        assert not opened(descriptor).hides
    finally:
        os.close(descriptor)


def test_a_deleted_file_is_read_though_it_is_open_for_reading_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        path.unlink()
        found = opened(file.fileno())
        assert found.keeps
        assert not found.writable
        assert b"".join(part.tobytes() for part in contents(found.path)) == b"content"


def test_what_waits_in_a_pipe_is_counted_and_left_there() -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"x" * 63)
        assert not opened(reader).hides
        os.write(writer, b"x")
        assert opened(reader).hides
        assert opened(writer).hides
        assert opened(writer).identity == opened(reader).identity
        assert not opened(reader).keeps
        assert os.read(reader, 100) == b"x" * 64
    finally:
        os.close(reader)
        os.close(writer)


def test_a_socket_cannot_be_looked_into() -> None:
    with socket.socket(socket.AF_UNIX) as made:
        assert opened(made.fileno()).hides


def test_a_large_file_is_read_in_pieces_that_cut_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "_PIECE_BYTES", 100)
    path = tmp_path / "file"
    content = np.random.default_rng(1).bytes(250)
    path.write_bytes(content)
    pieces = [piece.tobytes() for piece in contents(path)]
    assert pieces == [content[:164], content[100:], content[200:]]


def test_a_pipe_that_cannot_be_looked_into_counts_as_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuses)
    assert descriptors._waiting(tmp_path) == 64


def test_what_is_gone_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert open_files(child.pid) == []
    assert list(contents(tmp_path / "gone")) == []
    assert descriptors._waiting(tmp_path / "gone") == 0
    (tmp_path / "1" / "fd").mkdir(parents=True)
    (tmp_path / "1" / "fd" / "3").symlink_to(tmp_path / "gone")
    monkeypatch.setattr(descriptors, "_PROC", tmp_path)
    assert open_files(1) == []


def test_what_may_not_be_looked_at_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(contents(tmp_path))
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "fd").write_text("no folder")
    monkeypatch.setattr(descriptors, "_PROC", tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be seen"):
        open_files(1)
