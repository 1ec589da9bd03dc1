"""What a successful verification returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from ageassure.results import AssuranceLevel, MethodClass


class VerifiedAge(NamedTuple):
    """An answer about one person's age that passed every check, once.

    A named tuple, because one is made for every token in less than half of a dataclass's time. Made
    by :meth:`ageassure.verifier.TokenVerifier.verify` and nowhere else in the library. Beside
    the answer itself it says nothing about the person: no age, no identifier.

    Attributes:
        issuer: Who vouches for it.
        audience: The relying party that it was made for.
        age_over: The limit asked with ``age_over``, completed years: the person is at or over it.
        age_under: The limit asked with ``age_under``: the person is under it. Exactly one of the
            two is set.
        proven_limit: The limit in the token; at or over ``age_over``, at or under ``age_under``.
        method_class: How the age was established, or None where the token does not tell.
        level: The assurance level, or None where the token does not tell.
        policy_uri: The issuer's practice statement, or None.
        issued_at: ``iat``, rounded down by the issuer, UTC.
        expires_at: ``exp``, UTC. After it the answer is not to be relied on for something new.
        holder_jkt: Thumbprint of the key that the token is bound to, or None. That the presenter
            holds this key was checked only if ``holder_jkt`` or ``holder_proof`` was passed to
            ``verify``. Hidden in ``repr``.
    """

    issuer: str
    audience: str
    age_over: int | None
    age_under: int | None
    proven_limit: int
    method_class: MethodClass | None
    level: AssuranceLevel | None
    policy_uri: str | None
    issued_at: datetime
    expires_at: datetime
    holder_jkt: str | None

    def __repr__(self) -> str:
        shown = zip(self._fields[:-1], self[:-1], strict=True)  # all but holder_jkt
        return f"VerifiedAge({', '.join(f'{name}={value!r}' for name, value in shown)})"
