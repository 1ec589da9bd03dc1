"""A request as a signed object (OpenID4VP 1.0, section 5; RFC 9101)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError
from ageassure.tokens.jws import sign_compact
from ageassure.tokens.strict_json import dump_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.estimators.credential.openid4vp.request import WalletRequest
    from ageassure.tokens.keys import Signer

REQUEST_TYPE: Final = "oauth-authz-req+jwt"
STATIC_WALLET: Final = "https://self-issued.me/v2"
"""``aud`` of a signed request to a wallet that was not discovered (section 5.8)."""


def signed_request(
    request: WalletRequest, *, signing_key: Signer, certificates: Sequence[bytes] = ()
) -> str:
    """Sign a request (RFC 9101): serve it at your ``request_uri``, or pass it to the browser.

    Args:
        request: One with a ``client_id``.
        signing_key: The key that the client identifier stands for.
        certificates: DER, the key's own first, for ``x509_san_dns`` and ``x509_hash``; not checked.

    Returns:
        A compact JWS; its media type is ``application/oauth-authz-req+jwt``. Through a browser it
        is ``{"request": …}`` in the ``data`` of the request.

    Raises:
        ConfigurationError: If the request has no ``client_id``.
        IssuanceError: If the key cannot sign.
    """
    if request.client_id is None:
        raise ConfigurationError("got a request without client_id, which is never signed")
    header: dict[str, object] = {"typ": REQUEST_TYPE, "alg": signing_key.alg}
    if certificates:
        header["x5c"] = [base64.b64encode(each).decode("ascii") for each in certificates]
    else:
        header["kid"] = signing_key.kid
    payload = {"iss": request.client_id, "aud": STATIC_WALLET, **request.parameters()}
    return sign_compact(header, dump_object(payload), signing_key)
