"""``ageassure verify`` and ``ageassure inspect``: what a platform does with a token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from ageassure.cli.output import command_with_json, emit
from ageassure.errors import ConfigurationError
from ageassure.files import read_at_most
from ageassure.results import MethodClass
from ageassure.tokens import JWKSet
from ageassure.tokens.clock import utc_now
from ageassure.tokens.jws import parse_compact
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier import MemoryReplayStore, TokenVerifier

_MAX_READ_BYTES: Final = 65_536
"""More than any token or proof has; what is longer is refused for its length."""


def read_token(argument: str) -> str:
    """The argument itself, or standard input for ``-``; a token in a process list can be stolen."""
    return read_text(argument) if argument == "-" else argument


def read_text(path: str) -> str:
    """What a file or, for ``-``, standard input holds; its beginning where that is too long.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    try:
        content = _of_input() if path == "-" else read_at_most(path, _MAX_READ_BYTES)
    except (OSError, RuntimeError):  # the latter where standard input is closed
        pass
    else:
        return content.decode("ascii", "replace").strip()
    raise ConfigurationError("cannot read the file or standard input")


def _of_input() -> bytes:
    with click.open_file("-", "rb") as stream:
        content: bytes = stream.read(_MAX_READ_BYTES)
        return content


def read_key_set(path: Path) -> JWKSet:
    """Load a JWK Set from a file.

    Raises:
        ConfigurationError: If it cannot be read; KeySetError if it must not be used.
    """
    try:
        text = read_at_most(path, MAX_KEY_SET_BYTES + 1)
    except OSError as error:
        reason = error.strerror
    else:
        return JWKSet.from_json(bytes(text))
    raise ConfigurationError(f"cannot read {path}: {reason}")


@click.command()
@click.argument("token")
@click.option(
    "--jwks",
    "jwks_path",
    type=click.Path(path_type=Path),
    required=True,
    help="The issuer's JWK Set.",
)
@click.option("--issuer", required=True, help="The issuer that the set belongs to (iss).")
@click.option("--audience", required=True, help="Your own name, as in the request.")
@click.option("--nonce", required=True, help="The nonce of the request.")
@click.option("--age-over", type=int, help="Require: has completed this many years.")
@click.option("--age-under", type=int, help="Require: has not completed this many years.")
@click.option(
    "--method",
    "methods",
    multiple=True,
    type=click.Choice([method.value for method in MethodClass]),
    help="Accept this method class only (repeatable).",
)
@click.option(
    "--holder-proof",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Demand that the proof in this file is by the key that the token is bound to; - reads "
    "standard input.",
)
@command_with_json
def verify(
    token: str,
    jwks_path: Path,
    issuer: str,
    audience: str,
    nonce: str,
    age_over: int | None,
    age_under: int | None,
    methods: tuple[str, ...],
    holder_proof: str | None,
    *,
    as_json: bool,
) -> None:
    """Verify TOKEN offline; - reads it from standard input.

    Replay is not seen here, where every call starts anew: a server keeps a replay store.
    """
    verifier = TokenVerifier(
        issuers={issuer: read_key_set(jwks_path)},
        audience=audience,
        replay_store=MemoryReplayStore(now=utc_now),
        now=utc_now,
    )
    if (token, holder_proof) == ("-", "-"):
        raise ConfigurationError("got - for both token and holder proof, expected it once")
    verified = verifier.verify(
        read_token(token),
        nonce=nonce,
        age_over=age_over,
        age_under=age_under,
        methods=frozenset(map(MethodClass, methods)) or None,
        holder_proof=None if holder_proof is None else read_text(holder_proof),
    )
    asked = f"over {age_over}" if age_over is not None else f"under {age_under}"
    emit(
        {
            "verified": True,
            "issuer": verified.issuer,
            "age_over": verified.age_over,
            "age_under": verified.age_under,
            "method_class": verified.method_class,
            "level": verified.level,
            "holder_proven": holder_proof is not None,
            "expires_at": verified.expires_at.isoformat(),
        },
        [
            f"verified: {asked}, by {verified.issuer}",
            f"method class {verified.method_class or 'not told'}",
            f"assurance level {verified.level or 'not told'}",
            f"holder's key {'not asked for' if holder_proof is None else 'proven'}",
            f"expires {verified.expires_at.isoformat()}",
        ],
        as_json=as_json,
    )


@click.command()
@click.argument("token")
@command_with_json
def inspect(token: str, *, as_json: bool) -> None:
    """Show what TOKEN (or standard input, for -) says UNVERIFIED: anybody may have written it."""
    parsed = parse_compact(read_token(token))
    payload = parsed.payload.decode("utf-8", "replace")
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        claims = None
    emit(
        {"verified": False, "unverified_header": parsed.header, "unverified_claims": claims},
        [
            "UNVERIFIED: nothing below has been checked",
            "header  " + json.dumps(parsed.header),
            "claims  " + (json.dumps(claims, indent=2) if claims is not None else "(no JSON)"),
        ],
        as_json=as_json,
    )
