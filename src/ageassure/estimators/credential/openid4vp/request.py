"""A request to a wallet, as data (OpenID4VP 1.0, section 5 and appendix A.2)."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ConfigurationError
from ageassure.estimators.credential.openid4vp.metadata import client_metadata
from ageassure.estimators.credential.openid4vp.query import AgeQuery
from ageassure.results import THUMBPRINT_PATTERN, checked_audience, checked_nonce
from ageassure.tokens.claims import checked_issuer
from ageassure.tokens.strict_json import dump_object, parse_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.estimators.credential.openid4vp.encryption import ResponseKey

RESPONSE_TYPE: Final = "vp_token"
_FORMAT: Final = "ageassure-wallet-request-1"
_MAX_STORED_BYTES: Final = 32 * 1024
_ORIGIN: Final = re.compile(r"https://[a-z0-9.-]+(?::[0-9]{1,5})?|http://localhost(?::[0-9]{1,5})?")


class ResponseMode(StrEnum):
    """How the answer comes back, and whether encrypted."""

    DIRECT_POST = "direct_post"
    DIRECT_POST_ENCRYPTED = "direct_post.jwt"
    BROWSER = "dc_api"
    BROWSER_ENCRYPTED = "dc_api.jwt"

    @property
    def encrypted(self) -> bool:
        """Whether the answer is encrypted."""
        return self.value.endswith(".jwt")

    @property
    def by_browser(self) -> bool:
        """Whether it comes through the Digital Credentials API."""
        return self.value.startswith("dc_api")


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletRequest:
    """What one wallet is asked, once. Make it with one of the class methods, and store it.

    Attributes:
        query: The age limit, and the credentials that may answer.
        mode: How the answer comes back.
        nonce: What the answer must be about; fresh for every request.
        state: Ties a posted answer to the session that asked; None through a browser.
        client_id: The verifier's name with its prefix; None for an unsigned request through a
            browser.
        response_uri: Where the wallet posts its answer; None through a browser.
        origin: The page that asks through a browser; None else.
        encryption_jwk: Public key for an encrypted answer; None else.

    Raises:
        ConfigurationError: If a member is malformed, or does not fit the mode.
    """

    query: AgeQuery
    mode: ResponseMode
    nonce: str = field(repr=False)
    state: str | None = field(default=None, repr=False)
    client_id: str | None = None
    response_uri: str | None = None
    origin: str | None = None
    encryption_jwk: dict[str, str] | None = None

    def __post_init__(self) -> None:
        members: tuple[object, object] = (self.query, self.mode)
        if not isinstance(members[0], AgeQuery) or not isinstance(members[1], ResponseMode):
            raise ConfigurationError("got no AgeQuery or no ResponseMode")
        checked_nonce(self.nonce)
        if self.client_id is not None:
            _check_client_id(self.client_id, self.response_uri)
        if self.mode.by_browser:
            self._check_browser()
        else:
            self._check_post()
        jwk: object = self.encryption_jwk
        if self.mode.encrypted != (jwk is not None):
            raise ConfigurationError("got a key for a plain answer, or none for an encrypted one")
        if jwk is not None:
            _check_encryption_jwk(jwk)

    def _check_browser(self) -> None:
        if self.state is not None or self.response_uri is not None:
            raise ConfigurationError("got state or response_uri for a request through a browser")
        if not isinstance(self.origin, str) or not _ORIGIN.fullmatch(self.origin):
            raise ConfigurationError("got a malformed origin, expected https and lower-case host")

    def _check_post(self) -> None:
        if self.origin is not None or self.client_id is None:
            raise ConfigurationError("got an origin for a posted answer, or no client_id")
        checked_nonce(self.state)
        checked_issuer(self.response_uri)

    @classmethod
    def by_direct_post(
        cls,
        query: AgeQuery,
        *,
        client_id: str,
        response_uri: str,
        response_key: ResponseKey | None,
        random_text: Callable[[], str] = secrets.token_urlsafe,
    ) -> WalletRequest:
        """Ask a wallet that posts its answer to you.

        Args:
            query: What to ask.
            client_id: Your name with its prefix, such as ``x509_san_dns:provider.example``.
            response_uri: Where to post; https.
            response_key: A fresh key for an encrypted answer; None: it comes in the clear through
                TLS.
            random_text: Source of nonce and state.

        Raises:
            ConfigurationError: As the class does.
        """
        plain = response_key is None
        return cls(
            query=query,
            mode=ResponseMode.DIRECT_POST if plain else ResponseMode.DIRECT_POST_ENCRYPTED,
            nonce=random_text(),
            state=random_text(),
            client_id=client_id,
            response_uri=response_uri,
            encryption_jwk=None if response_key is None else response_key.public_jwk,
        )

    @classmethod
    def by_browser(
        cls,
        query: AgeQuery,
        *,
        origin: str,
        response_key: ResponseKey | None,
        client_id: str | None = None,
        random_text: Callable[[], str] = secrets.token_urlsafe,
    ) -> WalletRequest:
        """Ask through the Digital Credentials API of a browser or an app platform.

        Args:
            query: What to ask.
            origin: Of the page that calls the API, such as ``https://provider.example``.
            response_key: A fresh key for an encrypted answer; None: in the clear through your page.
            client_id: Only for a request that you sign (``signed_request``).
            random_text: Source of the nonce.

        Raises:
            ConfigurationError: As the class does.
        """
        plain = response_key is None
        return cls(
            query=query,
            mode=ResponseMode.BROWSER if plain else ResponseMode.BROWSER_ENCRYPTED,
            nonce=random_text(),
            client_id=client_id,
            origin=origin,
            encryption_jwk=None if response_key is None else response_key.public_jwk,
        )

    @property
    def audience(self) -> str:
        """Whom a presentation must be made for: the origin through a browser, else the client."""
        name = f"origin:{self.origin}" if self.mode.by_browser else self.client_id
        assert name is not None  # noqa: S101 - __post_init__ lets nothing else through
        return name

    @property
    def protocol(self) -> str | None:
        """``protocol`` for the Digital Credentials API; None for a posted answer."""
        if not self.mode.by_browser:
            return None
        return "openid4vp-v1-unsigned" if self.client_id is None else "openid4vp-v1-signed"

    def parameters(self) -> dict[str, Any]:
        """The parameters of the request, for the wallet."""
        named: dict[str, Any] = {
            "client_id": self.client_id,
            "response_type": RESPONSE_TYPE,
            "response_mode": self.mode.value,
            "response_uri": self.response_uri,
            "nonce": self.nonce,
            "state": self.state,
            "dcql_query": self.query.to_dict(),
            "client_metadata": client_metadata(self.query, self.encryption_jwk),
        }
        if self.mode.by_browser and self.client_id is not None:
            named["expected_origins"] = [self.origin]
        return {name: value for name, value in named.items() if value is not None}

    def to_json(self) -> bytes:
        """For your own store, under the visitor's session; it holds no private key."""
        return dump_object({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, stored: bytes) -> WalletRequest:
        """Read what :meth:`to_json` gave.

        Raises:
            ConfigurationError: If it is anything else.
        """
        data: object = stored
        small = isinstance(data, bytes) and len(data) <= _MAX_STORED_BYTES
        members: dict[str, Any] = (parse_object(stored) if small else None) or {}
        names = {"format", *cls.__dataclass_fields__}
        query = members.get("query")
        if (
            members.keys() != names
            or members.pop("format") != _FORMAT
            or not isinstance(query, dict)
            or query.keys() != {*AgeQuery.__dataclass_fields__}
            or members["mode"] not in list(ResponseMode)
        ):
            raise ConfigurationError("got no stored WalletRequest")
        return cls(**{**members, "query": AgeQuery(**query), "mode": ResponseMode(members["mode"])})


def _check_client_id(client_id: object, response_uri: str | None) -> None:
    name = checked_audience(client_id)
    prefix, colon, rest = name.partition(":")
    if colon and prefix == "origin":  # reserved (section 5.9.3)
        raise ConfigurationError("got a client_id with the reserved prefix origin")
    if colon and prefix == "redirect_uri" and rest != response_uri:
        raise ConfigurationError("got a redirect_uri client_id that is not the response_uri")


def _check_encryption_jwk(jwk: object) -> None:
    members: dict[str, object] = jwk if isinstance(jwk, dict) else {}
    kid = members.get("kid")
    if members.keys() != {"kty", "crv", "x", "y", "use", "alg", "kid"} or not (
        isinstance(kid, str) and THUMBPRINT_PATTERN.fullmatch(kid)
    ):
        raise ConfigurationError("got a malformed encryption_jwk, expected a ResponseKey's")
