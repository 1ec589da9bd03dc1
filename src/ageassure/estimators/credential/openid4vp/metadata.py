"""What a request says of the verifier: formats, algorithms and a key (section 5.1, appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ageassure.estimators.credential.openid4vp.encryption import KEY_BYTES
from ageassure.estimators.credential.openid4vp.query import MDOC_FORMAT, SD_JWT_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.estimators.credential.openid4vp.query import AgeQuery

SD_JWT_ALGORITHMS: Final = ("ES256", "PS256", "RS256", "EdDSA", "Ed25519")
KEY_BINDING_ALGORITHMS: Final = ("ES256", "EdDSA", "Ed25519")
MDOC_ALGORITHMS: Final = (-7, -35, -36, -8)
"""ES256, ES384, ES512 and EdDSA (RFC 9053, 2)."""


def client_metadata(query: AgeQuery, encryption_jwk: Mapping[str, str] | None) -> dict[str, Any]:
    """``client_metadata`` of a request.

    Args:
        query: What is asked; only its formats are announced.
        encryption_jwk: Public key for an encrypted answer; None for a plain one.
    """
    formats: dict[str, Any] = {}
    if query.sd_jwt_types:
        formats[SD_JWT_FORMAT] = {
            "sd-jwt_alg_values": list(SD_JWT_ALGORITHMS),
            "kb-jwt_alg_values": list(KEY_BINDING_ALGORITHMS),
        }
    if query.mdoc_types:
        formats[MDOC_FORMAT] = {
            "issuerauth_alg_values": list(MDOC_ALGORITHMS),
            "deviceauth_alg_values": list(MDOC_ALGORITHMS),
        }
    metadata: dict[str, Any] = {"vp_formats_supported": formats}
    if encryption_jwk is not None:
        metadata["jwks"] = {"keys": [encryption_jwk]}
        metadata["encrypted_response_enc_values_supported"] = list(KEY_BYTES)
    return metadata
