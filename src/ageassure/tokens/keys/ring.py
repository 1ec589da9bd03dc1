"""An issuer's keys over time: published before they sign, and until their last token has expired.

A ring is a folder with one private PEM file for each key and ``ring.json``, which holds nothing
secret. Its keys pass through four states::

    waiting   from its making; signs from a set time after it was first published
    signing   exactly one
    leaving   signs no more; published until its last token has expired
    expired   no longer published; can be retired

Which state a key is in follows from the clock alone, once it was published. One process changes a
ring at a time; another that tries to is refused.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens.keys.key_set import JWKSet
from ageassure.tokens.keys.ring_file import (
    END_OF_TIME,
    RingEntry,
    changing,
    make_folder,
    read_ring,
    write_ring,
)
from ageassure.tokens.keys.signing import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLISH_BEFORE_SECONDS: Final = 25 * 3600
"""How long a key is published before it signs: the longest for which a key client of this library
can be told to take a set for fresh (a day); and an hour for its cooldown, for caches on the way,
and for whatever copies the published files to where they are served."""

_LATEST_NOW: Final = END_OF_TIME // 2


@final
class KeyRing:
    """The keys in one folder.

    Args:
        folder: The folder; made by the first :meth:`rotate`, for its owner alone.

    Raises:
        KeySetError: If the folder's ``ring.json`` cannot be read or is malformed, or on POSIX
            others than its owner may write to the folder.
    """

    def __init__(self, folder: Path) -> None:
        given: object = folder
        if not isinstance(given, (str, Path)):
            raise KeySetError("got no path of a key ring's folder")
        self._folder = Path(given)
        self._entries = read_ring(self._folder)

    @property
    def entries(self) -> tuple[RingEntry, ...]:
        """All keys, in the order in which they sign."""
        return self._entries

    def signing_key(self, now_seconds: int) -> SigningKey:
        """The key that signs now. An issuer asks again at least every ten minutes.

        Raises:
            ConfigurationError: If ``now_seconds`` is no time.
            KeySetError: If no key signs now, or its file is not this key.
        """
        return self._load(self._signing(_checked(now_seconds)))

    def key_set(self, now_seconds: int) -> JWKSet:
        """What is to be published now. Tell :meth:`note_published` when it has been.

        Raises:
            ConfigurationError: If ``now_seconds`` is no time.
            KeySetError: If nothing is, or a file is not its entry's key.
        """
        now = _checked(now_seconds)
        published = [e for e in self._entries if e.state(now) != "expired"]
        return JWKSet(keys=tuple(self._load(entry).public for entry in published))

    def note_published(self, key_set: JWKSet, now_seconds: int) -> RingEntry | None:
        """Note that a set is served; a waiting key that is in it for the first time gets its times.

        Args:
            key_set: Of :meth:`key_set`, as it was published.
            now_seconds: A moment at which it already was.

        Returns:
            The key that now knows when it signs, or None: it knew before, or none waits.

        Raises:
            ConfigurationError: If ``now_seconds`` is no time.
            KeySetError: If it is no set, another process is changing the ring, or it cannot be
                written.
        """
        starts = _checked(now_seconds) + PUBLISH_BEFORE_SECONDS
        if not isinstance(key_set, JWKSet):
            raise KeySetError("got no JWKSet that was published")
        if not any(_is_new_in(key_set, entry) for entry in self._entries):
            return None
        with self._changing():
            for entry in self._entries:
                if _is_new_in(key_set, entry):
                    noted = replace(entry, signs_from=starts)
                    before = (_ending(o, starts) for o in self._entries if o is not entry)
                    self._write((*before, noted))
                    return noted
        return None

    def rotate(self, now_seconds: int, *, alg: str = "ES256") -> RingEntry:
        """Make a new key.

        The first one signs at once; another :data:`PUBLISH_BEFORE_SECONDS` after it was published
        first (:meth:`note_published`), and never if it is not.

        Raises:
            ConfigurationError: If ``now_seconds`` is no time.
            KeySetError: If a key is waiting already, ``alg`` is unknown, another process is
                changing the ring, or a file cannot be written.
        """
        now = _checked(now_seconds)
        make_folder(self._folder)
        with self._changing():
            if any(entry.state(now) == "waiting" for entry in self._entries):
                raise KeySetError("got a ring with a key that waits to sign, expected none")
            first = not any(entry.state(now) == "signing" for entry in self._entries)
            entry = self._made(now if first else None, alg)
            self._write((*self._entries, entry))
            return entry

    def retire(self, kid: str, now_seconds: int) -> None:
        """Remove a key whose last token has expired, and delete its file.

        Raises:
            ConfigurationError: If ``now_seconds`` is no time.
            KeySetError: If the ring has no such key, or it is still published; if another process
                is changing the ring; or if the key's file cannot be deleted, though the ring no
                longer names it.
        """
        now = _checked(now_seconds)
        with self._changing():
            entry = self._entry(kid)
            state = entry.state(now)
            if state != "expired":
                raise KeySetError(f"got a key that is {state}, expected one that has expired")
            self._drop(entry, self._entries)

    def retire_compromised(self, kid: str, now_seconds: int) -> None:
        """Remove a key at once, whatever its state, and delete its file.

        If it was the one that signs, the waiting key signs at once, or a new one is made that does.
        Relying parties refuse its tokens when they next fetch the set; those who must not wait
        deny the ``kid`` at their key client.

        Raises:
            ConfigurationError: If ``now_seconds`` is no time.
            KeySetError: If the ring has no such key, another process is changing the ring, or a
                file cannot be written; or if the key's file cannot be deleted, though the ring no
                longer names it.
        """
        now = _checked(now_seconds)
        with self._changing():
            entry = self._entry(kid)
            others = tuple(other for other in self._entries if other is not entry)
            if entry.state(now) == "signing":
                waiting = [o for o in others if o.state(now) == "waiting"]
                follower = waiting[0] if waiting else self._made(now, entry.alg)
                others = tuple(o for o in others if o is not follower)
                others = (*others, replace(follower, signs_from=now))
            elif entry.state(now) == "waiting":
                # The one before it goes on: nobody follows it any more.
                others = tuple(
                    replace(o, signs_until=None) if o.signs_until == entry.signs_from else o
                    for o in others
                )
            self._drop(entry, others)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change what is there now, which may be another list than the one that was read first."""
        with changing(self._folder):
            self._entries = read_ring(self._folder)
            yield

    def _signing(self, now: int) -> RingEntry:
        for entry in self._entries:
            if entry.state(now) == "signing":
                return entry
        raise KeySetError("got a ring without a key that signs now, expected one")

    def _entry(self, kid: str) -> RingEntry:
        for entry in self._entries:
            if entry.kid == kid:
                return entry
        raise KeySetError("got a kid that the ring does not have")

    def _made(self, starts: int | None, alg: str) -> RingEntry:
        key = SigningKey.generate(alg)
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
        write_ring(self._folder, entries)
        self._entries = entries


def _is_new_in(key_set: JWKSet, entry: RingEntry) -> bool:
    return entry.signs_from is None and key_set.get(entry.kid) is not None


def _ending(entry: RingEntry, at: int) -> RingEntry:
    return replace(entry, signs_until=at) if entry.signs_until is None else entry


def _checked(now_seconds: object) -> int:
    """A moment that a ring can hold, with what is added to it.

    Raises:
        ConfigurationError: If it is none.
    """
    if type(now_seconds) is not int or not 0 <= now_seconds < _LATEST_NOW:
        raise ConfigurationError("got another now_seconds, expected POSIX seconds as an int")
    return now_seconds
