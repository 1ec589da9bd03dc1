"""Finds the token in what a browser sent: an ``Authorization`` field or a form post, no query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from ageassure.integrations.answers import AUTHENTICATION_SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BODY_BYTES: Final = 16_384
"""A token has at most 8 KiB and needs no escaping in a form. An adapter reads one byte more than
this at most, so that a longer body is known for one."""

FORM_FIELD: Final = "age_token"
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a browser sent to the address for tokens; made by :meth:`read`.

    Attributes:
        token: The token, or None. Hidden in ``repr``.
        in_header: Whether it came in the ``Authorization`` field.
        too_large: Whether the body was too long to be looked at.
    """

    token: str | None = field(repr=False)
    in_header: bool
    too_large: bool

    @classmethod
    def read(cls, *, authorization: Sequence[str], content_type: str, body: bytes) -> Submission:
        """Find the token; in the header it counts before one in the form.

        Args:
            authorization: The values of all ``Authorization`` fields.
            content_type: ``Content-Type`` of the body, or an empty string.
            body: At most :data:`MAX_BODY_BYTES` and one.
        """
        token = _token_in_header(authorization)
        if token:
            return cls(token=token, in_header=True, too_large=False)
        if len(body) > MAX_BODY_BYTES:
            return cls(token=None, in_header=False, too_large=True)
        token = _token_in_form(content_type, body) or None
        return cls(token=token, in_header=False, too_large=False)


def _token_in_header(authorization: Sequence[str]) -> str | None:
    """The token of the one ``Authorization`` field with our scheme; None if there is not one."""
    tokens = [
        credentials.strip()
        for scheme, _, credentials in (value.strip().partition(" ") for value in authorization)
        if scheme.lower() == AUTHENTICATION_SCHEME.lower()
    ]
    return tokens[0] if len(tokens) == 1 else None


def _token_in_form(content_type: str, body: bytes) -> str | None:
    """The form field ``age_token``, which must occur once; None if it does not.

    ``multipart/form-data`` is not read: frameworks keep its parts in files.
    """
    if content_type.partition(";")[0].strip().lower() != _FORM_TYPE:
        return None
    fields: list[tuple[str, str]] = []
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    tokens = [value for name, value in fields if name == FORM_FIELD]
    return tokens[0] if len(tokens) == 1 else None
