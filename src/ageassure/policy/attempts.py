"""How many estimates, and how many tokens, one (audience, nonce) has had."""

from __future__ import annotations

import hashlib
import heapq
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from ageassure.errors import AttemptStoreError, ConfigurationError
from ageassure.forking import ForkableLock
from ageassure.policy.strict import whole

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_CAPACITY: Final = 1_000_000
"""About 250 MB when full."""


@runtime_checkable
class AttemptStore(Protocol):
    """Counts, atomically and for a while.

    Where several processes or hosts serve the same audiences, they must share one store, and it
    must not evict what has not expired. A store that cannot answer raises.
    """

    def take(self, key: bytes, *, limit: int, expires_at: int) -> bool:
        """Count one more under ``key`` unless ``limit`` were counted already.

        Reading and counting are one atomic act. The first count of a key fixes when it is
        forgotten; later ones do not prolong it.

        Args:
            key: 32 bytes.
            limit: Most that are counted.
            expires_at: POSIX seconds until which the key must be remembered.

        Returns:
            True if it was counted, False if ``limit`` had been reached. Anything else, and any
            exception, refuses the request.
        """
        ...


def attempt_key(audience: str, nonce: str, step: str) -> bytes:
    """Key under which attempts at one step are counted; ``""`` for a policy without steps."""
    return _key("attempt", audience, nonce, step)


def token_key(audience: str, nonce: str) -> bytes:
    """Key under which the one token of an (audience, nonce) is claimed."""
    return _key("token", audience, nonce)


def _key(*parts: str) -> bytes:
    """SHA-256 over the parts, each with its length before it: no two lists share an encoding."""
    digest = hashlib.sha256()
    for part in parts:
        # Lone surrogates are printable to nobody, but must not crash the counting either.
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.digest()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MemoryAttemptStore:
    """Attempts in the memory of one process: bounded, safe for threads and for ``fork``.

    A full store refuses; it never forgets an entry before its time. Everything is forgotten when
    the process ends. After a ``fork`` parent and child each go on with a copy of their own.

    Args:
        capacity: Most keys that are held at once.
        now: Clock that gives aware datetimes; the provider's.

    Raises:
        ConfigurationError: If ``capacity`` is no int of 1 or more.
    """

    def __init__(
        self, capacity: int = DEFAULT_CAPACITY, *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._capacity = whole(capacity, "capacity", 1, 1_000_000_000)
        self._now = now
        self._counts: dict[bytes, int] = {}
        self._expiries: list[tuple[int, bytes]] = []
        self._guard = ForkableLock()

    def take(self, key: bytes, *, limit: int, expires_at: int) -> bool:
        """As :meth:`AttemptStore.take`.

        Raises:
            AttemptStoreError: If the store is full, or ``expires_at`` has passed by its clock: it
                would be forgotten at once, and counted for nothing.
            ConfigurationError: If the clock gives no aware datetime.
        """
        moment = self._now()
        if moment.utcoffset() is None:
            raise ConfigurationError("got a clock that gives naive datetimes, expected aware ones")
        now_seconds = moment.timestamp()
        if expires_at <= now_seconds:
            raise AttemptStoreError("got a key that has expired by the attempt store's clock")
        with self._guard.lock:
            while self._expiries and self._expiries[0][0] <= now_seconds:
                del self._counts[heapq.heappop(self._expiries)[1]]
            count = self._counts.get(key, 0)
            if count >= limit:
                return False
            if not count:
                if len(self._counts) >= self._capacity:
                    raise AttemptStoreError("the attempt store is full")
                heapq.heappush(self._expiries, (expires_at, key))
            self._counts[key] = count + 1
            return True

    def __len__(self) -> int:
        """Keys held; those that have expired leave with the next count."""
        return len(self._counts)
