"""OpenID for Verifiable Presentations 1.0, on the verifier's side: ask a wallet about an age alone.

A request asks for one statement about one limit, in whichever of the named kinds of credential the
wallet holds; nothing here can ask for more. The request is data: the caller stores it, hands its
parameters to the wallet, and gives it back together with the answer.

Response modes: ``direct_post`` and ``direct_post.jwt`` (section 8), ``dc_api`` and ``dc_api.jwt``
(Digital Credentials API, appendix A; signed and unsigned requests). Not here: serving a request
object at ``request_uri``, wallet nonces (``request_uri_method=post``), multi-signed requests,
transaction data, other encryption than ECDH-ES on P-256 with A128GCM or A256GCM, and formats other
than ``dc+sd-jwt`` and ``mso_mdoc``.
"""

from __future__ import annotations

from ageassure.estimators.credential.openid4vp.answers import BrowserAnswer, DirectPostAnswer
from ageassure.estimators.credential.openid4vp.encryption import ResponseKey
from ageassure.estimators.credential.openid4vp.estimator import WalletAgeEstimator
from ageassure.estimators.credential.openid4vp.query import AgeQuery
from ageassure.estimators.credential.openid4vp.request import ResponseMode, WalletRequest
from ageassure.estimators.credential.openid4vp.signing import signed_request

__all__ = [
    "AgeQuery",
    "BrowserAnswer",
    "DirectPostAnswer",
    "ResponseKey",
    "ResponseMode",
    "WalletAgeEstimator",
    "WalletRequest",
    "signed_request",
]
