"""What the gate keeps in the platform's own session: open challenges, and results with their time.

Frameworks serialise sessions as JSON and notice only that a key was set, so the whole state is one
JSON value that is read, replaced and written. What is read may be old or foreign: whatever is not
as this module writes it counts as absent.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from ageassure.errors import ConfigurationError
from ageassure.results import THUMBPRINT_PATTERN
from ageassure.tokens import base64url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ageassure.integrations.limits import AgeLimit

SESSION_KEY: Final = "ageassure"
SECRET_BYTES: Final = 32

CLOCK_SKEW_SECONDS: Final = 60
"""How far ahead of this machine's clock a time written by another of the platform's may be."""


class PlatformSession(Protocol):
    """The little that is asked of a framework's session."""

    def get(self, key: str, /) -> object:
        """The value of a key, or None."""
        ...

    def __setitem__(self, key: str, value: object, /) -> None:
        """Set a key to a JSON value."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A question that waits for its answer.

    Attributes:
        limit: What is asked.
        secret: 32 random bytes; they stay in the session.
        opened_at: POSIX seconds.
        holder_jkt: Thumbprint of the key that the answer must be bound to, or None.
    """

    limit: AgeLimit
    secret: bytes = field(repr=False)
    opened_at: int
    holder_jkt: str | None = field(default=None, repr=False)

    @property
    def nonce(self) -> str:
        """The nonce of the request, which the session itself never holds."""
        return base64url.encode(sha256(self.secret).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that the gate keeps in one session.

    Attributes:
        challenges: Open challenges, oldest first.
        passed: Limits passed, each with the POSIX seconds of its acceptance.
    """

    challenges: tuple[Challenge, ...]
    passed: Mapping[AgeLimit, int]

    def write(self, session: PlatformSession) -> bool:
        """Replace what the session holds; False if the session fails."""
        content = {
            "open": [
                [
                    challenge.limit.name,
                    base64url.encode(challenge.secret),
                    challenge.opened_at,
                    *(() if challenge.holder_jkt is None else (challenge.holder_jkt,)),
                ]
                for challenge in self.challenges
            ],
            "passed": {limit.name: moment for limit, moment in self.passed.items()},
        }
        try:
            session[SESSION_KEY] = content
        except Exception:  # noqa: BLE001 - a session's store may raise anything
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReader:
    """Reads what is still of use out of a session.

    Attributes:
        limits: The limits asked about, by name.
        challenge_seconds: How long a challenge stays open.
        result_seconds: How long a result counts.
        demand_holder_proof: Whether a challenge without a holder's key counts as absent.
    """

    limits: Mapping[str, AgeLimit]
    challenge_seconds: int
    result_seconds: int
    demand_holder_proof: bool

    def read(self, session: PlatformSession, now_seconds: float) -> State | None:
        """The open challenges and standing results; expired and malformed ones are left out.

        None if the session fails.
        """
        try:
            kept = session.get(SESSION_KEY)
        except Exception:  # noqa: BLE001 - as in State.write
            return None
        entries = kept if isinstance(kept, dict) else {}
        opened, passed = entries.get("open"), entries.get("passed")
        challenges = (
            self._challenge(entry, now_seconds)
            for entry in (opened if isinstance(opened, list) else ())
        )
        return State(
            challenges=tuple(challenge for challenge in challenges if challenge is not None),
            passed={
                self.limits[name]: moment
                for name, moment in (passed if isinstance(passed, dict) else {}).items()
                if name in self.limits and _stands(moment, now_seconds, self.result_seconds)
            },
        )

    def _challenge(self, entry: object, now_seconds: float) -> Challenge | None:
        holder_jkt: str | None = None
        match entry:
            case [str(name), str(text), int(opened_at)] if not self.demand_holder_proof:
                pass
            case [str(name), str(text), int(opened_at), str(holder_jkt)] if is_thumbprint(
                holder_jkt
            ):
                pass
            case _:
                return None
        limit, secret = self.limits.get(name), base64url.decode_text(text)
        if (
            limit is None
            or secret is None
            or len(secret) != SECRET_BYTES
            or not _stands(opened_at, now_seconds, self.challenge_seconds)
        ):
            return None
        return Challenge(limit=limit, secret=secret, opened_at=opened_at, holder_jkt=holder_jkt)


def new_secret(random_bytes: Callable[[int], bytes]) -> bytes:
    """A challenge's secret.

    Raises:
        ConfigurationError: If the source of randomness raises, or gives anything but its 32 bytes.
    """
    secret: object = None
    with suppress(Exception):  # the caller's code may raise anything; raised below
        secret = random_bytes(SECRET_BYTES)
    if not isinstance(secret, bytes) or len(secret) != SECRET_BYTES:
        raise ConfigurationError("got random_bytes that does not give as many bytes as asked for")
    return secret


def is_thumbprint(value: object) -> bool:
    """Whether it looks like the RFC 7638 thumbprint of a key."""
    return isinstance(value, str) and THUMBPRINT_PATTERN.fullmatch(value) is not None


def _stands(moment: object, now_seconds: float, lifetime_seconds: int) -> bool:
    # Compared and not subtracted: an integer may be too large for that.
    return type(moment) is int and (
        moment - CLOCK_SKEW_SECONDS <= now_seconds < moment + lifetime_seconds
    )
