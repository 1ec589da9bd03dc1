"""Keys: public ones as JWKs and JWK Sets, checked when loaded, and private ones that sign.

What signs is loaded on first use: a relying party never needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ageassure.tokens.keys.key_set import MAX_KEY_SET_BYTES, MAX_KEYS, JWKSet
from ageassure.tokens.keys.public import (
    JWK_ALGORITHMS,
    PublicJWK,
    jwk_thumbprint,
    same_algorithm,
)

if TYPE_CHECKING:
    from ageassure.tokens.keys.signing import Signer, SigningKey

__all__ = [
    "JWK_ALGORITHMS",
    "MAX_KEYS",
    "MAX_KEY_SET_BYTES",
    "JWKSet",
    "PublicJWK",
    "Signer",
    "SigningKey",
    "jwk_thumbprint",
    "same_algorithm",
]


def __getattr__(name: str) -> object:
    if name not in ("Signer", "SigningKey"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.signing"), name)
