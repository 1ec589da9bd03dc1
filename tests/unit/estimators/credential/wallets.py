"""An issuer and a wallet of SD-JWT VCs, with throw-away keys; and what is refused of theirs."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import CredentialError
from ageassure.estimators.credential import SDJWTEstimator, SDJWTPresentation, TrustedIssuers
from ageassure.tokens import JWKSet, SigningKey, base64url
from ageassure.tokens.jws import encode_header, sign_compact
from ageassure.tokens.status import StatusListBuilder, sign_status_list
from ageassure.verifier.status import StatusChecker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://issuer.example/pid"
AUDIENCE = "x509_san_dns:provider.example"
NONCE = "n" * 43
TYPE = "urn:example:pid:1"
KEY, HOLDER, OTHER = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()


def clock() -> datetime:
    return NOW


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def disclosure(*parts: object) -> str:
    return base64url.encode(dumped([secrets.token_urlsafe(12), *parts]))


def digest(text: str, name: str = "sha256") -> str:
    return base64url.encode(hashlib.new(name, text.encode()).digest())


def jwk_of(key: SigningKey) -> dict[str, str]:
    members = key.public.to_dict()
    return {name: members[name] for name in members if name not in ("kid", "alg", "use")}


def jws(header: Mapping[str, object], payload: bytes, key: SigningKey) -> str:
    """Sign whatever is asked, also under a header that names another algorithm."""
    if header.get("alg") == key.alg:
        return sign_compact(header, payload, key)
    signing_input = encode_header(header) + b"." + base64url.encode(payload).encode()
    return f"{signing_input.decode()}.{base64url.encode(key.sign(signing_input))}"


@dataclass
class Credential:
    """A credential under construction; change it, then present it.

    ``undisclosed`` are disclosures that the issuer made and the wallet keeps to itself.
    """

    payload: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(
        default_factory=lambda: {"alg": "ES256", "typ": "dc+sd-jwt", "kid": KEY.kid}
    )
    disclosures: list[str] = field(default_factory=list)
    binding_header: dict[str, Any] = field(
        default_factory=lambda: {"alg": "ES256", "typ": "kb+jwt"}
    )
    binding: dict[str, Any] = field(default_factory=dict)
    key: SigningKey = KEY
    holder: SigningKey = HOLDER
    hash_name: str = "sha256"

    def __post_init__(self) -> None:
        self.payload = {
            "iss": ISSUER,
            "vct": TYPE,
            "iat": SECONDS - 3600,
            "exp": SECONDS + 3600,
            "cnf": {"jwk": jwk_of(HOLDER)},
            **self.payload,
        }
        self.binding = {"aud": AUDIENCE, "nonce": NONCE, "iat": SECONDS, **self.binding}

    def hides(self, *parts: object, disclosed: bool = True) -> str:
        """Make a disclosure; its digest is for the caller to place."""
        text = disclosure(*parts)
        if disclosed:
            self.disclosures.append(text)
        return digest(text, self.hash_name)

    def disclose(self, name: str, value: object) -> Credential:
        """Hide a claim at the top, and disclose it."""
        self.payload.setdefault("_sd", []).append(self.hides(name, value))
        return self

    def state(self, **ages: bool) -> Credential:
        """Disclose ``age_equal_or_over`` with separately disclosed members, as a PID does."""
        members = [self.hides(name.lstrip("_"), value) for name, value in ages.items()]
        kept = self.hides("7", True, disclosed=False)
        return self.disclose("age_equal_or_over", {"_sd": [*members, kept]})

    def issued(self) -> str:
        """The SD-JWT with what the wallet discloses of it."""
        parts = [jws(self.header, dumped(self.payload), self.key), *self.disclosures]
        return "".join(f"{part}~" for part in parts)

    def presented(self) -> str:
        """The SD-JWT+KB."""
        issued = self.issued()
        claims = {"sd_hash": digest(issued, self.hash_name), **self.binding}
        claims = {name: value for name, value in claims.items() if value is not None}
        return issued + jws(self.binding_header, dumped(claims), self.holder)


def adult() -> Credential:
    """18 or over, not yet 65."""
    return Credential().state(_18=True, _65=False)


def estimator(**changes: Any) -> SDJWTEstimator:
    arguments: dict[str, Any] = {
        "issuers": TrustedIssuers({ISSUER: JWKSet(keys=(KEY.public,))}),
        "types": [TYPE],
        "status": None,
        "now": clock,
    }
    return SDJWTEstimator(**(arguments | changes))


def evidence(presentation: str, **changes: Any) -> SDJWTPresentation:
    members: dict[str, Any] = {"audience": AUDIENCE, "nonce": NONCE}
    return SDJWTPresentation(presentation=presentation, **(members | changes))


def interval(credential: Credential, **changes: Any) -> tuple[int, int]:
    return estimator(**changes).estimate(evidence(credential.presented())).interval(0.5)


def code_of(assess: Callable[[], object]) -> str:
    """The code of a refusal, which must have neither cause nor context."""
    with pytest.raises(CredentialError) as caught:
        assess()
    assert caught.value.__cause__ is caught.value.__context__ is None
    return caught.value.code.removeprefix("credential_")


def refusal(credential: Credential, **changes: Any) -> str:
    """The code by which a credential is refused."""
    return refusal_of(credential.presented(), **changes)


def refusal_of(presentation: Any, **changes: Any) -> str:
    return code_of(lambda: estimator(**changes).estimate(evidence(presentation)))


STATUS_URI = "https://issuer.example/statuslists/1"
STATUS_INDEX = 3


def status_checker(status: int, *, down: bool = False) -> StatusChecker:
    """Checks one list, in which one credential has ``status``."""
    builder = StatusListBuilder(10, bits=2)
    builder.set(STATUS_INDEX, status)

    def fetch(uri: str) -> bytes:
        assert uri == STATUS_URI
        if down:
            raise OSError
        return sign_status_list(
            builder.build(),
            uri=STATUS_URI,
            signing_key=KEY,
            lifetime_seconds=600,
            ttl_seconds=60,
            now=clock,
        ).encode()

    issuers = {"https://issuer.example/statuslists/": KEY.public_set()}
    return StatusChecker(issuers=issuers, fetch=fetch, now=clock)
