"""The SQLite replay store with a connection that behaves as other builds and disks make it."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, ReplayStoreError
from ageassure.verifier import SQLiteReplayStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(NOW.timestamp())
KEY = bytes(32)


def failure(name: str) -> sqlite3.OperationalError:
    """What SQLite says, with its code."""
    error = sqlite3.OperationalError()
    error.sqlite_errorname = name
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replay.db"


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[sqlite3.Connection]], None]:
    """Has connections opened from now on made of another class."""
    connect = sqlite3.connect

    def connections(kind: type[sqlite3.Connection]) -> None:
        monkeypatch.setattr(sqlite3, "connect", partial(connect, factory=kind))

    return connections


def test_a_build_that_writes_to_the_disk_later(path: Path, doctor: Any) -> None:
    """Some systems' SQLite waits for no disk unless it is told to (its compile-time options)."""
    asked: list[Connection] = []

    class Connection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            super().execute("PRAGMA synchronous=OFF")
            asked.append(self)

    store = SQLiteReplayStore(path, now=lambda: NOW)
    doctor(Connection)
    assert store.claim(KEY, T0 + 900) is True
    assert asked[0].execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_a_file_system_that_stays_without_shared_memory(path: Path, doctor: Any) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            # What SQLite answers where it cannot switch: the mode that it stays in.
            return super().execute(statement.replace("=WAL", "=DELETE"), *parameters)

    doctor(Connection)
    with pytest.raises(ConfigurationError, match="its file system has no shared memory"):
        SQLiteReplayStore(path)


@pytest.mark.parametrize("step", ["BEGIN", "INSERT", "COMMIT"])
def test_a_disk_that_failed_is_neither_waited_for_nor_asked_again(
    path: Path, doctor: Any, step: str
) -> None:
    tried: list[str] = []

    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            if statement.startswith(step):
                tried.append(statement)
                raise failure("SQLITE_IOERR")
            return super().execute(statement, *parameters)

    store = SQLiteReplayStore(path, now=lambda: NOW)
    doctor(Connection)
    with pytest.raises(ReplayStoreError, match="SQLITE_IOERR"):
        store.claim(KEY, T0 + 900)
    assert len(tried) == 1


def test_a_full_file_is_tried_once_more_whether_or_not_sqlite_ends_the_transaction(
    path: Path, doctor: Any
) -> None:
    refusals = ["once"]

    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            if statement.startswith("INSERT") and refusals:
                refusals.clear()
                raise failure("SQLITE_FULL")
            return super().execute(statement, *parameters)

    store = SQLiteReplayStore(path, now=lambda: NOW)
    doctor(Connection)
    assert store.claim(KEY, T0 + 900) is True
    assert store.claim(KEY, T0 + 900) is False


@pytest.mark.parametrize("what", ["start", "claim"])
def test_who_waits_for_the_lock_sleeps(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    store = SQLiteReplayStore(path, now=lambda: NOW)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr(time, "sleep", sleep)
    if what == "start":
        SQLiteReplayStore(path)
    else:
        assert store.claim(KEY, T0 + 900) is True
    other.close()
    assert len(slept) == 3
    assert all(0 < seconds <= 0.01 for seconds in slept)
