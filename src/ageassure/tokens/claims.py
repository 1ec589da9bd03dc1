"""The closed claim set of an age token: names, types, strict parsing, writing from an allow-list.

A new claim means a new ``typ``. What an age token never carries: an age, a date of birth, an
estimate or its distance to the limit, a name or any other identifier of a person.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Any, Final, NamedTuple

from ageassure.errors import ConfigurationError, IssuanceError, MalformedTokenError
from ageassure.results import (
    MAX_AGE_LIMIT,
    MIN_AGE_LIMIT,
    THUMBPRINT_PATTERN,
    AssuranceLevel,
    MethodClass,
)
from ageassure.tokens.strict_json import dump_object, parse_object

TOKEN_TYPE: Final = "age-result+jwt"  # noqa: S105 - a media type, no secret
"""``typ`` of the header; read with ``application/`` before it, too (RFC 7515, 4.1.9)."""

MAX_TOKEN_BYTES: Final = 8192
MIN_LIFETIME_SECONDS: Final = 600
MAX_LIFETIME_SECONDS: Final = 900
IAT_GRANULARITY_SECONDS: Final = 300
"""``iat`` is rounded down to this: exact times would link a token to a visit."""

ISSUER: Final = "iss"
AUDIENCE: Final = "aud"
NONCE: Final = "nonce"
TOKEN_ID: Final = "jti"  # noqa: S105 - a claim's name
ISSUED_AT: Final = "iat"
EXPIRES_AT: Final = "exp"
AGE: Final = "age_equal_or_over"
METHOD: Final = "age_method"
LEVEL: Final = "age_assurance"
POLICY: Final = "policy"
CONFIRMATION: Final = "cnf"
KEY_THUMBPRINT: Final = "jkt"
"""The one member of ``cnf`` (RFC 7800; RFC 9449, 6.1)."""

REQUIRED_CLAIMS: Final = (ISSUER, AUDIENCE, NONCE, TOKEN_ID, ISSUED_AT, EXPIRES_AT, AGE)

TOKEN_ID_BYTES: Final = 16
# base64url of 16 bytes: the last character carries two bits.
_TOKEN_ID: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
# The claim's key is ^[1-9][0-9]?$: no leading zero, no sign, no other digits than ASCII's.
_AGE_LIMITS: Final = {str(limit): limit for limit in range(MIN_AGE_LIMIT, MAX_AGE_LIMIT + 1)}
_required_of: Final = itemgetter(*REQUIRED_CLAIMS)
_METHODS: Final[dict[str, Any]] = {method.value: method for method in MethodClass}
_LEVELS: Final[dict[str, Any]] = {level.value: level for level in AssuranceLevel}

_MAX_URL_CHARACTERS: Final = 512
_PORT: Final = r"(?::[0-9]{1,5})?"
_HTTPS_HOST: Final = rf"https://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]){_PORT}"
_LOOPBACK: Final = rf"http://(?:localhost|127(?:\.[0-9]{{1,3}}){{3}}|\[::1\]){_PORT}"
# Compiled, and kept by re, on first use: most relying parties never meet a policy.
_ISSUER_URL: Final = rf"(?:{_HTTPS_HOST}|{_LOOPBACK})(?:/[A-Za-z0-9._~%/-]*)?"
_POLICY_URI: Final = rf"{_HTTPS_HOST}(?:/[!-~]*)?"


def token_header(*, alg: str, kid: str) -> dict[str, object]:
    """The header of an age token: exactly these members."""
    return {"typ": TOKEN_TYPE, "alg": alg, "kid": kid}


def checked_issuer(issuer: object) -> str:
    """Return an issuer: an https URL without user, query or fragment (http only for loopback).

    Raises:
        ConfigurationError: If it is anything else.
    """
    if not _matches(_ISSUER_URL, issuer):
        raise ConfigurationError("got a malformed issuer, expected an https URL")
    return str(issuer)


def checked_policy_uri(policy_uri: object) -> str:
    """Return the https URI of a practice statement.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if not _matches(_POLICY_URI, policy_uri):
        raise ConfigurationError("got a malformed policy_uri, expected an https URI")
    return str(policy_uri)


def _matches(pattern: str | re.Pattern[str], value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= _MAX_URL_CHARACTERS
        and re.fullmatch(pattern, value) is not None
    )


class AgeClaims(NamedTuple):
    """What one age token says. Its ``repr`` shows nothing.

    Types and forms are checked when it is read and when it is written; whether the values are the
    expected ones (``iss``, ``aud``, ``nonce``, times, lifetime) is the verifier's business.

    Attributes:
        issuer: ``iss``.
        audience: ``aud``, one string.
        nonce: ``nonce``.
        token_id: ``jti``, canonical base64url of 128 bits.
        issued_at: ``iat``, POSIX seconds.
        expires_at: ``exp``, POSIX seconds.
        age_limit: The one key of ``age_equal_or_over``, completed years, 1 to 99.
        at_or_over: Its value. True: established at or over the limit; False: established under.
        method_class: ``age_method``, or None where not told.
        level: ``age_assurance``, or None where not told.
        policy_uri: ``policy``, or None.
        holder_jkt: ``cnf.jkt``, or None.
    """

    issuer: str
    audience: str
    nonce: str
    token_id: str
    issued_at: int
    expires_at: int
    age_limit: int
    at_or_over: bool
    method_class: MethodClass | None = None
    level: AssuranceLevel | None = None
    policy_uri: str | None = None
    holder_jkt: str | None = None

    def to_json(self) -> bytes:
        """The payload to be signed: exactly these claims, and absent ones left out.

        Raises:
            IssuanceError: If a claim has another type or form; the message does not show it.
        """
        if not _is_well_formed(self):
            raise IssuanceError("got a claim of another type or form")
        members: dict[str, object] = {
            ISSUER: self.issuer,
            AUDIENCE: self.audience,
            NONCE: self.nonce,
            TOKEN_ID: self.token_id,
            ISSUED_AT: self.issued_at,
            EXPIRES_AT: self.expires_at,
            AGE: {str(self.age_limit): self.at_or_over},
        }
        if self.method_class is not None:
            members[METHOD] = self.method_class.value
        if self.level is not None:
            members[LEVEL] = self.level.value
        if self.policy_uri is not None:
            members[POLICY] = self.policy_uri
        if self.holder_jkt is not None:
            members[CONFIRMATION] = {KEY_THUMBPRINT: self.holder_jkt}
        return dump_object(members)

    def __repr__(self) -> str:
        return "<AgeClaims (content hidden)>"


def _is_well_formed(claims: tuple[Any, ...]) -> bool:
    issuer, audience, nonce, token_id, issued_at, expires_at, limit, at_or_over = claims[:8]
    method_class, level, policy_uri, holder_jkt = claims[8:]
    # type() and not isinstance(): a boolean is no integer.
    return (
        type(issuer) is type(audience) is type(nonce) is type(token_id) is str
        and _TOKEN_ID.fullmatch(token_id) is not None
        and type(issued_at) is type(expires_at) is type(limit) is int
        and MIN_AGE_LIMIT <= limit <= MAX_AGE_LIMIT
        and type(at_or_over) is bool
        and (method_class is None or type(method_class) is MethodClass)
        and (level is None or type(level) is AssuranceLevel)
        and (policy_uri is None or _matches(_POLICY_URI, policy_uri))
        and (holder_jkt is None or _matches(THUMBPRINT_PATTERN, holder_jkt))
    )


def parse_claims(payload: bytes) -> AgeClaims:
    """Read the payload of an age token (step 6 of the verification).

    Raises:
        MalformedTokenError: If it is not one strict JSON object of exactly the claims that the
            format knows, each of its type and form; code ``malformed_claims``.
    """
    members = parse_object(payload)
    claims = None if members is None else _claims_of(members)
    if claims is None:
        raise MalformedTokenError("got claims that break the format", code="malformed_claims")
    return claims


def _claims_of(members: dict[str, Any]) -> AgeClaims | None:
    try:
        issuer, audience, nonce, token_id, issued_at, expires_at, age = _required_of(members)
    except KeyError:
        return None
    get = members.get
    method, level, policy_uri, confirmation = optional = (
        get(METHOD),
        get(LEVEL),
        get(POLICY),
        get(CONFIRMATION),
    )
    # A null counts as absent here: with it, as with any unknown claim, there is one too many.
    if len(members) != len(REQUIRED_CLAIMS) + len(optional) - optional.count(None):
        return None
    if type(age) is not dict or len(age) != 1:
        return None
    ((limit, at_or_over),) = age.items()
    jkt = None if confirmation is None else _thumbprint_of(confirmation)
    if jkt is None and confirmation is not None:
        return None
    claims = AgeClaims(
        issuer,
        audience,
        nonce,
        token_id,
        issued_at,
        expires_at,
        _AGE_LIMITS.get(limit, 0),
        at_or_over,
        _METHODS.get(method, method) if type(method) is str else method,
        _LEVELS.get(level, level) if type(level) is str else level,
        policy_uri,
        jkt,
    )
    return claims if _is_well_formed(claims) else None


def _thumbprint_of(confirmation: Any) -> Any:  # noqa: ANN401 - a member not yet checked
    """What ``cnf`` holds, not yet checked; None if it has another form."""
    if type(confirmation) is not dict or confirmation.keys() != {KEY_THUMBPRINT}:
        return None
    return confirmation[KEY_THUMBPRINT]
