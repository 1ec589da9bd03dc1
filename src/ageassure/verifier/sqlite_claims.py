"""What the SQLite replay store says to its file: claims, and what is forgotten with them."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from ageassure.verifier.replay import FORGETTING_SECONDS, LEAST_REMEMBERED_SECONDS, UNSURE

# SQLite's own waiting sleeps up to 100 ms at a time, and starves beside a busy neighbour.
POLL_SECONDS: Final = 0.001

# Two leave for one that enters, so that what has expired is always gone in the end; and many where
# the file is full, of which only whole pages help.
_FORGOTTEN_PER_CLAIM: Final = 2
_FORGOTTEN_WHEN_FULL: Final = 1000

# "age1", and the version of the schema: another program's file is not written to. The number that
# SQLite leaves to applications (user_version, 32 bits) is the minute by which all that was
# forgotten had ended; 0 in a file that has forgotten nothing.
APPLICATION_ID: Final = 0x61676531
SCHEMA: Final = (
    "CREATE TABLE claim (key BLOB PRIMARY KEY, forget_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX claim_forget_at ON claim (forget_at)",
    f"PRAGMA application_id = {APPLICATION_ID}",
)
_ENDED: Final = "SELECT key, forget_at FROM claim WHERE forget_at < ? ORDER BY forget_at LIMIT ?"
_FORGET: Final = "DELETE FROM claim WHERE key = ?"
_KNOWN: Final = "SELECT count(*) FROM claim WHERE key = ?"
_CLAIM: Final = "INSERT INTO claim (key, forget_at) VALUES (?, ?) ON CONFLICT DO NOTHING"


def claimed(
    connection: sqlite3.Connection, key: bytes, now_seconds: int, expires_at: int, until: float
) -> bool | str:
    """Claim a key in one transaction: whether it is a new one, or why that cannot be said.

    Raises:
        sqlite3.Error: If the file does not take it, or others keep it locked until ``until``.
    """
    try:
        return _claimed_at_once(connection, key, now_seconds, expires_at, until)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            raise
    # The failure has undone what was forgotten with the claim: forget by itself, then claim again.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    _begin(connection, until)
    _forget(connection, now_seconds, _FORGOTTEN_WHEN_FULL)
    connection.execute("COMMIT")
    return _claimed_at_once(connection, key, now_seconds, expires_at, until)


def _claimed_at_once(
    connection: sqlite3.Connection, key: bytes, now_seconds: int, expires_at: int, until: float
) -> bool | str:
    _begin(connection, until)
    forgotten_until = _forget(connection, now_seconds, _FORGOTTEN_PER_CLAIM)
    answer: bool | str
    if expires_at < forgotten_until:
        ((known,),) = connection.execute(_KNOWN, (key,))
        answer = False if known else UNSURE
    else:
        forget_at = max(expires_at, now_seconds + LEAST_REMEMBERED_SECONDS)
        answer = connection.execute(_CLAIM, (key, forget_at)).rowcount == 1
    connection.execute("COMMIT")
    return answer


def _forget(connection: sqlite3.Connection, now_seconds: int, count: int) -> int:
    """Forget what has ended; by when all that ever was forgotten had, POSIX seconds."""
    ((minute,),) = connection.execute("PRAGMA user_version")
    due = now_seconds // FORGETTING_SECONDS * FORGETTING_SECONDS
    ended = connection.execute(_ENDED, (due, count)).fetchall()
    if ended:
        connection.executemany(_FORGET, ((key,) for key, _ in ended))
        last = ended[-1][1] // FORGETTING_SECONDS + 1
        if last > minute:
            minute = last
            connection.execute(f"PRAGMA user_version = {minute}")
    return int(minute * FORGETTING_SECONDS)


def _begin(connection: sqlite3.Connection, until: float) -> None:
    """Get the one lock for writing, or raise when ``until`` has come (monotonic clock)."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() >= until:
                raise
        time.sleep(POLL_SECONDS)


def is_locked(error: sqlite3.OperationalError) -> bool:
    """Whether others hold the lock that was wanted."""
    # The low byte is the kind, the others say more (SQLITE_BUSY_RECOVERY).
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
