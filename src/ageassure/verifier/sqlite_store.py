"""Replay store for several processes of one host, in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from ageassure.errors import ConfigurationError, ReplayStoreError
from ageassure.forking import ForkableLock
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.verifier.replay import DEFAULT_CAPACITY, LEAST_REMEMBERED_SECONDS

WAIT_SECONDS: Final = 2.0
"""How long a claim waits for other threads and processes before the door closes."""

# SQLite's own waiting sleeps up to 100 ms at a time, and starves beside a busy neighbour.
_POLL_SECONDS: Final = 0.001

# Measured with random keys, whose pages are two thirds full: 96 to 112 bytes an entry.
_BYTES_PER_ENTRY: Final = 128
_PAGE_BYTES: Final = 4096
_SPARE_PAGES: Final = 16
# Two leave for one that enters, so that what has expired is always gone in the end; and many where
# the file is full, of which only whole pages help.
_FORGOTTEN_PER_CLAIM: Final = 2
_FORGOTTEN_WHEN_FULL: Final = 1000

# "age1", and the version of the schema: another program's file is not written to.
_APPLICATION_ID: Final = 0x61676531
_SCHEMA: Final = (
    "CREATE TABLE claim (key BLOB PRIMARY KEY, forget_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX claim_forget_at ON claim (forget_at)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
)
_FORGET: Final = """
DELETE FROM claim WHERE key IN
    (SELECT key FROM claim WHERE forget_at <= ? ORDER BY forget_at LIMIT ?)
"""
_CLAIM: Final = "INSERT INTO claim (key, forget_at) VALUES (?, ?) ON CONFLICT DO NOTHING"


@final
class SQLiteReplayStore:
    """Replay store that all processes of one host share; safe for threads and for ``fork``.

    Every claim is one transaction, written to the disk before it is answered, so that neither a
    crash nor a power cut re-admits a token. A process keeps one connection, which is closed before
    a fork and opened again on first use. After a fork that Python did not see, a child of a process
    that had claimed before gets no answers.

    NOT checked: that the file lies on a local disk (the locks of network file systems cannot be
    relied on), that nobody else may write to its folder, and that its content was not lost before
    the start. A new file knows nothing of the tokens that an old one did.

    Args:
        path: The file, made where it is absent; two more with ``-wal`` and ``-shm`` at the end lie
            beside it. They hold hashes and times, nothing of a person.
        capacity: So many entries fit at least before the store is full and refuses, 128 bytes each.
        now: Clock.

    Raises:
        ConfigurationError: If ``capacity`` is no positive int, or the file cannot be opened and
            written, is damaged, or another program's.
    """

    __slots__ = ("_capacity_pages", "_file", "_guard", "_now")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        capacity: int = DEFAULT_CAPACITY,
        now: Clock = utc_now,
    ) -> None:
        if type(capacity) is not int or capacity < 1:
            raise ConfigurationError("got another capacity, expected a positive int")
        given: object = path
        text: object = os.fspath(given) if isinstance(given, (str, os.PathLike)) else None
        if not isinstance(text, str) or not text or "\0" in text:
            raise ConfigurationError("got no path of a file")
        pages = capacity * _BYTES_PER_ENTRY // _PAGE_BYTES + _SPARE_PAGES
        self._file = _File(Path(text).absolute(), pages)
        self._now = now
        self._guard = ForkableLock(at_rest=self._file.close)
        reason: str | None = None
        try:
            self._file.make()
        except (sqlite3.Error, _UnusableFileError) as error:
            reason = _name_of(error)
        if reason is not None:
            raise ConfigurationError(f"the replay store's file cannot be used: {reason}")

    def claim(self, key: bytes, expires_at: int) -> bool:
        """Record a token as accepted; False if it was recorded before.

        Raises:
            ReplayStoreError: If the file is full, locked for longer than :data:`WAIT_SECONDS`,
                damaged, deleted, or was replaced by another just now.
            ConfigurationError: If the clock is no clock.
        """
        now_seconds = int(read_clock(self._now))
        forget_at = max(expires_at, now_seconds + LEAST_REMEMBERED_SECONDS)
        lock, until = self._guard.lock, time.monotonic() + WAIT_SECONDS
        if not lock.acquire(timeout=WAIT_SECONDS):
            raise ReplayStoreError("the replay store did not answer: too many claims wait")
        try:
            answer = self._file.claim(key, now_seconds, forget_at, until)
        finally:
            lock.release()
        if isinstance(answer, str):
            raise ReplayStoreError(f"the replay store did not answer: {answer}")
        return answer

    def close(self) -> None:
        """Close this process's connection; the next claim opens another."""
        with self._guard.lock:
            self._file.close()


class _UnusableFileError(Exception):
    """Never leaves this module; its text is a constant."""


class _File:
    """The file and this process's connection to it. Used by one thread at a time."""

    __slots__ = ("_connection", "_identity", "_pages", "_path", "_pid")

    def __init__(self, path: Path, pages: int) -> None:
        self._path = path
        self._pages = pages
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._pid = 0

    def make(self) -> None:
        """Make the file if it is absent, and see that it can be written; leave it closed.

        Raises:
            sqlite3.Error: If it cannot.
            _UnusableFileError: If it is another program's, or others keep it locked.
        """
        until = time.monotonic() + WAIT_SECONDS
        while not self._made():
            if time.monotonic() > until:
                raise _UnusableFileError("others keep it locked")
            time.sleep(_POLL_SECONDS)

    def _made(self) -> bool:
        try:
            connection = self._open("rwc")
            if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
                raise _UnusableFileError("its file system has no shared memory")
            connection.execute("BEGIN IMMEDIATE")
            ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
            if tables == 0:
                for statement in _SCHEMA:
                    connection.execute(statement)
            ((found,),) = connection.execute("PRAGMA application_id")
            if found != _APPLICATION_ID:
                raise _UnusableFileError("it is another program's")
            connection.execute("DELETE FROM claim WHERE key = x''")  # fails where it is read-only
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if not _is_locked(error):
                raise
            return False
        finally:
            self.close()
        return True

    def claim(self, key: bytes, now_seconds: int, forget_at: int, until: float) -> bool | str:
        """Whether the key is a new one, or why that cannot be said.

        Args:
            key: What is claimed.
            now_seconds: What is to be forgotten by then may be.
            forget_at: When the key may be.
            until: Reading of the monotonic clock at which waiting for others ends.
        """
        answer: bool | str = "interrupted"
        try:
            connection = self._opened()
            answer = _claimed(connection, key, now_seconds, forget_at, until)
            # What went into a file that is no longer there, nobody else will ever read.
            if self._identity != _identity_of(self._path):
                answer = "its file was replaced"
        except (sqlite3.Error, OSError, _UnusableFileError) as error:
            answer = _name_of(error)
        finally:
            # Also rolls back what an exception, from whatever side, has interrupted.
            if isinstance(answer, str):
                self.close()
        return answer

    def close(self) -> None:
        """Close the connection, if it is this process's own."""
        if self._connection is not None and self._pid == os.getpid():
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            # Read before the file is opened: one put there in between is then found out.
            self._identity = _identity_of(self._path)
            return self._open("rw")  # a file that was deleted is not made anew
        if self._pid != os.getpid():
            # SQLite in this process would take the parent's locks for its own.
            raise _UnusableFileError("its connection is another process's")
        return self._connection

    def _open(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode={mode}",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection, self._pid = connection, os.getpid()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA max_page_count={self._pages}")
        return connection


def _claimed(
    connection: sqlite3.Connection, key: bytes, now_seconds: int, forget_at: int, until: float
) -> bool:
    try:
        return _claimed_at_once(connection, key, now_seconds, forget_at, until)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
    # The failure has undone what was forgotten with the claim: forget by itself, then claim again.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    _begin(connection, until)
    connection.execute(_FORGET, (now_seconds, _FORGOTTEN_WHEN_FULL))
    connection.execute("COMMIT")
    return _claimed_at_once(connection, key, now_seconds, forget_at, until)


def _claimed_at_once(
    connection: sqlite3.Connection, key: bytes, now_seconds: int, forget_at: int, until: float
) -> bool:
    _begin(connection, until)
    connection.execute(_FORGET, (now_seconds, _FORGOTTEN_PER_CLAIM))
    first = connection.execute(_CLAIM, (key, forget_at)).rowcount == 1
    connection.execute("COMMIT")
    return first


def _begin(connection: sqlite3.Connection, until: float) -> None:
    """Get the one lock for writing, or raise when ``until`` has come."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not _is_locked(error) or time.monotonic() >= until:
                raise
        time.sleep(_POLL_SECONDS)


def _is_locked(error: sqlite3.OperationalError) -> bool:
    # The low byte is the kind, the others say more (SQLITE_BUSY_RECOVERY).
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _identity_of(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _name_of(error: Exception) -> str:
    """What went wrong, in a word that holds no path and no text of others."""
    if isinstance(error, _UnusableFileError):
        return str(error)
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
