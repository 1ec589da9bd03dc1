"""Finds token, proof and thumbprint in what a browser sent: header fields or a form, no query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from ageassure.integrations.answers import AUTHENTICATION_SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BODY_BYTES: Final = 16_384
"""A token has at most 8 KiB and needs no escaping in a form. An adapter reads one byte more than
this at most, so that a longer body is known for one."""

FORM_FIELD: Final = "age_token"
PROOF_FORM_FIELD: Final = "age_holder_proof"
PROOF_HEADER: Final = "Age-Holder-Proof"
"""Field that carries the proof beside ``Authorization``. In a log it does no harm: a proof is worth
nothing without its token, of which it holds a hash."""

HOLDER_FORM_FIELD: Final = "holder_jkt"
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a browser sent to the address for tokens; made by :meth:`read`.

    Attributes:
        token: The token, or None. Hidden in ``repr``.
        holder_proof: The proof that came the same way as the token, or None. Hidden in ``repr``.
        in_header: Whether it came in the ``Authorization`` field.
        too_large: Whether the body was too long to be looked at.
    """

    token: str | None = field(repr=False)
    holder_proof: str | None = field(repr=False)
    in_header: bool
    too_large: bool

    @classmethod
    def read(
        cls,
        *,
        authorization: Sequence[str],
        holder_proofs: Sequence[str],
        content_type: str,
        body: bytes,
    ) -> Submission:
        """Find the token; in the header it counts before one in the form.

        Args:
            authorization: The values of all ``Authorization`` fields.
            holder_proofs: The values of all ``Age-Holder-Proof`` fields.
            content_type: ``Content-Type`` of the body, or an empty string.
            body: At most :data:`MAX_BODY_BYTES` and one.
        """
        token = _token_in_header(authorization)
        if token:
            proof = _only(holder_proofs)
            return cls(token=token, holder_proof=proof, in_header=True, too_large=False)
        fields = _form_fields(content_type, body)
        return cls(
            token=_only(fields.get(FORM_FIELD, ())),
            holder_proof=_only(fields.get(PROOF_FORM_FIELD, ())),
            in_header=False,
            too_large=len(body) > MAX_BODY_BYTES,
        )


def read_holder_jkt(*, content_type: str, body: bytes) -> str | None:
    """Find the thumbprint in the form that asks for a challenge; None if it is not there once.

    Args:
        content_type: ``Content-Type`` of the body, or an empty string.
        body: At most :data:`MAX_BODY_BYTES` and one.
    """
    return _only(_form_fields(content_type, body).get(HOLDER_FORM_FIELD, ()))


def _token_in_header(authorization: Sequence[str]) -> str | None:
    """The token of the one ``Authorization`` field with our scheme; None if there is not one."""
    tokens = [
        credentials.strip()
        for scheme, _, credentials in (value.strip().partition(" ") for value in authorization)
        if scheme.lower() == AUTHENTICATION_SCHEME.lower()
    ]
    return _only(tokens)


def _form_fields(content_type: str, body: bytes) -> dict[str, list[str]]:
    """The values of every field of a form; none where it is too long or no form.

    ``multipart/form-data`` is not read: frameworks keep its parts in files.
    """
    if content_type.partition(";")[0].strip().lower() != _FORM_TYPE or len(body) > MAX_BODY_BYTES:
        return {}
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None
