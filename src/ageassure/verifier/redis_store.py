"""Replay store for several hosts, in one Redis server (extra ``redis``)."""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from os import getpid
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import parse_qs, urlsplit

from ageassure.errors import ConfigurationError, MissingExtraError, ReplayStoreError
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.verifier.replay import LEAST_REMEMBERED_SECONDS, NO_CLAIM, is_claim

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    from ageassure.verifier.redis_connection import CONNECTIONS, begin_claim
except ModuleNotFoundError:
    redis = None  # type: ignore[assignment]
    RedisError = Exception  # type: ignore[assignment,misc]

if TYPE_CHECKING:
    from redis import Redis

CLAIM_SECONDS: Final = 2.0
"""How long a claim waits for Redis, connecting and all answers together, before the door closes."""

RENEWED_AFTER_SECONDS: Final = 60.0
"""How long a connection is used. The server is asked on each new one whether it is still fit."""

KEY_PREFIX: Final = b"ageassure:replay:"

# As many as threads claim at the moment. With the limit of redis-py's newer versions, 100, the next
# claim would be refused at once, though Redis is fit.
_MOST_CONNECTIONS: Final = sys.maxsize

# What a URL may say beside host, port, path and credentials. Redis-py would take anything:
# "socket_timeout=9999", "ssl_cert_reqs=none".
_URL_OPTIONS: Final = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_ERROR_WORD: Final = re.compile(r"[A-Z]{2,20}(?= )")


class _UnfitServerError(RedisError):
    """Never leaves this module; its text is a constant."""


@final
class RedisReplayStore:
    """Replay store that several hosts share; safe for threads and for ``fork``.

    A claim is one ``SET … NX EX``, which Redis executes atomically; it is never sent twice. The
    server must be a primary, alone or with replicas, not a cluster, and must never evict
    (``maxmemory-policy noeviction``): any other policy silently re-admits replays. It is asked
    (``INFO``) on every new connection, and connections are renewed every
    :data:`RENEWED_AFTER_SECONDS`.

    NOT checked: its clock, by which entries end: where it leaps forward, tokens are forgotten
    early; and where this host's leaps back, tokens live again that Redis has forgotten. Nor its
    durability. A server that restarts without ``appendonly yes``, or a replica
    that is promoted before it had the last writes, has forgotten tokens, each of which could then
    be used once more until it expires. Sentinel is not asked; give the address under which the
    primary of the moment is reached.

    Args:
        url: ``redis://``, ``rediss://`` (TLS, with the server's certificate and name checked) or
            ``unix://``, with credentials where needed. Options after ``?``: ``db``,
            ``ssl_ca_certs``, ``ssl_certfile``, ``ssl_keyfile``, no other.
        now: Clock.

    Raises:
        MissingExtraError: If the package ``redis`` is not installed.
        ConfigurationError: If the URL is malformed, or the server evicts, is a replica, or is part
            of a cluster.
        ReplayStoreError: If the server does not answer, or takes no claim with these credentials.
    """

    __slots__ = ("_now", "_pid", "_redis", "_renew_at", "_url")

    def __init__(self, url: str, *, now: Clock = utc_now) -> None:
        if redis is None:
            raise MissingExtraError("redis is missing: run pip install 'ageassure[redis]'")
        self._url = _checked_url(url)
        self._now = now
        self._connect()
        try:
            self._set(KEY_PREFIX, 1)
            return
        except Exception as error:  # noqa: BLE001 - not only redis-py's own; raised below
            unfit, reason = isinstance(error, _UnfitServerError), _reason_of(error)
        if unfit:
            raise ConfigurationError(f"got a Redis server that cannot be used: {reason}")
        raise ReplayStoreError(f"the replay store did not answer: {reason}")

    def claim(self, key: bytes, expires_at: int) -> bool:
        """Record a token as accepted; False if it was recorded before.

        An answer that is lost on its way counts as none: the token is refused, and may be used up.

        Raises:
            ReplayStoreError: If Redis is down, full, read-only, no longer fit or slower than
                :data:`CLAIM_SECONDS` (not counting the time that resolving its host's name takes),
                or if this is no claim.
            ConfigurationError: If the clock is no clock.
        """
        if not is_claim(key, expires_at):
            raise ReplayStoreError(NO_CLAIM)
        seconds = max(expires_at - int(read_clock(self._now)), LEAST_REMEMBERED_SECONDS)
        if time.monotonic() >= self._renew_at or self._pid != getpid():
            self._connect()
        try:
            return self._set(KEY_PREFIX + key, seconds)
        except Exception as error:  # noqa: BLE001 - not only redis-py's own; raised below
            reason = _reason_of(error)
        # A primary that was demoted keeps its connections open: ask the address again.
        self._connect()
        raise ReplayStoreError(f"the replay store did not answer: {reason}")

    def close(self) -> None:
        """Close this process's idle connections; the next claim opens others."""
        if self._pid == getpid():
            self._redis.connection_pool.disconnect(inuse_connections=False)

    def _set(self, name: bytes, seconds: int) -> bool:
        begin_claim(CLAIM_SECONDS)
        return self._redis.set(name, b"1", nx=True, ex=seconds) is True

    def _connect(self) -> None:
        """Begin anew without connections; nothing is sent. What is in use elsewhere runs out.

        In a forked child the parent's client must not be touched: its locks may be held.
        """
        self._redis = _client(self._url)
        self._pid = getpid()
        self._renew_at = time.monotonic() + RENEWED_AFTER_SECONDS


def _reason_of(error: Exception) -> str:
    """What went wrong, without any text of others.

    Redis repeats arguments in some of its messages; of these no more than a first word in capitals
    goes on, such as MISCONF.
    """
    if isinstance(error, _UnfitServerError):
        return f"it {error}"
    word = _ERROR_WORD.match(str(error)) if isinstance(error, redis.ResponseError) else None
    return type(error).__name__ if word is None else word[0]


def _checked_url(url: object) -> str:
    """A URL that redis-py reads as meant.

    Raises:
        ConfigurationError: If it is malformed, or holds other options.
    """
    good = False
    if isinstance(url, str):
        with suppress(ValueError):
            parts = urlsplit(url)
            if parts.scheme in CONNECTIONS and parse_qs(parts.query).keys() <= _URL_OPTIONS:
                _client(url)  # raises for a port or a database that is none
                good = True
    if not good:
        raise ConfigurationError("got a malformed Redis URL, or one with unknown options")
    return str(url)


def _client(url: str) -> Redis:
    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {"ssl_check_hostname": True} if scheme == "rediss" else {}
    return redis.Redis.from_url(
        url,
        connection_class=CONNECTIONS[scheme],
        max_connections=_MOST_CONNECTIONS,
        # A claim that was sent again could find itself.
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        redis_connect_func=_check_server,
        **options,
    )


def _check_server(connection: Any) -> None:  # noqa: ANN401 - its methods have no types
    """Greet a server, and see on the same connection that it is fit."""
    connection.on_connect()
    connection.send_command("INFO")
    answer = connection.read_response()
    if not isinstance(answer, bytes):
        raise _UnfitServerError("does not answer as Redis does")
    told = dict(line.partition(b":")[::2] for line in answer.splitlines())
    if told.get(b"redis_mode") != b"standalone":
        raise _UnfitServerError("is a cluster's or a sentinel, expected one of its own")
    if told.get(b"role") != b"master":
        raise _UnfitServerError("is a replica, expected a primary")
    if told.get(b"maxmemory_policy") != b"noeviction":
        raise _UnfitServerError("may evict, expected maxmemory-policy noeviction")
    connection.greeted()
