"""One process changes a key ring at a time: another is refused, and a dead one locks nobody out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest

from ageassure.errors import KeySetError
from ageassure.tokens.keys import ring_file
from ageassure.tokens.keys.ring import KeyRing
from ageassure.tokens.keys.ring_file import LOCK_FILE, RING_FILE, changing

if TYPE_CHECKING:
    from pathlib import Path

START = 1_800_000_000


def test_while_another_changes_it_nobody_does(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    kid = ring.rotate(START).kid
    with changing(tmp_path):
        for call in (
            lambda: ring.rotate(START),
            lambda: ring.retire(kid, START),
            lambda: ring.retire_compromised(kid, START),
        ):
            with pytest.raises(KeySetError, match="another process is changing it") as caught:
                call()
            assert caught.value.__context__ is None
        # Reading and publishing what needs no note go on.
        assert KeyRing(tmp_path).signing_key(START).kid == kid
        assert ring.note_published(ring.key_set(START), START) is None
    assert ring.rotate(START).state(START) == "waiting"
    with changing(tmp_path), pytest.raises(KeySetError, match="another process"):
        ring.note_published(ring.key_set(START), START)
    assert ring.note_published(ring.key_set(START), START) is not None


def test_after_an_error_the_lock_is_free(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.rotate(START)
    for _ in range(2):
        with pytest.raises(KeySetError, match="does not have"):
            ring.retire("kid", START)
    assert ring.rotate(START).kid


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts in /proc")  # noqa: PTH112
def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with changing(tmp_path), pytest.raises(KeySetError), changing(tmp_path):
        pass
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_process_that_was_killed_locks_nobody_out(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.rotate(START)
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ageassure.tokens.keys.ring_file import changing\n"
        "with changing(Path(sys.argv[1])):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(KeySetError, match="another process"):
            ring.rotate(START)
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / LOCK_FILE).exists()
    assert ring.rotate(START).kid


def test_many_at_once_make_one_key(tmp_path: Path) -> None:
    start = Barrier(8)
    made: list[str] = []
    refusals: list[str] = []

    def rotate() -> None:
        ring = KeyRing(tmp_path)
        start.wait()
        try:
            made.append(ring.rotate(START).kid)
        except KeySetError as error:
            refusals.append(str(error))

    threads = [Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Who came after the first had ended has made the one that waits.
    listed = json.loads((tmp_path / RING_FILE).read_text())["keys"]
    assert sorted(key["kid"] for key in listed) == sorted(made)
    assert sorted(path.stem for path in tmp_path.glob("*.pem")) == sorted(made)
    assert 1 <= len(made) <= 2
    assert len(made) + len(refusals) == 8
    states = [entry.state(START) for entry in KeyRing(tmp_path).entries]
    assert states == ["signing", "waiting"][: len(made)]


def test_processes_at_once_make_one_key_that_signs(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ageassure.errors import KeySetError\n"
        "from ageassure.tokens.keys.ring import KeyRing\n"
        "ring = KeyRing(Path(sys.argv[1]))\n"
        "sys.stdin.read(1)\n"
        "try: print(ring.rotate(1_800_000_000).kid)\n"
        "except KeySetError as error: print('refused')"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "ring")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].strip() for process in processes]
    made = sorted(kid for kid in told if kid != "refused")
    entries = KeyRing(tmp_path / "ring").entries
    assert sorted(entry.kid for entry in entries) == made
    assert [entry.state(START) for entry in entries].count("signing") == 1


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.rotate(START)
    (tmp_path / LOCK_FILE).unlink()
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(KeySetError, match="cannot change the ring: ") as caught:
        ring.rotate(START)
    assert "another process" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BlockingIOError(11, "busy"), "another process is changing it"),
        (PermissionError(13, "Permission denied"), "another process is changing it"),  # Windows
        (OSError(37, "No locks available"), "No locks available"),
    ],
)
def test_what_systems_say_of_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, told: str
) -> None:
    def refuse(_descriptor: int) -> None:
        raise error

    monkeypatch.setattr(ring_file, "_lock", refuse)
    with pytest.raises(KeySetError, match=told):
        KeyRing(tmp_path).rotate(START)
    assert not list(tmp_path.glob("*.pem"))


def test_a_folder_where_nothing_may_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    ring = KeyRing(tmp_path)
    ring.rotate(START)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with pytest.raises(KeySetError, match="cannot change the ring: Permission denied"):
            ring.rotate(START)
