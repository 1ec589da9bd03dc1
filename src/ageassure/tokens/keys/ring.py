"""An issuer's keys over time: published before they sign, and until their last token has expired.

A ring is a folder with one private PEM file for each key and ``ring.json``, which holds nothing
secret. Its keys pass through four states::

    waiting   published; signs from a set time on, when every relying party has it
    signing   exactly one
    leaving   signs no more; published until its last token has expired
    expired   no longer published; can be retired

Which state a key is in follows from the clock alone. One process changes a ring at a time.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, final

from ageassure.errors import KeySetError
from ageassure.files import read_at_most
from ageassure.results import THUMBPRINT_PATTERN
from ageassure.tokens.keys.key_set import JWKSet
from ageassure.tokens.keys.signing import SigningKey
from ageassure.tokens.strict_json import parse_object

PUBLISH_BEFORE_SECONDS: Final = 3630
"""How long a key is published before it signs: the longest that this library's key client takes a
set for fresh (one hour), and its cooldown after a fetch (30 seconds)."""

HELD_SECONDS: Final = 600
"""How long an issuer may go on with a key before it asks the ring again."""

OVERLAP_SECONDS: Final = HELD_SECONDS + 960
"""How long a key is published after its time to sign: an issuer may hold it a while longer, then
come a token's life and a verifier's leeway."""

RING_FILE: Final = "ring.json"
FORMAT: Final = "ageassure-key-ring-1"
MAX_RING_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RingEntry:
    """One key's times, POSIX seconds.

    Attributes:
        kid: RFC 7638 thumbprint; the PEM file's name.
        alg: JWS name of the algorithm.
        signs_from: When it begins to sign.
        signs_until: When it ceases to; None while no other key is to follow.
    """

    kid: str
    alg: str
    signs_from: int
    signs_until: int | None = None

    @property
    def published_until(self) -> int | None:
        """When its last token has expired; None while no end is set."""
        return None if self.signs_until is None else self.signs_until + OVERLAP_SECONDS

    def state(self, now_seconds: int) -> str:
        """``waiting``, ``signing``, ``leaving`` or ``expired``."""
        if now_seconds < self.signs_from:
            return "waiting"
        if self.signs_until is None or now_seconds < self.signs_until:
            return "signing"
        assert self.published_until is not None  # noqa: S101 - signs_until is set
        return "leaving" if now_seconds < self.published_until else "expired"


_MEMBERS: Final = {field.name for field in fields(RingEntry)}


@final
class KeyRing:
    """The keys in one folder.

    Args:
        folder: The folder; made by the first :meth:`rotate`, readable by its owner alone.

    Raises:
        KeySetError: If the folder's ``ring.json`` cannot be read or is malformed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._entries = _read(self._folder / RING_FILE)

    @property
    def entries(self) -> tuple[RingEntry, ...]:
        """All keys, in the order in which they sign."""
        return self._entries

    def signing_key(self, now_seconds: int) -> SigningKey:
        """The key that signs now. An issuer asks again at least every :data:`HELD_SECONDS`.

        Raises:
            KeySetError: If no key signs now, or its file is not this key.
        """
        return self._load(self._signing(now_seconds))

    def key_set(self, now_seconds: int) -> JWKSet:
        """What is to be published now.

        Raises:
            KeySetError: If nothing is, or a file is not its entry's key.
        """
        published = [e for e in self._entries if e.state(now_seconds) != "expired"]
        return JWKSet(keys=tuple(self._load(entry).public for entry in published))

    def rotate(self, now_seconds: int, *, alg: str = "ES256") -> RingEntry:
        """Make a new key. The first one signs at once, another after it was published long enough.

        Raises:
            KeySetError: If a key is waiting already, ``alg`` is unknown, or a file cannot be
                written.
        """
        if any(entry.state(now_seconds) == "waiting" for entry in self._entries):
            raise KeySetError("got a ring with a key that waits to sign, expected none")
        first = not any(entry.state(now_seconds) == "signing" for entry in self._entries)
        starts = now_seconds if first else now_seconds + PUBLISH_BEFORE_SECONDS
        entry = self._made(starts, alg)
        before = (_ending(old, starts) for old in self._entries)
        self._write((*before, entry))
        return entry

    def retire(self, kid: str, now_seconds: int) -> None:
        """Remove a key whose last token has expired, and delete its file.

        Raises:
            KeySetError: If the ring has no such key, or it is still published; or if its file
                cannot be deleted, though the ring no longer names it.
        """
        entry = self._entry(kid)
        if entry.state(now_seconds) != "expired":
            state = entry.state(now_seconds)
            raise KeySetError(f"got a key that is {state}, expected one that has expired")
        self._drop(entry, self._entries)

    def retire_compromised(self, kid: str, now_seconds: int) -> None:
        """Remove a key at once, whatever its state, and delete its file.

        If it was the one that signs, the waiting key signs at once, or a new one is made that does.
        Relying parties refuse its tokens when they next fetch the set; those who must not wait
        deny the ``kid`` at their key client.

        Raises:
            KeySetError: If the ring has no such key, or a file cannot be written; or if its file
                cannot be deleted, though the ring no longer names it.
        """
        entry = self._entry(kid)
        others = tuple(other for other in self._entries if other is not entry)
        if entry.state(now_seconds) == "signing":
            waiting = [o for o in others if o.state(now_seconds) == "waiting"]
            follower = waiting[0] if waiting else self._made(now_seconds, entry.alg)
            others = tuple(o for o in others if o is not follower)
            others = (*others, replace(follower, signs_from=now_seconds))
        elif entry.state(now_seconds) == "waiting":
            # The one before it goes on: nobody follows it any more.
            others = tuple(
                replace(o, signs_until=None) if o.signs_until == entry.signs_from else o
                for o in others
            )
        self._drop(entry, others)

    def _signing(self, now_seconds: int) -> RingEntry:
        for entry in self._entries:
            if entry.state(now_seconds) == "signing":
                return entry
        raise KeySetError("got a ring without a key that signs now, expected one")

    def _entry(self, kid: str) -> RingEntry:
        for entry in self._entries:
            if entry.kid == kid:
                return entry
        raise KeySetError("got a kid that the ring does not have")

    def _made(self, starts: int, alg: str) -> RingEntry:
        key = SigningKey.generate(alg)
        reason: str | None = None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror
        if reason is not None:
            raise KeySetError(f"cannot make the ring's folder: {reason}")
        key.save(self._pem(key.kid))
        return RingEntry(kid=key.kid, alg=key.alg, signs_from=starts)

    def _load(self, entry: RingEntry) -> SigningKey:
        key = SigningKey.load(self._pem(entry.kid), alg=entry.alg)
        if key.kid != entry.kid:
            raise KeySetError("got a key file that is not the key that the ring names")
        return key

    def _drop(self, entry: RingEntry, entries: tuple[RingEntry, ...]) -> None:
        # The list first: a file without an entry is harmless, an entry without its file is not.
        self._write(tuple(other for other in entries if other is not entry))
        reason: str | None = None
        try:
            self._pem(entry.kid).unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror
        if reason is not None:
            raise KeySetError(f"the key is out of use, but its file cannot be deleted: {reason}")

    def _pem(self, kid: str) -> Path:
        return self._folder / f"{kid}.pem"

    def _write(self, entries: tuple[RingEntry, ...]) -> None:
        document = {"format": FORMAT, "keys": [asdict(entry) for entry in entries]}
        new = self._folder / f"{RING_FILE}.new"
        reason: str | None = None
        try:
            new.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
            new.replace(self._folder / RING_FILE)
        except OSError as error:
            reason = error.strerror
        if reason is not None:
            raise KeySetError(f"cannot write the ring: {reason}")
        self._entries = entries


def _ending(entry: RingEntry, at: int) -> RingEntry:
    return replace(entry, signs_until=at) if entry.signs_until is None else entry


def _read(path: Path) -> tuple[RingEntry, ...]:
    if not path.exists():
        return ()
    content = b""
    with suppress(OSError):
        content = bytes(read_at_most(path, MAX_RING_BYTES + 1))
    document = parse_object(content) if len(content) <= MAX_RING_BYTES else None
    entries = None if document is None else _entries_of(document)
    if entries is None:
        raise KeySetError(f"cannot use {RING_FILE}: it is no key ring")
    return entries


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
    kid, until = members["kid"], members["signs_until"]
    return (
        # The kid becomes a file's name: only a thumbprint may.
        isinstance(kid, str)
        and THUMBPRINT_PATTERN.fullmatch(kid) is not None
        and isinstance(members["alg"], str)
        and type(members["signs_from"]) is int
        and (until is None or type(until) is int)
    )
