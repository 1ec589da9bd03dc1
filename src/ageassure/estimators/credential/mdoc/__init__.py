"""Mobile documents as evidence of an age (extra ``mdoc``).

EU proof of age (``eu.europa.ec.av.1``) and ISO mobile driving licence (ISO/IEC 18013-5), presented
by OpenID4VP or by ``org-iso-mdoc`` over the Digital Credentials API.
"""

from __future__ import annotations

from ageassure.estimators.credential.mdoc.document import (
    EU_PROOF_OF_AGE,
    MOBILE_DRIVING_LICENCE,
    DocumentType,
)
from ageassure.estimators.credential.mdoc.estimator import MdocEstimator, MdocPresentation
from ageassure.estimators.credential.mdoc.issuers import DocumentAuthorities
from ageassure.estimators.credential.mdoc.request import (
    PROTOCOL,
    IsoRequest,
    open_answer,
    request_age,
)
from ageassure.estimators.credential.mdoc.session import (
    BrowserSession,
    IsoSession,
    RedirectSession,
    Session,
)

__all__ = [
    "EU_PROOF_OF_AGE",
    "MOBILE_DRIVING_LICENCE",
    "PROTOCOL",
    "BrowserSession",
    "DocumentAuthorities",
    "DocumentType",
    "IsoRequest",
    "IsoSession",
    "MdocEstimator",
    "MdocPresentation",
    "RedirectSession",
    "Session",
    "open_answer",
    "request_age",
]
