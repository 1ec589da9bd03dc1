"""Asking for an age and nothing else, by ``org-iso-mdoc`` over the Digital Credentials API.

ISO/IEC TS 18013-7, annex C: the request names the elements and an encryption key of its own; the
answer comes back encrypted by HPKE (RFC 9180: base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
AES-128-GCM) with the session transcript as its information.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.mdoc.cbor import MAX_BYTES, decode, embedded, encode
from ageassure.estimators.credential.mdoc.estimator import MdocPresentation
from ageassure.estimators.credential.mdoc.session import IsoSession
from ageassure.estimators.credential.refusal import malformed, refused
from ageassure.results import checked_age_limit, checked_audience
from ageassure.tokens import base64url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ageassure.estimators.credential.mdoc.document import DocumentType

PROTOCOL: Final = "org-iso-mdoc"
NONCE_BYTES: Final = 16
_POINT_BYTES: Final = 65
_SUITE: Final = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_MAX_CHARACTERS: Final = MAX_BYTES * 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoRequest:
    """A request for an age, and what the caller stores until the answer comes.

    Attributes:
        device_request: ``deviceRequest`` of the request, base64url.
        encryption_info: ``encryptionInfo`` of the request, base64url.
        origin: The web origin that asks.
        private_key: PKCS #8, DER: to be stored in the session on the server, used for one answer
            and dropped. Hidden in ``repr``.
    """

    device_request: str
    encryption_info: str = field(repr=False)
    origin: str
    private_key: bytes = field(repr=False)

    @property
    def data(self) -> dict[str, str]:
        """The member ``data`` of the browser's request for :data:`PROTOCOL`."""
        return {"deviceRequest": self.device_request, "encryptionInfo": self.encryption_info}


def request_age(
    age_limits: Collection[int],
    *,
    document_type: DocumentType,
    origin: str,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> IsoRequest:
    """Ask whether somebody has completed so many years; ask to keep nothing.

    Args:
        age_limits: One or more; each becomes ``age_over_NN``.
        document_type: Which document is asked for.
        origin: The web origin that asks.
        random_bytes: Randomness of the nonce; the key's is the system's.

    Raises:
        ConfigurationError: If a limit or the origin is malformed.
    """
    checked_audience(origin)
    limits = sorted({checked_age_limit(limit) for limit in age_limits})
    if not limits:
        raise ConfigurationError("got no age limits, expected at least one")
    wanted = {f"age_over_{limit:02}": False for limit in limits}
    items = {
        "docType": document_type.doc_type,
        "nameSpaces": {document_type.namespace: wanted},
    }
    asked = {"version": "1.0", "docRequests": [{"itemsRequest": embedded(encode(items))}]}
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    key = {1: 2, -1: 1, -2: point[1:33], -3: point[33:]}
    info = ["dcapi", {"nonce": random_bytes(NONCE_BYTES), "recipientPublicKey": key}]
    return IsoRequest(
        device_request=base64url.encode(encode(asked)),
        encryption_info=base64url.encode(encode(info)),
        origin=origin,
        private_key=private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    )


def open_answer(answer: object, request: IsoRequest) -> MdocPresentation:
    """Decrypt an answer to ``request``; the estimator then judges what is in it.

    Args:
        answer: The member ``response`` of the browser's answer, base64url.
        request: What was stored with the request.

    Raises:
        CredentialError: ``credential_malformed``, or ``credential_wrong_transaction`` if it was not
            encrypted to this request's key.
        ConfigurationError: If the stored private key is none.
    """
    if not isinstance(answer, str) or len(answer) > _MAX_CHARACTERS:
        raise malformed("got an answer that is no short text")
    encoded = base64url.decode_text(answer)
    match None if encoded is None else decode(encoded):
        case ["dcapi", {"enc": bytes(enc), "cipherText": bytes(ciphertext)}]:
            pass
        case _:
            raise malformed("got an answer of another form")
    if len(enc) != _POINT_BYTES:
        raise malformed("got an answer with a malformed key")
    session = IsoSession(origin=request.origin, encryption_info=request.encryption_info)
    private = _private_key(request.private_key)
    opened: bytes | None = None
    with suppress(InvalidTag, ValueError):  # raised below, without its frames
        opened = _SUITE.decrypt(enc + ciphertext, private, info=encode(session.transcript()))
    if opened is None:
        raise refused(
            "got an answer that was not encrypted to this request",
            code="credential_wrong_transaction",
        )
    return MdocPresentation(device_response=opened, session=session)


def _private_key(data: bytes) -> ec.EllipticCurvePrivateKey:
    key: object = None
    with suppress(ValueError, TypeError):
        key = load_der_private_key(data, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ConfigurationError("got a stored private key that is no P-256 key")
    return key
