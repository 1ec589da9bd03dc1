"""What a presentation is bound to: the session transcript (ISO/IEC 18013-5, 9.1.5.1).

The holder's device signs over it, so that a presentation serves one request only. All of it comes
from what the caller stored with the request, nothing from the answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.mdoc.cbor import encode
from ageassure.results import checked_audience, checked_nonce


def _checked_thumbprint(value: object) -> None:
    if value is not None and not (type(value) is bytes and len(value) == 32):
        raise ConfigurationError("got a malformed key thumbprint, expected 32 bytes or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectSession:
    """OpenID4VP 1.0 with a response sent to an address (appendix B.2.6.1).

    Attributes:
        client_id: The verifier's client identifier, with its prefix.
        nonce: The request's nonce.
        response_uri: Where the wallet sends its answer.
        key_thumbprint: SHA-256 thumbprint (RFC 7638) of the key that the answer is encrypted to,
            32 bytes; None where it is not encrypted.

    Raises:
        ConfigurationError: If one of these is malformed.
    """

    client_id: str
    nonce: str = field(repr=False)
    response_uri: str
    key_thumbprint: bytes | None

    def __post_init__(self) -> None:
        checked_audience(self.client_id)
        checked_audience(self.response_uri)
        checked_nonce(self.nonce)
        _checked_thumbprint(self.key_thumbprint)

    def transcript(self) -> list[object]:
        """The session transcript, to be encoded."""
        info = encode([self.client_id, self.nonce, self.key_thumbprint, self.response_uri])
        return [None, None, ["OpenID4VPHandover", hashlib.sha256(info).digest()]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """OpenID4VP 1.0 over the Digital Credentials API (appendix B.2.6.2).

    Attributes:
        origin: The web origin that asked, such as ``https://age.example``.
        nonce: The request's nonce.
        key_thumbprint: As :class:`RedirectSession`.

    Raises:
        ConfigurationError: If one of these is malformed.
    """

    origin: str
    nonce: str = field(repr=False)
    key_thumbprint: bytes | None

    def __post_init__(self) -> None:
        checked_audience(self.origin)
        checked_nonce(self.nonce)
        _checked_thumbprint(self.key_thumbprint)

    def transcript(self) -> list[object]:
        """The session transcript, to be encoded."""
        info = encode([self.origin, self.nonce, self.key_thumbprint])
        return [None, None, ["OpenID4VPDCAPIHandover", hashlib.sha256(info).digest()]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoSession:
    """``org-iso-mdoc`` over the Digital Credentials API (ISO/IEC TS 18013-7, annex C).

    Attributes:
        origin: The web origin that asked.
        encryption_info: What was sent as ``encryptionInfo``; it holds the nonce and the key.

    Raises:
        ConfigurationError: If one of these is malformed.
    """

    origin: str
    encryption_info: str = field(repr=False)

    def __post_init__(self) -> None:
        checked_audience(self.origin)
        if not (type(self.encryption_info) is str and 0 < len(self.encryption_info) < 4096):
            raise ConfigurationError("got a malformed encryption_info")

    def transcript(self) -> list[object]:
        """The session transcript, to be encoded."""
        info = encode([self.encryption_info, self.origin])
        return [None, None, ["dcapi", hashlib.sha256(info).digest()]]


Session: TypeAlias = RedirectSession | BrowserSession | IsoSession
