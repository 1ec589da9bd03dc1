"""What an strace log tells, and what is said where there is none."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.retention import tracing
from ageassure.audit.retention.pictures import Encoding
from ageassure.audit.retention.tracing import trace, written_or_sent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

LOG = """\
7 openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3
7 openat(AT_FDCWD, "/dev/null", O_RDWR) = 3
7 openat(AT_FDCWD, "/dev/null", O_WRONLY|O_CREAT, 0666 <unfinished ...>
7 mkdir("/home/a", 0777) = -1 EEXIST (File exists)
7 readlink("/proc/self/exe", "/usr/bin/python", 4096) = 15
7 socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [6, 7]) = 0
7 sendto(7, "\\0", 1, 0, NULL, 0) = 1
7 sendto(7, "\\0", 1, 0, NULL, 0 <unfinished ...>
"""


@pytest.mark.parametrize(
    "call",
    [
        'openat(AT_FDCWD, "/home/a", O_WRONLY|O_CREAT, 0666) = 3',
        'openat(AT_FDCWD, "/dev/shm/kept", O_RDWR|O_CREAT, 0600) = 3',
        'openat(AT_FDCWD, "/dev/sda", O_WRONLY) = 3',
        'openat(AT_FDCWD, "/dev/null/../kept", O_WRONLY) = 3',
        'openat(AT_FDCWD, "/proc/self/cwd/kept", O_WRONLY|O_CREAT, 0666) = 3',
        'openat(AT_FDCWD, "/home/) = -1 ENOENT (x)", O_WRONLY|O_CREAT, 0666) = 3',
        'mkdir("/home/b", 0777) = 0',
        'mknodat(AT_FDCWD, "/home/fifo", S_IFIFO|0600) = 0',
        'memfd_create("kept", MFD_CLOEXEC) = 5',
        "shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 7",
        'setxattr("/home/a", "user.kept", "x", 1, 0) = 0',
        "socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 4",
        'sendto(4, "\\0", 1, 0, {sa_family=AF_INET, sin_port=htons(53)}, 16) = 1',
        'sendto(4, "\\0\\0", 2, 0, NULL, 0) = 2',
    ],
)
def test_a_call_that_writes_or_sends_is_counted(call: str) -> None:
    assert written_or_sent(LOG) == 0
    assert written_or_sent(f"{LOG}7 {call}\n") == 1


def strace(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts something else where strace would be."""
    path = folder / "strace"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda _: str(path))


def test_without_strace_nothing_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    told = trace("facial", [])
    assert (told.calls, told.problem) == (None, "strace is not installed")


def test_a_strace_that_is_not_allowed_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strace(tmp_path, "exit 1", monkeypatch)
    told = trace("facial", [])
    assert (told.calls, told.problem) == (None, "strace is not allowed here")


def test_a_process_that_dies_under_strace_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Allowed for the empty program; then what it leaves behind tells one call.
    script = (
        """while [ "$1" != -o ]; do shift; done; echo '7 mkdir("/a", 0777) = 0' >"$2"\n"""
        """case "$*" in *" -m "*) exit 1;; esac"""
    )
    strace(tmp_path, script, monkeypatch)
    told = trace("facial", [])
    assert (told.calls, told.problem) == (1, "the process ended by itself under strace")


def test_one_that_estimates_nothing_under_strace_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strace(
        tmp_path,
        """while [ "$1" != -o ]; do shift; done; : >"$2"; shift 4; exec "$@\"""",
        monkeypatch,
    )

    def outcomes(*_: object, **__: object) -> list[tuple[str, tuple[str, ...]]]:
        return [("png", ("estimated",)), ("webp", ("another error",))]

    monkeypatch.setattr(tracing, "_outcomes", outcomes)
    told = trace("facial", [Encoding.PNG, Encoding.WEBP])
    assert (told.calls, told.problem) == (0, "nothing was estimated under strace of webp")
