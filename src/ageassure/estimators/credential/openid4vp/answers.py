"""A wallet's answer (OpenID4VP 1.0, section 8 and appendix A.4), read against the request."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.openid4vp.encryption import ResponseKey
from ageassure.estimators.credential.openid4vp.request import WalletRequest
from ageassure.estimators.credential.refusal import malformed, refused
from ageassure.estimators.document.held import Hidden
from ageassure.tokens.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER_BYTES: Final = 256 * 1024
_MAX_FIELDS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class DirectPostAnswer(Hidden):
    """What was posted to the ``response_uri``.

    Attributes:
        request: The request as it was stored, found by the session that asked: by a ``state`` in
            the answer only if the store then still ties it to that session.
        form: The body, ``application/x-www-form-urlencoded``.
        response_key: The request's key where the answer is encrypted; else None.

    Raises:
        ConfigurationError: If the request was for another way, or the key is not the request's.
    """

    request: WalletRequest
    form: bytes
    response_key: ResponseKey | None = None

    def __post_init__(self) -> None:
        _check(self.request, self.response_key, by_browser=False)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class BrowserAnswer(Hidden):
    """What the Digital Credentials API gave the page.

    Attributes:
        request: The request as it was stored, found by the session that asked.
        protocol: ``protocol`` of the ``DigitalCredential``.
        data: Its ``data``, as JSON.
        response_key: The request's key where the answer is encrypted; else None.

    Raises:
        ConfigurationError: If the request was for another way, or the key is not the request's.
    """

    request: WalletRequest
    protocol: str
    data: bytes
    response_key: ResponseKey | None = None

    def __post_init__(self) -> None:
        _check(self.request, self.response_key, by_browser=True)


class Presented(NamedTuple):
    """One presentation, not verified. Its ``repr`` shows nothing.

    Attributes:
        document_type: Type of the mdoc that was asked for; None where an SD-JWT VC was.
        content: The presentation, text.
    """

    document_type: str | None
    content: str

    def __repr__(self) -> str:
        return "<Presented (content hidden)>"


def presented(answer: DirectPostAnswer | BrowserAnswer) -> Presented:
    """The one presentation in an answer.

    Raises:
        CredentialError: ``credential_declined`` if the wallet answered with an error;
            ``credential_wrong_transaction`` if ``state`` differs; ``credential_malformed``.
    """
    request = answer.request
    if isinstance(answer, DirectPostAnswer):
        members: Mapping[str, object] = _form(answer.form)
    else:
        if answer.protocol != request.protocol:
            raise malformed("got an answer by another protocol than was asked with")
        members = _object(answer.data)
    # A wallet that cannot encrypt may say so in the clear (section 8.3.1).
    if request.mode.encrypted and "error" not in members:
        if answer.response_key is None or "response" not in members or "vp_token" in members:
            raise malformed("got an answer that is not encrypted, as was asked")
        members = _object(answer.response_key.decrypt(members["response"]))
    _check_state(request, members)
    if "error" in members:
        raise refused("the wallet answered with an error", code="credential_declined")
    token = members.get("vp_token")
    if isinstance(answer, DirectPostAnswer) and not request.mode.encrypted:
        token = _object(token.encode("utf-8", "surrogatepass")) if isinstance(token, str) else None
    return _only(token, request.query.document_types)


def _check(request: object, response_key: object, *, by_browser: bool) -> None:
    if not isinstance(request, WalletRequest) or request.mode.by_browser != by_browser:
        raise ConfigurationError("got no WalletRequest for this way of answering")
    expected = None if request.encryption_jwk is None else request.encryption_jwk["kid"]
    given = response_key.thumbprint if isinstance(response_key, ResponseKey) else None
    if given != expected or (given is None and response_key is not None):
        raise ConfigurationError("got another response_key than the request's")


def _form(body: object) -> dict[str, object]:
    pairs: list[tuple[str, str]] | None = None
    if isinstance(body, bytes) and len(body) <= MAX_ANSWER_BYTES:
        try:
            pairs = parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=_MAX_FIELDS,
            )
        except ValueError:
            pairs = None
    if pairs is None or len({name for name, _ in pairs}) != len(pairs):
        raise malformed(f"got no form of at most {_MAX_FIELDS} fields and {MAX_ANSWER_BYTES} bytes")
    return dict(pairs)


def _object(data: object) -> dict[str, object]:
    members = None
    if isinstance(data, bytes) and len(data) <= MAX_ANSWER_BYTES:
        members = parse_object(data)
    if members is None:
        raise malformed(f"got no strict JSON object of at most {MAX_ANSWER_BYTES} bytes")
    return members


def _check_state(request: WalletRequest, members: Mapping[str, object]) -> None:
    if request.state is None:
        return  # not part of an answer through a browser (appendix A.2)
    state = members.get("state")
    if not isinstance(state, str) or not compare_digest(
        state.encode("utf-8", "surrogatepass"), request.state.encode("ascii")
    ):
        raise refused(
            "got an answer with another state than was asked with",
            code="credential_wrong_transaction",
        )


def _only(token: object, document_types: Mapping[str, str | None]) -> Presented:
    if not isinstance(token, dict) or len(token) != 1:
        raise malformed("got a vp_token that does not answer exactly one of the queries")
    ((query_id, presentations),) = token.items()
    if (
        query_id not in document_types
        or not isinstance(presentations, list)
        or len(presentations) != 1
    ):
        raise malformed("got a vp_token that does not answer one query with one presentation")
    content = presentations[0]
    if not isinstance(content, str):
        raise malformed("got a presentation that is no text")
    return Presented(document_types[query_id], content)
