"""Key sets that change: a client that fetches an issuer's JWK Set from one pinned address.

Loaded on first use: a relying party that pins fixed sets loads neither TLS nor HTTP.
"""

from __future__ import annotations

from ageassure.verifier.jwks.client import JWKSetClient
from ageassure.verifier.jwks.fetch import HTTPSFetcher
from ageassure.verifier.jwks.file import FileFetcher
from ageassure.verifier.jwks.foreign import IssuerMetadataFetcher, metadata_uri, read_foreign_set
from ageassure.verifier.jwks.source import (
    AwaitableKeySource,
    KeySetFetcher,
    KeySetResponse,
    KeySource,
)
from ageassure.verifier.jwks.state import KeyClientStatus, KeySetState

__all__ = [
    "AwaitableKeySource",
    "FileFetcher",
    "HTTPSFetcher",
    "IssuerMetadataFetcher",
    "JWKSetClient",
    "KeyClientStatus",
    "KeySetFetcher",
    "KeySetResponse",
    "KeySetState",
    "KeySource",
    "metadata_uri",
    "read_foreign_set",
]
