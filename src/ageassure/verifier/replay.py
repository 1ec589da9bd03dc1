"""Replay stores: each token is accepted once."""

from __future__ import annotations

from hashlib import sha256
from heapq import heappop, heappush
from typing import Final, Protocol, final

from ageassure.errors import ConfigurationError, ReplayStoreError
from ageassure.forking import ForkableLock
from ageassure.tokens.clock import Clock, read_clock, utc_now

DEFAULT_CAPACITY: Final = 1_000_000

LEAST_REMEMBERED_SECONDS: Final = 1020
"""No token is accepted for longer than this after it was first: 15 minutes of life and twice the
greatest leeway of a minute. Remembered for so long by a clock that does not leap, it is refused
whatever that clock shows."""

FORGETTING_SECONDS: Final = 60
"""Entries are forgotten by the minute: the first full one after their end."""

END_OF_TIME: Final = 2**31 * FORGETTING_SECONDS
"""Nothing is remembered until then (POSIX seconds, in the year 6053), for SQLite counts minutes in
32 bits."""

KEY_BYTES: Final = 32

NO_CLAIM: Final = "got no claim: 32 bytes, and POSIX seconds as an int"
UNSURE: Final = "it may have forgotten this token: its clock has shown a later time"

# Two leave for one that enters, so that what has expired is always gone in the end.
_FORGOTTEN_PER_CLAIM: Final = 2


class ReplayStore(Protocol):
    """Remembers which tokens were accepted, until they expire.

    An implementation for several processes or machines must record atomically (``SET key 1 NX
    EXAT …`` in Redis, never a look-up and then a write), must not evict what has not expired (with
    an ``allkeys-*`` eviction policy Redis re-admits replays), and must refuse when it cannot
    answer.
    """

    def claim(self, key: bytes, expires_at: int) -> bool:
        """Record a token as accepted, atomically.

        Args:
            key: 32 bytes, see :func:`replay_key`.
            expires_at: POSIX seconds until which it must be remembered: the end of the token, and
                the verifier's leeway.

        Returns:
            True if it was not recorded before; False if it was. Anything else, and any exception,
            makes the verifier refuse the token with
            :class:`~ageassure.errors.ReplayStoreError`.
        """
        ...


def replay_prefix(issuer: str, audience: str) -> bytes:
    """The part of :func:`replay_key`'s input that is the same for all tokens of an issuer."""
    return _length_prefixed(issuer) + _length_prefixed(audience)


def replay_key(prefix: bytes, token_id: str) -> bytes:
    """SHA-256 over iss, aud and jti, each in UTF-8 after its length in 8 bytes, big-endian.

    Not over the token: an ECDSA signature has two valid forms. Not over ``jti`` alone: another
    issuer could use it up.

    Args:
        prefix: Of :func:`replay_prefix`.
        token_id: ``jti``.
    """
    return sha256(prefix + _length_prefixed(token_id)).digest()


def is_claim(key: object, expires_at: object) -> bool:
    """Whether a store can remember it: 32 bytes, and a time before :data:`END_OF_TIME`."""
    return (
        type(key) is bytes
        and len(key) == KEY_BYTES
        and type(expires_at) is int
        and 0 <= expires_at < END_OF_TIME
    )


def _length_prefixed(text: str) -> bytes:
    data = text.encode("utf-8")
    return len(data).to_bytes(8, "big") + data


@final
class MemoryReplayStore:
    """Replay store for one process; bounded, safe for threads, the same speed at any size.

    An entry is kept until it expires, and for :data:`LEAST_REMEMBERED_SECONDS` at least. Until when
    the last of the forgotten were to be kept is remembered, too: a token that would have ended by
    then is refused, so that a clock that leaps, forward or back, admits none twice. After a leap
    forward and back that may refuse every token for up to 18 minutes, or, where tokens were
    accepted in a leap of more than 17, until the clock shows its time again. The clock must be the
    verifier's: beside one that is far ahead of it, all are refused once something was forgotten.
    The store is not shared between worker
    processes and forgets everything at a restart: there a token could be used once in each of them.
    After a ``fork`` parent and child each go on with a copy of their own.

    Args:
        capacity: Most entries kept at a time, about 150 bytes each. A full store refuses; it never
            forgets an entry that has not expired.
        now: Clock.

    Raises:
        ConfigurationError: If ``capacity`` is not a positive int.
    """

    __slots__ = (
        "_buckets",
        "_capacity",
        "_due",
        "_forgotten_until",
        "_guard",
        "_minutes",
        "_now",
        "_seen",
    )

    def __init__(self, capacity: int = DEFAULT_CAPACITY, *, now: Clock = utc_now) -> None:
        if type(capacity) is not int or capacity < 1:
            raise ConfigurationError("got another capacity, expected a positive int")
        self._capacity = capacity
        self._now = now
        self._guard = ForkableLock()
        self._seen: set[bytes] = set()
        # Keys by the minute from which they may be forgotten; the minutes in a heap, as few as
        # there are different expiries; the buckets whose minute has come, emptied little by little.
        self._buckets: dict[int, list[bytes]] = {}
        self._minutes: list[int] = []
        self._due: list[list[bytes]] = []
        # What was to be kept until this second or longer is remembered, whatever the clock did.
        self._forgotten_until = 0

    def claim(self, key: bytes, expires_at: int) -> bool:
        """Record a token as accepted; False if it was recorded before.

        Raises:
            ReplayStoreError: If the store is full, may have forgotten the token because its clock
                leapt, or gets no claim.
            ConfigurationError: If the clock is no clock.
        """
        if not is_claim(key, expires_at):
            raise ReplayStoreError(NO_CLAIM)
        now_seconds = read_clock(self._now)
        forget_at = int(now_seconds) + LEAST_REMEMBERED_SECONDS
        if expires_at > forget_at:
            forget_at = expires_at
        minute = forget_at // FORGETTING_SECONDS + 1
        with self._guard.lock:
            if self._due or (
                self._minutes and self._minutes[0] * FORGETTING_SECONDS <= now_seconds
            ):
                self._forget_some(now_seconds)
            if key in self._seen:
                return False
            if expires_at < self._forgotten_until:
                raise ReplayStoreError(f"the replay store did not answer: {UNSURE}")
            if len(self._seen) >= self._capacity:
                raise ReplayStoreError("the replay store is full")
            bucket = self._buckets.get(minute)
            if bucket is None:
                bucket = self._buckets[minute] = []
                heappush(self._minutes, minute)
            bucket.append(key)
            self._seen.add(key)
            return True

    def _forget_some(self, now_seconds: float) -> None:
        while self._minutes and self._minutes[0] * FORGETTING_SECONDS <= now_seconds:
            minute = heappop(self._minutes)
            self._due.append(self._buckets.pop(minute))
            # It only rises: nothing is taken up that ends earlier.
            self._forgotten_until = minute * FORGETTING_SECONDS
        for _ in range(_FORGOTTEN_PER_CLAIM):
            if not self._due:
                return
            bucket = self._due[-1]
            self._seen.discard(bucket.pop())
            if not bucket:
                self._due.pop()

    def __len__(self) -> int:
        """Entries held; those that have expired leave with the next claims."""
        return len(self._seen)
