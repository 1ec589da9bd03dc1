"""Keys: public ones as JWKs and JWK Sets, checked when loaded, and private ones that sign."""

from __future__ import annotations

from ageassure.tokens.keys.key_set import MAX_KEY_SET_BYTES, MAX_KEYS, JWKSet
from ageassure.tokens.keys.public import (
    JWK_ALGORITHMS,
    PublicJWK,
    PublicKey,
    jwk_thumbprint,
    same_algorithm,
)
from ageassure.tokens.keys.signing import Signer, SigningKey

__all__ = [
    "JWK_ALGORITHMS",
    "MAX_KEYS",
    "MAX_KEY_SET_BYTES",
    "JWKSet",
    "PublicJWK",
    "PublicKey",
    "Signer",
    "SigningKey",
    "jwk_thumbprint",
    "same_algorithm",
]
