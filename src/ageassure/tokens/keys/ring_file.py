"""A key ring's folder: the list of its keys, and the lock of whoever changes it."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import KeySetError
from ageassure.files import read_at_most
from ageassure.results import THUMBPRINT_PATTERN
from ageassure.tokens.keys.files import reason_of
from ageassure.tokens.keys.public import JWK_ALGORITHMS
from ageassure.tokens.strict_json import parse_object

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELD_SECONDS: Final = 600
"""How long an issuer may go on with a key before it asks the ring again."""

OVERLAP_SECONDS: Final = HELD_SECONDS + 960
"""How long a key is published after its time to sign: an issuer may hold it a while longer, then
come a token's life and a verifier's leeway."""

RING_FILE: Final = "ring.json"
LOCK_FILE: Final = "ring.lock"
FORMAT: Final = "ageassure-key-ring-1"
MAX_RING_BYTES: Final = 64 * 1024

END_OF_TIME: Final = 2**37
"""POSIX seconds, in the year 6325: every time in a ring lies before, and can be shown."""

_WRITTEN_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class RingEntry:
    """One key's times, POSIX seconds.

    Attributes:
        kid: RFC 7638 thumbprint; the PEM file's name.
        alg: JWS name of the algorithm.
        signs_from: When it begins to sign; None while it was never published.
        signs_until: When it ceases to; None while it is not settled when another follows.
    """

    kid: str
    alg: str
    signs_from: int | None
    signs_until: int | None = None

    @property
    def published_until(self) -> int | None:
        """When its last token has expired; None while no end is set."""
        return None if self.signs_until is None else self.signs_until + OVERLAP_SECONDS

    def state(self, now_seconds: int) -> str:
        """``waiting``, ``signing``, ``leaving`` or ``expired``."""
        if self.signs_from is None or now_seconds < self.signs_from:
            return "waiting"
        if self.signs_until is None or now_seconds < self.signs_until:
            return "signing"
        assert self.published_until is not None  # noqa: S101 - signs_until is set
        return "leaving" if now_seconds < self.published_until else "expired"


_MEMBERS: Final = {field.name for field in fields(RingEntry)}


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Be the only one to change the ring; the system ends the lock if the process dies.

    Raises:
        KeySetError: If another process is changing it, or the folder has no room for a lock.
    """
    reason: str | None = None
    descriptor = -1
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        _lock(descriptor)
    except (BlockingIOError, PermissionError) as error:
        reason = reason_of(error) if descriptor == -1 else "another process is changing it"
    except (OSError, ValueError) as error:
        reason = reason_of(error)
    try:
        if reason is not None:
            raise KeySetError(f"cannot change the ring: {reason}")
        yield
    finally:
        if descriptor != -1:
            os.close(descriptor)  # which ends the lock


def _lock(descriptor: int) -> None:
    """Lock a file without waiting.

    Raises:
        BlockingIOError: If another has locked it; on Windows PermissionError.
        OSError: If the file system has no locks.
    """
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def make_folder(folder: Path) -> None:
    """Make the ring's folder, for its owner alone, if it is not there.

    Raises:
        KeySetError: If it cannot be made.
    """
    reason: str | None = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = reason_of(error)
    if reason is not None:
        raise KeySetError(f"cannot make the ring's folder: {reason}")


def read_ring(folder: Path) -> tuple[RingEntry, ...]:
    """The ring's keys; none where there is no list yet.

    Raises:
        KeySetError: If the list cannot be read or is malformed, or on POSIX others than its owner
            may write to the folder.
    """
    reason: str | None = None
    content = b""
    try:
        if os.name == "posix" and folder.stat().st_mode & _WRITTEN_BY_OTHERS:
            reason = "others may write to its folder; set the folder's mode to 0700"
        else:
            content = bytes(read_at_most(folder / RING_FILE, MAX_RING_BYTES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, ValueError) as error:
        reason = reason_of(error)
    if reason is not None:
        raise KeySetError(f"cannot use {RING_FILE}: {reason}")
    document = parse_object(content) if len(content) <= MAX_RING_BYTES else None
    entries = None if document is None else _entries_of(document)
    if entries is None:
        raise KeySetError(f"cannot use {RING_FILE}: it is no key ring")
    return entries


def write_ring(folder: Path, entries: tuple[RingEntry, ...]) -> None:
    """Replace the list, whole or not at all.

    Raises:
        KeySetError: If it cannot be written.
    """
    document = {"format": FORMAT, "keys": [asdict(entry) for entry in entries]}
    new = folder / f"{RING_FILE}.new"
    reason: str | None = None
    try:
        new.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        new.replace(folder / RING_FILE)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise KeySetError(f"cannot write the ring: {reason}")


def _entries_of(document: dict[str, Any]) -> tuple[RingEntry, ...] | None:
    listed = document.get("keys")
    if document.get("format") != FORMAT or document.keys() != {"format", "keys"}:
        return None
    if not isinstance(listed, list) or not all(_is_entry(members) for members in listed):
        return None
    entries = tuple(RingEntry(**members) for members in listed)
    return entries if len({entry.kid for entry in entries}) == len(entries) else None


def _is_entry(members: object) -> bool:
    if not isinstance(members, dict) or members.keys() != _MEMBERS:
        return False
    kid, alg = members["kid"], members["alg"]
    return (
        # The kid becomes a file's name: only a thumbprint may.
        isinstance(kid, str)
        and THUMBPRINT_PATTERN.fullmatch(kid) is not None
        and isinstance(alg, str)
        and alg in JWK_ALGORITHMS
        and _is_time(members["signs_from"])
        and _is_time(members["signs_until"])
    )


def _is_time(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < END_OF_TIME)
