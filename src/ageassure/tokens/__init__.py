"""Age tokens: keys, claims, compact JWS, holder proofs, and the issuer.

Everything is loaded on first use: a relying party needs neither what signs nor the issuer.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageassure.tokens.holder import make_holder_proof
    from ageassure.tokens.issuer import TokenIssuer
    from ageassure.tokens.keys import JWKSet, PublicJWK, Signer, SigningKey

__all__ = ["JWKSet", "PublicJWK", "Signer", "SigningKey", "TokenIssuer", "make_holder_proof"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {"TokenIssuer": "issuer", "make_holder_proof": "holder"}.get(name, "keys")
    return getattr(import_module(f"{__name__}.{home}"), name)
