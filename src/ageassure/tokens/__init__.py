"""Age tokens: keys, claims, compact JWS, holder proofs, and the issuer.

The issuer is loaded on first use: a relying party never needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.tokens.keys import JWKSet, PublicJWK, Signer, SigningKey

if TYPE_CHECKING:
    from ageassure.tokens.holder import make_holder_proof
    from ageassure.tokens.issuer import TokenIssuer

__all__ = [
    "JWKSet",
    "PublicJWK",
    "Signer",
    "SigningKey",
    "TokenIssuer",
    "make_holder_proof",
]

_LATER = {"TokenIssuer": "issuer", "make_holder_proof": "holder"}


def __getattr__(name: str) -> object:
    home = _LATER.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
