"""What the world is told: problem details (RFC 9457), the same for every refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHENTICATION_SCHEME: Final = "AgeToken"
"""Scheme of the ``Authorization`` field that carries a token (RFC 9110, 11.6.2). This field,
because proxies and error reporters that keep credentials out of their logs know it."""

_NO_STORE: Final = ("Cache-Control", "no-store")
_PROBLEM: Final = ("Content-Type", "application/problem+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP response of the gate.

    Attributes:
        status: Status code.
        body: Its content; hidden in ``repr``, for it may hold a nonce.
        headers: Field names and values, ``Cache-Control: no-store`` among them.
    """

    status: int
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...]


def problem(
    status: int, title: str, detail: str, *more_headers: tuple[str, str], **members: str
) -> Answer:
    """A problem of the type ``about:blank``: the title is the status code's own phrase."""
    content = {"title": title, "status": status, "detail": detail, **members}
    return Answer(
        status=status,
        body=json.dumps(content).encode("ascii"),
        headers=(_NO_STORE, _PROBLEM, *more_headers),
    )


REFUSED: Final = problem(
    403, "Forbidden", "The age token was not accepted. Start again with a new challenge."
)
"""For every refusal of what was presented, whatever the reason."""

NO_HOLDER_KEY: Final = problem(
    400,
    "Bad Request",
    "The thumbprint of a one-time key is needed, in the form field holder_jkt.",
)
NOT_ALLOWED: Final = problem(
    405, "Method Not Allowed", "Only POST is answered here.", ("Allow", "POST")
)
NO_SESSION: Final = problem(
    503, "Service Unavailable", "The session cannot be read or written just now."
)
NOT_FOUND: Final = problem(404, "Not Found", "No such age limit is asked for here.")
PASSED: Final = Answer(status=204, body=b"", headers=(_NO_STORE,))


def age_required(challenge_path: str) -> Answer:
    """No age result yet; points to where a challenge is to be had."""
    return problem(
        401,
        "Unauthorized",
        "An age result is needed.",
        ("WWW-Authenticate", AUTHENTICATION_SCHEME),
        challenge=challenge_path,
    )


def too_many_challenges(retry_after_seconds: int) -> Answer:
    """This session has as many open challenges as it may."""
    return problem(
        429,
        "Too Many Requests",
        "Too many age challenges are open.",
        ("Retry-After", str(retry_after_seconds)),
    )


def challenge_opened(members: Mapping[str, object]) -> Answer:
    """The age request for the provider, as JSON."""
    return Answer(
        status=201,
        body=json.dumps(members).encode("ascii"),
        headers=(_NO_STORE, ("Content-Type", "application/json")),
    )


def passed_by_form(next_path: str) -> Answer:
    """Accepted; the browser goes on to a page of the platform."""
    return Answer(status=303, body=b"", headers=(_NO_STORE, ("Location", next_path)))
