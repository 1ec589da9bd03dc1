"""What is checked beside key, claims and what was asked: header, times, holder, replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ageassure.errors import (
    HolderProofError,
    LifetimeError,
    MalformedTokenError,
    ReplayedTokenError,
    ReplayStoreError,
    TokenExpiredError,
    TokenNotYetValidError,
    WrongTokenTypeError,
)
from ageassure.tokens.claims import MAX_LIFETIME_SECONDS, TOKEN_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.tokens.claims import AgeClaims
    from ageassure.verifier.expectation import Expectation
    from ageassure.verifier.replay import ReplayStore

_HEADER_MEMBERS: Final = frozenset({"typ", "alg", "kid"})
_TYPES: Final = (TOKEN_TYPE, f"application/{TOKEN_TYPE}")


def check_header(header: Mapping[str, object]) -> None:
    """The rest of step 2, and step 3.

    Raises:
        MalformedTokenError: If there are members that an age token's header does not have.
        WrongTokenTypeError: If ``typ`` is not an age token's.
    """
    if not header.keys() <= _HEADER_MEMBERS:
        raise MalformedTokenError("got unknown header members", code="malformed_header")
    if header.get("typ") not in _TYPES:
        raise WrongTokenTypeError("got another typ, expected an age token's")


def check_times(claims: AgeClaims, now_seconds: float, leeway_seconds: int) -> None:
    """Step 10.

    Raises:
        TokenExpiredError: If ``exp`` has passed.
        TokenNotYetValidError: If ``iat`` lies in the future.
        LifetimeError: If it lives longer than the format allows, or not at all.
    """
    issued_at, expires_at = claims.issued_at, claims.expires_at
    if now_seconds >= expires_at + leeway_seconds:
        raise TokenExpiredError("got a token that has expired")
    if now_seconds < issued_at - leeway_seconds:
        raise TokenNotYetValidError("got a token of the future")
    if not 0 < expires_at - issued_at <= MAX_LIFETIME_SECONDS:
        raise LifetimeError(f"got a lifetime that is not 1 to {MAX_LIFETIME_SECONDS} seconds")


def check_holder(
    holder_proof: str | None,
    *,
    token: str,
    claims: AgeClaims,
    expected: Expectation,
    now_seconds: float,
    leeway_seconds: int,
) -> None:
    """Step 13, for a token whose audience and nonce are the expected ones.

    Raises:
        HolderProofError: If the token is not bound to the key demanded, or the proof is not by it.
    """
    if claims.holder_jkt is None or expected.holder_jkt not in (None, claims.holder_jkt):
        raise HolderProofError("got a token that is not bound to the holder's key")
    from ageassure.tokens.holder import verify_holder_proof  # few relying parties need it

    verify_holder_proof(
        holder_proof,
        token=token,
        jkt=claims.holder_jkt,
        audience=claims.audience,
        nonce=expected.nonce,
        now_seconds=now_seconds,
        leeway_seconds=leeway_seconds,
    )


def claim_once(store: ReplayStore, key: bytes, expires_at: int) -> None:
    """Step 14.

    Raises:
        ReplayedTokenError: If the store says that it has the key.
        ReplayStoreError: If it says neither that it has it nor that it had not.
    """
    first: object = None
    reason = "the replay store did not answer"
    try:
        first = store.claim(key, expires_at)
    except ReplayStoreError as error:
        reason = str(error)
    except Exception:  # noqa: BLE001, S110 - a store may raise anything; raised below
        pass
    if first is False:
        raise ReplayedTokenError("got a token that was accepted before")
    if first is not True:
        raise ReplayStoreError(reason)
