"""The memory of other processes: all of it that can hold a picture, or an error."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ageassure.audit.retention import memory
from ageassure.audit.retention.memory import has_ended, held_memory, process_tree
from ageassure.audit.retention.search import count_runs, index_texts
from ageassure.errors import ConfigurationError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

CHILD = """
import mmap, sys
secret = bytearray(int(x) ^ 0xFF for x in sys.stdin.readline().split())
shared = mmap.mmap(-1, 4096)
shared[:len(secret)] = secret


print("ready", flush=True)
sys.stdin.readline()
"""


def test_heap_and_mappings_of_a_child_are_seen() -> None:
    secret = np.random.default_rng(3).bytes(2048)
    texts = index_texts({"secret": secret})
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(" ".join(str(byte ^ 0xFF) for byte in secret) + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ready\n"
        holding = [region for region in held_memory(child.pid) if count_runs(texts, region)]
        assert len(holding) >= 2  # the bytearray and the mapping
        child.stdin.write("\n")


def test_the_tree_has_the_descendants() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as child:
        while len(process_tree(child.pid)) < 2:
            pass
        below = process_tree(child.pid)
        assert below[0] == child.pid
        assert set(below) < set(process_tree(os.getpid()))
    assert process_tree(child.pid) == [child.pid]


def test_one_that_is_only_listed_any_more_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert not has_ended(child.pid)
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it ended, and stays listed
        assert child.pid in process_tree(os.getpid())
        assert has_ended(child.pid)
    assert has_ended(child.pid)


def test_one_whose_first_thread_alone_has_ended_has_not() -> None:
    code = (
        "import ctypes, threading\n"
        "threading.Thread(target=input).start()\n"
        "print('ready', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        first = Path(f"/proc/{child.pid}/stat")
        while first.read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        assert not has_ended(child.pid)
        child.kill()


def test_a_process_that_ended_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "7").mkdir()
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    assert process_tree(1) == [1]


def test_memory_that_cannot_be_opened_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    with pytest.raises(ConfigurationError, match="No such file"):
        list(held_memory(1))


@pytest.mark.parametrize(
    ("maps", "sizes"),
    [
        ("0-10 rw-p 0 0:0 0 \n", [16]),
        ("0-8 r--p 0 0:0 0 \n", [8]),  # was written to before
        ("0-10 r-xp 0 8:1 77 /lib/libc.so\n", []),
        ("0-10 rw-p 0 8:1 77 /lib/libc.so\n", [16]),
        ("0-10 ---p 0 0:0 0 \n", []),
        ("0-10 r--s 0 0:1 77 /memfd:kept (deleted)\n", [16]),
        ("0-10 r--s 0 0:1 77 /dev/shm/kept\n", [16]),
        ("0-10 r--p 0 0:0 0 [vvar]\n0-8 rw-p 0 0:0 0 [heap]\n", [8]),
    ],
)
def test_everything_that_can_be_written_is_read(
    maps: str, sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "maps").write_text(maps)
    (tmp_path / "1" / "mem").write_bytes(bytes(range(16)))
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    regions = list(held_memory(1))
    assert [len(region) for region in regions] == sizes
    assert all(region.tolist() == list(range(len(region))) for region in regions)


def test_memory_that_ends_too_early_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "maps").write_text("0-20 rw-p 0 0:0 0 \n")
    (tmp_path / "1" / "mem").write_bytes(bytes(16))
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    with pytest.raises(ConfigurationError, match="a part of it"):
        list(held_memory(1))


def test_memory_that_was_given_back_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "mem").write_bytes(bytes(16))
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    maps = iter(["0-10 rw-p 0 0:0 0 \n10-20 rw-p 0 0:0 0 \n", "0-10 rw-p 0 0:0 0 \n"])
    monkeypatch.setattr(memory, "_maps", lambda _: next(maps))
    assert [len(region) for region in held_memory(1)] == [16]
