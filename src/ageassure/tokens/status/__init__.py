"""Token Status List (draft-ietf-oauth-status-list-20), in its JWT form: build, sign, read.

An issuer publishes one long array with a few bits for each credential that it has issued; a
credential names the list's URI and its own place in it. Our own tokens live for 15 minutes at most
and carry no status. This is for credentials of others, and for a profile with a longer life.

Not here: the CWT form, and status list aggregation.
"""

from __future__ import annotations

from ageassure.tokens.status.lists import (
    BITS,
    INVALID,
    MAX_LIST_BYTES,
    SUSPENDED,
    VALID,
    StatusList,
    StatusListBuilder,
)
from ageassure.tokens.status.reading import (
    MAX_STATUS_TOKEN_BYTES,
    STATUS_LIST_TYPE,
    VerifiedStatusList,
    read_status_list,
)
from ageassure.tokens.status.reference import StatusReference
from ageassure.tokens.status.signing import MAX_TTL_SECONDS, sign_status_list

__all__ = [
    "BITS",
    "INVALID",
    "MAX_LIST_BYTES",
    "MAX_STATUS_TOKEN_BYTES",
    "MAX_TTL_SECONDS",
    "STATUS_LIST_TYPE",
    "SUSPENDED",
    "VALID",
    "StatusList",
    "StatusListBuilder",
    "StatusReference",
    "VerifiedStatusList",
    "read_status_list",
    "sign_status_list",
]
