"""The status of a credential: whoever has one needs somebody who checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ageassure.errors import StatusError
from ageassure.estimators.credential.refusal import refused
from ageassure.tokens.status import StatusReference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.verifier.status import StatusChecker


def require_valid_status(members: Mapping[str, object], checker: StatusChecker | None) -> None:
    """Refuse a credential that is revoked or suspended, or whose status nobody can tell.

    Args:
        members: What the issuer has signed; its member ``status``, if there is one, counts.
        checker: Whoever checks it; None if nobody does.

    Raises:
        CredentialError: ``credential_revoked`` or ``credential_unverifiable``.
    """
    if "status" not in members:
        return
    if checker is None:
        raise refused(
            "got a credential with a status, and nobody checks it", code="credential_unverifiable"
        )
    code = None
    try:
        checker.require_valid(StatusReference.from_claim(members["status"]))
    except StatusError as error:
        code = error.code
    if code in ("status_invalid", "status_suspended"):
        raise refused(
            "got a credential that its issuer has revoked or suspended", code="credential_revoked"
        )
    if code is not None:
        raise refused("got a credential whose status is not known", code="credential_unverifiable")
