"""Steps 2 and 3: headers that are malformed (``malformed_header``) or of another type.

Every header here is signed with the issuer's key, so that only the check of the header refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.build import DROP, Json, Vector, compact, header, refused, token
from kit.crypto import KEYS, b64url
from kit.json_text import broken_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = KEYS["issuer"]
_STRANGER = KEYS["stranger"]
_URL = "https://stranger.example/keys"

_UNKNOWN_MEMBERS: list[tuple[str, str, Json]] = [
    ("jku", "a URL of a key set", {"jku": _URL}),
    ("x5u", "a URL of a certificate", {"x5u": _URL}),
    ("x5c", "a certificate chain", {"x5c": ["MIIB"]}),
    ("x5t", "a certificate thumbprint", {"x5t": b64url(bytes(20))}),
    ("x5t_s256", "a SHA-256 certificate thumbprint", {"x5t#S256": b64url(bytes(32))}),
    ("jwk", "the stranger's key", {"jwk": _STRANGER.bare_jwk}),
    ("jwk_of_issuer", "the issuer's own key", {"jwk": _KEY.bare_jwk}),
    ("crit_empty", "an empty list of critical members", {"crit": []}),
    ("crit_b64", "the critical member b64", {"crit": ["b64"], "b64": True}),
    ("crit_exp", "a critical member that is not there", {"crit": ["exp"]}),
    ("b64_true", "b64 with its default value", {"b64": True}),
    ("b64_false", "b64 false without crit", {"b64": False}),
    ("zip", "a compression", {"zip": "DEF"}),
    ("cty", "a content type", {"cty": "JWT"}),
    ("enc", "a content encryption", {"enc": "A128GCM"}),
    ("iss", "a claim repeated in the header (RFC 7519, 5.3)", {"iss": "https://age.example"}),
    ("nonce", "a nonce in the header", {"nonce": "x"}),
    ("capital_alg", "ALG beside alg", {"ALG": "none"}),
    ("empty_name", "a member with an empty name", {"": 1}),
    ("proto", "a member named __proto__", {"__proto__": {"alg": "none"}}),
    ("null_member", "an unknown member that is null", {"jku": None}),
]

_WRONG_TYPES: list[tuple[str, str, object]] = [
    ("absent", "no typ", DROP),
    ("jwt", "the type of a plain JWT", "JWT"),
    ("access_token", "the type of an access token", "at+jwt"),
    ("holder_proof", "the type of a holder proof", "age-holder+jwt"),
    ("empty", "an empty typ", ""),
    ("capital_letters", "another letter case", "age-result+JWT"),
    ("space_after", "a space at the end", "age-result+jwt "),
    ("nul_after", "a NUL at the end", "age-result+jwt\0"),
    ("newline_after", "a line feed at the end", "age-result+jwt\n"),
    ("prefix", "the type without its suffix", "age-result"),
    ("parameter", "a media type parameter", "age-result+jwt; charset=utf-8"),
    ("twice_application", "application/ twice", "application/application/age-result+jwt"),
    ("other_application", "application/ before another type", "application/age-holder+jwt"),
    ("capital_application", "Application/ with a capital", "Application/age-result+jwt"),
    ("text_type", "text/ before the type", "text/age-result+jwt"),
    ("sd_jwt_type", "the type of an SD-JWT VC", "dc+sd-jwt"),
]


def vectors() -> Iterator[Vector]:
    code = "malformed_header"
    for name, description, spoilt in broken_objects(compact(header(_KEY)).decode()):
        yield refused(code, f"json_{name}", f"header: {description}", token(head=spoilt))
    for name, description, extra in _UNKNOWN_MEMBERS:
        text = token(head=header(_KEY, **extra))
        yield refused(code, f"unknown_{name}", f"unknown header member: {description}", text)
    embedded = {"typ": "age-result+jwt", "alg": "ES256", "jwk": _STRANGER.bare_jwk}
    yield refused(
        code,
        "jwk_in_place_of_kid",
        "signed by a stranger whose key is in the header",
        token(head=embedded, key=_STRANGER),
    )
    for name, description, typ in _WRONG_TYPES:
        text = token(head=header(_KEY, typ=typ))
        yield refused("wrong_type", name, f"typ: {description}", text)
