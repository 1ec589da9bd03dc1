"""Replay store for several processes of one host, in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError, ReplayStoreError
from ageassure.forking import ForkableLock
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.verifier.replay import (
    DEFAULT_CAPACITY,
    END_OF_TIME,
    LEAST_REMEMBERED_SECONDS,
    NO_CLAIM,
    is_claim,
)
from ageassure.verifier.sqlite_claims import (
    APPLICATION_ID,
    POLL_SECONDS,
    SCHEMA,
    claimed,
    is_locked,
)

if TYPE_CHECKING:
    from threading import Lock

WAIT_SECONDS: Final = 2.0
"""How long a claim waits for other threads and processes before the door closes."""

# Measured with random keys, whose pages are two thirds full: 96 to 112 bytes an entry.
_BYTES_PER_ENTRY: Final = 128
_PAGE_BYTES: Final = 4096
_SPARE_PAGES: Final = 16


@final
class SQLiteReplayStore:
    """Replay store that all processes of one host share; safe for threads and for ``fork``.

    Every claim is one transaction, written to the disk before it is answered, so that neither a
    crash nor a power cut re-admits a token. A process keeps one connection, which is closed before
    a fork and opened again on first use. After a fork that Python did not see, a child of a process
    that had claimed before gets no answers. A clock that leaps admits no token twice, as with
    :class:`MemoryReplayStore`: the file remembers until when the last of the forgotten were to be
    kept.

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
        if not isinstance(text, str) or not text or "\0" in text or not _has_encoding(text):
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
                damaged, deleted, was replaced by another just now, may have forgotten the token
                because the clock leapt, or if this is no claim.
            ConfigurationError: If the clock is no clock.
        """
        now_seconds = int(read_clock(self._now))
        if not is_claim(key, expires_at) or now_seconds + LEAST_REMEMBERED_SECONDS >= END_OF_TIME:
            raise ReplayStoreError(NO_CLAIM)
        lock, until = self._guard.lock, time.monotonic() + WAIT_SECONDS
        held: list[Lock] = []
        try:
            # One call into C: no signal handler runs between getting the lock and noting it down.
            held.extend(filter(methodcaller("acquire", timeout=WAIT_SECONDS), (lock,)))
            if not held:
                raise ReplayStoreError("the replay store did not answer: too many claims wait")
            answer = self._file.claim(key, now_seconds, expires_at, until)
        finally:
            for each in held:
                each.release()
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
            time.sleep(POLL_SECONDS)

    def _made(self) -> bool:
        try:
            connection = self._open("rwc")
            if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
                raise _UnusableFileError("its file system has no shared memory")
            connection.execute("BEGIN IMMEDIATE")
            ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
            if tables == 0:
                for statement in SCHEMA:
                    connection.execute(statement)
            ((found,),) = connection.execute("PRAGMA application_id")
            if found != APPLICATION_ID:
                raise _UnusableFileError("it is another program's")
            connection.execute("DELETE FROM claim WHERE key = x''")  # fails where it is read-only
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            return False
        finally:
            self.close()
        return True

    def claim(self, key: bytes, now_seconds: int, expires_at: int, until: float) -> bool | str:
        """Whether the key is a new one, or why that cannot be said.

        Args:
            key: What is claimed.
            now_seconds: What has ended by then may be forgotten.
            expires_at: When the key's token ends.
            until: Reading of the monotonic clock at which waiting for others ends.
        """
        answer: bool | str = "interrupted"
        try:
            connection = self._opened()
            answer = claimed(connection, key, now_seconds, expires_at, until)
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


def _has_encoding(path: str) -> bool:
    with suppress(UnicodeEncodeError):
        return bool(os.fsencode(path))
    return False


def _identity_of(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _name_of(error: Exception) -> str:
    """What went wrong, in a word that holds no path and no text of others."""
    if isinstance(error, _UnusableFileError):
        return str(error)
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
