"""Racing for one token: of all that present it at once, exactly one is accepted."""

from __future__ import annotations

import subprocess
import sys
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.verifier import (
    MemoryReplayStore,
    RedisReplayStore,
    ReplayStore,
    SQLiteReplayStore,
)

if TYPE_CHECKING:
    from pathlib import Path

THREADS = 64
PROCESSES, THREADS_OF_EACH = 4, 8
ROUNDS = 10

# Each process starts its threads, says so, and waits for the word to go.
_RACE = f"""
import sys
from threading import Barrier, Thread
from ageassure.verifier import RedisReplayStore, SQLiteReplayStore

kind, place = sys.argv[1:]
store = {{"sqlite": SQLiteReplayStore, "redis": RedisReplayStore}}[kind](place)
barriers = [Barrier({THREADS_OF_EACH}) for _ in range({ROUNDS})]
answers = []

def race():
    for number, barrier in enumerate(barriers):
        barrier.wait(30)
        answers.append((number, store.claim(number.to_bytes(32, "big"), 0)))

threads = [Thread(target=race) for _ in range({THREADS_OF_EACH})]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(answers), *[number for number, first in answers if first])
"""


@pytest.fixture(params=["sqlite", "redis"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Kind and place of a store that processes share."""
    kind: str = request.param
    if kind == "sqlite":
        return kind, str(tmp_path / "replay.db")
    server: Any = request.getfixturevalue("redis_server")
    return kind, server.url


def race_of_threads(store: ReplayStore) -> list[bool]:
    barriers = [Barrier(THREADS) for _ in range(ROUNDS)]
    answers: list[bool] = []

    def race() -> None:
        for number, barrier in enumerate(barriers):
            barrier.wait(30)
            answers.append(store.claim(number.to_bytes(32, "big"), 0))

    threads = [Thread(target=race) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_64_threads_with_a_memory_store() -> None:
    answers = race_of_threads(MemoryReplayStore())
    assert (len(answers), answers.count(True)) == (THREADS * ROUNDS, ROUNDS)


def test_64_threads_with_a_shared_store(shared: tuple[str, str]) -> None:
    kind, place = shared
    store = SQLiteReplayStore(place) if kind == "sqlite" else RedisReplayStore(place)
    answers = race_of_threads(store)
    assert (len(answers), answers.count(True)) == (THREADS * ROUNDS, ROUNDS)


def test_4_processes_of_8_threads(shared: tuple[str, str]) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _RACE, *shared],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=30)[0].split() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert [int(words[0]) for words in told] == [THREADS_OF_EACH * ROUNDS] * PROCESSES
    accepted = sorted(int(number) for words in told for number in words[1:])
    assert accepted == list(range(ROUNDS))


def test_processes_that_make_the_file_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from ageassure.verifier import SQLiteReplayStore\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(SQLiteReplayStore(sys.argv[1]).claim(bytes(32), 0))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "replay.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    answers = [process.communicate("go\n", timeout=30)[0].strip() for process in processes]
    assert sorted(answers) == ["False"] * 7 + ["True"]
