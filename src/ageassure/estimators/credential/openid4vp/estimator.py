"""The answer of a wallet as evidence: read, and given to whoever reads its format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from ageassure.errors import ConfigurationError
from ageassure.estimators.base import Estimator
from ageassure.estimators.credential.openid4vp.answers import (
    BrowserAnswer,
    DirectPostAnswer,
    presented,
)
from ageassure.estimators.credential.openid4vp.query import MDOC_NAMESPACES
from ageassure.estimators.credential.refusal import assess_alone, malformed
from ageassure.estimators.credential.sd_jwt_vc import SDJWTEstimator, SDJWTPresentation
from ageassure.tokens import base64url

if TYPE_CHECKING:
    from ageassure.estimators.credential.mdoc import BrowserSession, RedirectSession
    from ageassure.estimators.credential.openid4vp.request import WalletRequest
    from ageassure.results import AgeEstimate


@final
class WalletAgeEstimator:
    """Reads the age out of wallets' answers. Keeps nothing, and is safe for threads.

    NOT checked: that a request is answered once. Take the stored request out of your store when its
    first answer comes, whatever becomes of it.

    Args:
        sd_jwt: Reads SD-JWT VCs; None: they are refused. Its types should be those that you ask
            for.
        mdocs: :class:`~ageassure.estimators.credential.mdoc.MdocEstimator` by document type (extra
            ``mdoc``). Other types are refused.

    Raises:
        ConfigurationError: If there is neither, or one is none.
    """

    __slots__ = ("_mdocs", "_sd_jwt")

    def __init__(
        self,
        *,
        sd_jwt: SDJWTEstimator | None,
        mdocs: Mapping[str, Estimator[Any]],
    ) -> None:
        given: object = mdocs
        if not isinstance(given, Mapping) or (sd_jwt is None and not given):
            raise ConfigurationError("got neither sd_jwt nor mdocs, expected at least one")
        if sd_jwt is not None and not isinstance(sd_jwt, SDJWTEstimator):
            raise ConfigurationError("got an sd_jwt that is no SDJWTEstimator")
        if not given.keys() <= MDOC_NAMESPACES.keys():
            raise ConfigurationError(f"got unknown mdocs, expected {sorted(MDOC_NAMESPACES)}")
        if not all(isinstance(each, Estimator) for each in given.values()):
            raise ConfigurationError("got an mdoc that is no estimator")
        self._sd_jwt = sd_jwt
        self._mdocs = dict(mdocs)

    def estimate(self, evidence: DirectPostAnswer | BrowserAnswer) -> AgeEstimate:
        """Read one answer, verify the presentation in it, and read the age out of that.

        Raises:
            CredentialError: If it is refused; the code says why.
            ConfigurationError: If the evidence is neither.
        """
        held: list[object] = [evidence]
        del evidence
        if isinstance(held[0], BrowserAnswer):
            return assess_alone(self._assessed, held, BrowserAnswer)
        return assess_alone(self._assessed, held, DirectPostAnswer)

    def _assessed(self, evidence: DirectPostAnswer | BrowserAnswer) -> AgeEstimate:
        document_type, content = presented(evidence)
        request = evidence.request
        if document_type is not None:
            return self._of_mdoc(document_type, content, request)
        if self._sd_jwt is None:
            raise malformed("got an SD-JWT VC, which is not read here")
        return self._sd_jwt.estimate(
            SDJWTPresentation(presentation=content, audience=request.audience, nonce=request.nonce)
        )

    def _of_mdoc(self, document_type: str, content: str, request: WalletRequest) -> AgeEstimate:
        estimator = self._mdocs.get(document_type)
        device_response = base64url.decode_text(content)
        if estimator is None or device_response is None:
            raise malformed("got an mdoc that is not read here, or not in base64url")
        from ageassure.estimators.credential.mdoc import MdocPresentation  # its reader is there

        return estimator.estimate(
            MdocPresentation(device_response=device_response, session=_session(request))
        )


def _session(request: WalletRequest) -> RedirectSession | BrowserSession:
    """What the device must have signed over (appendix B.2.6)."""
    from ageassure.estimators.credential.mdoc import BrowserSession, RedirectSession

    jwk = request.encryption_jwk
    thumbprint = None if jwk is None else base64url.decode_text(jwk["kid"])
    if request.mode.by_browser:
        return BrowserSession(
            origin=str(request.origin), nonce=request.nonce, key_thumbprint=thumbprint
        )
    return RedirectSession(
        client_id=str(request.client_id),
        nonce=request.nonce,
        response_uri=str(request.response_uri),
        key_thumbprint=thumbprint,
    )
