"""Every check of the verification refuses, with its own class and code, and in its order."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ageassure import errors
from ageassure.results import AssuranceLevel, MethodClass
from ageassure.tokens import SigningKey, make_holder_proof
from ageassure.tokens.claims import MAX_TOKEN_BYTES
from ageassure.verifier import MemoryReplayStore, TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 1, 12, 3, tzinfo=UTC)
IAT = int(datetime(2026, 6, 1, 12, 0, tzinfo=UTC).timestamp())
ISSUER, OTHER_ISSUER = "https://age.example", "https://other.example"
AUDIENCE = "https://platform.example"
NONCE = "n" * 43
KEY, OTHER_KEY, STRANGER = (SigningKey.generate() for _ in range(3))
HOLDER, OTHER_HOLDER = SigningKey.generate(), SigningKey.generate("EdDSA")

HEADER: dict[str, Any] = {"typ": "age-result+jwt", "alg": "ES256", "kid": KEY.kid}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "nonce": NONCE,
    "jti": "AAAAAAAAAAAAAAAAAAAAAA",
    "iat": IAT,
    "exp": IAT + 900,
    "age_equal_or_over": {"18": True},
}
FULL = CLAIMS | {
    "age_method": "estimation",
    "age_assurance": "standard",
    "policy": "https://age.example/practice/1",
    "cnf": {"jkt": HOLDER.kid},
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(
    claims: dict[str, Any] | str | bytes = CLAIMS,
    header: dict[str, Any] | str | bytes = HEADER,
    key: SigningKey = KEY,
) -> str:
    """A token with any header and payload, signed; written without the library's own writer."""

    def encoded(part: dict[str, Any] | str | bytes) -> str:
        text = json.dumps(part) if isinstance(part, dict) else part
        return b64(text.encode() if isinstance(text, str) else text)

    signing_input = f"{encoded(header)}.{encoded(claims)}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


def without(members: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key != name}


def verifier(**changes: Any) -> TokenVerifier:
    arguments: dict[str, Any] = {
        "issuers": {ISSUER: KEY.public_set(), OTHER_ISSUER: OTHER_KEY.public_set()},
        "audience": AUDIENCE,
        "replay_store": MemoryReplayStore(now=lambda: NOW),
        "now": lambda: NOW,
        "leeway_seconds": 30,
    }
    return TokenVerifier(**(arguments | changes))


def proof(token: str, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "holder_key": HOLDER,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": lambda: NOW,
    }
    return make_holder_proof(token, **(arguments | changes))


@dataclass
class Case:
    """A token, how it is verified, and the code of its refusal."""

    name: str
    code: str
    token: Any
    arguments: dict[str, Any] = field(default_factory=dict)


def tampered(token: str) -> str:
    """The same parts with one bit of the signature changed."""
    head, payload, signature = token.split(".")
    first = "A" if signature[0] != "A" else "B"
    return f"{head}.{payload}.{first}{signature[1:]}"


def text_of(**changes: Any) -> str:
    return json.dumps(CLAIMS | changes)


GOOD = signed()
BOUND = signed(FULL)
LONG = signed(CLAIMS | {"policy": "https://age.example/" + "p" * MAX_TOKEN_BYTES})

FORM = [
    Case("none", "malformed_token", None),
    Case("bytes", "malformed_token", GOOD.encode()),
    Case("empty", "malformed_token", ""),
    Case("over 8 KiB", "malformed_token", LONG),
    Case("two parts", "malformed_token", GOOD.rpartition(".")[0]),
    Case("four parts", "malformed_token", GOOD + "."),
    Case("no dot", "malformed_token", GOOD.replace(".", "")),
    Case("padding", "malformed_token", GOOD + "=="),
    Case("line break", "malformed_token", GOOD + "\n"),
    Case("standard base64", "malformed_token", GOOD[:-1] + "/"),
    Case("not ASCII", "malformed_token", GOOD + "\u00e9"),
    Case("lone surrogate", "malformed_token", GOOD + "\ud800"),
    Case("trailing bits of the signature", "malformed_token", GOOD[:-1] + "B"),
    Case("trailing bits of the header", "malformed_token", "eyJ9eB." + GOOD),
    Case("impossible length", "malformed_token", "A." + GOOD.partition(".")[2]),
]
TYPES: list[Any] = ["JWT", "AGE-RESULT+JWT", "age-result+jwt ", "application/jwt", None, 1, []]
KIDS: list[Any] = [None, 1, {}, ["a"], "", "../../etc/passwd"]
ALGS: list[Any] = ["none", "None", "HS256", "RS256", "PS256", "EdDSA", "es256", None, [], 1]
MORE_MEMBERS: dict[str, Any] = {
    "jku": "https://evil.example/jwks",
    "x5u": "https://evil.example/x5u",
    "x5c": [],
    "jwk": KEY.public.to_dict(),
    "crit": ["exp"],
    "b64": False,
    "zip": "DEF",
    "cty": "JWT",
    "nonce": "x",
}
HEADERS = [
    Case("header no JSON", "malformed_header", signed(header="{")),
    Case("header no object", "malformed_header", signed(header="[]")),
    Case("header empty", "malformed_header", signed(header="")),
    Case("header with a BOM", "malformed_header", signed(header="\ufeff" + json.dumps(HEADER))),
    Case(
        "header in UTF-16", "malformed_header", signed(header=json.dumps(HEADER).encode("utf-16"))
    ),
    Case("header not UTF-8", "malformed_header", signed(header=b'{"typ":"\xff"}')),
    Case(
        "header deep", "malformed_header", signed(header='{"typ":' + "[" * 2500 + "]" * 2500 + "}")
    ),
    Case(
        "header with a duplicate",
        "malformed_header",
        signed(header=json.dumps(HEADER)[:-1] + ',"alg":"ES256"}'),
    ),
    *(
        Case(f"header with {name}", "malformed_header", signed(header=HEADER | {name: value}))
        for name, value in MORE_MEMBERS.items()
    ),
    *(
        Case(f"typ {value!r}", "wrong_type", signed(header=HEADER | {"typ": value}))
        for value in TYPES
    ),
    Case("no typ", "wrong_type", signed(header=without(HEADER, "typ"))),
    Case("unknown kid", "unknown_key", signed(header=HEADER | {"kid": STRANGER.kid}, key=STRANGER)),
    Case("no kid", "unknown_key", signed(header=without(HEADER, "kid"))),
    *(
        Case(f"kid {value!r}", "unknown_key", signed(header=HEADER | {"kid": value}))
        for value in KIDS
    ),
    *(
        Case(f"alg {value!r}", "wrong_algorithm", signed(header=HEADER | {"alg": value}))
        for value in ALGS
    ),
    Case("no alg", "wrong_algorithm", signed(header=without(HEADER, "alg"))),
]
SIGNATURES = [
    Case("one bit of the signature", "bad_signature", tampered(GOOD)),
    Case("another key", "bad_signature", signed(key=STRANGER)),
    Case("no signature", "bad_signature", GOOD.rpartition(".")[0] + "."),
    Case("a short signature", "bad_signature", GOOD.rpartition(".")[0] + ".AAAA"),
    Case("zeros", "bad_signature", GOOD.rpartition(".")[0] + "." + b64(bytes(64))),
    Case(
        "another payload",
        "bad_signature",
        ".".join(
            [
                GOOD.split(".")[0],
                signed(CLAIMS | {"nonce": "m" * 43}).split(".")[1],
                GOOD.split(".")[2],
            ]
        ),
    ),
]
TEXTS: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "{",
    "no object": "[]",
    "two objects": text_of() + "{}",
    "BOM": "\ufeff" + text_of(),
    "UTF-16": text_of().encode("utf-16"),
    "UTF-8 broken": text_of().encode()[:-1] + b'\xff"}',
    "duplicate": text_of()[:-1] + ',"jti":"AAAAAAAAAAAAAAAAAAAAAA"}',
    "duplicate in the age": text_of().replace('{"18": true}', '{"18":true,"18":true}'),
    "NaN": text_of().replace(str(IAT), "NaN", 1),
    "Infinity": text_of().replace(str(IAT), "-Infinity", 1),
    "5,000 digits": text_of().replace(str(IAT), "1" * 5000, 1),
    "beyond 64 bits": text_of(exp=2**63),
    "float time": text_of().replace(str(IAT), f"{IAT}.0", 1),
    "exponent": text_of().replace(str(IAT), "1e9", 1),
    "5,000 brackets": '{"iss":' + "[" * 2500 + "]" * 2500 + "}",
    "deep": '{"iss":' + '{"a":' * 20 + "1" + "}" * 20 + "}",
    "lone surrogate": text_of(nonce="\ud800"),
    "control character": text_of().replace("platform", "plat\nform"),
}
PAYLOADS = [
    Case(f"payload: {name}", "malformed_claims", signed(payload)) for name, payload in TEXTS.items()
]
FORMS: dict[str, tuple[Any, ...]] = {
    "iss": (1, None, [ISSUER]),
    "aud": ([AUDIENCE], None, 1),
    "nonce": (None, 1),
    "jti": (
        None,
        1,
        "",
        "A" * 21,
        "A" * 23,
        "A" * 21 + "B",
        "A" * 21 + "=",
        "A" * 22 + "\n",
    ),
    "iat": (None, True, str(IAT), [IAT]),
    "exp": (None, True, str(IAT + 900), {}),
    "age_equal_or_over": (
        None,
        True,
        18,
        [],
        {},
        {"18": True, "21": True},
        {"18": 1},
        {"18": "true"},
        {"18": None},
        {"018": True},
        {"0": True},
        {"100": True},
        {"-1": True},
        {" 18": True},
        {"18\n": True},
        {"\u0661\u0668": True},
        {"": True},
    ),
    "age_method": (None, "", "guess", "ESTIMATION", 1, ["estimation"], {}),
    "age_assurance": (None, "", "high", 1, []),
    "policy": (None, 1, "", "http://age.example/", "x", "https://a b/", "https://"),
    "cnf": (None, {}, [], "x", {"jkt": None}, {"jkt": 1}, {"jkt": "x"}, {"kid": "x"}),
    "sub": ("x",),
    "age": (34,),
    "status": ({},),
}
CLAIM_FORMS = [
    *(Case(f"no {name}", "malformed_claims", signed(without(CLAIMS, name))) for name in CLAIMS),
    *(
        Case(f"{name} {value!r}", "malformed_claims", signed(FULL | {name: value}))
        for name, values in FORMS.items()
        for value in values
    ),
    Case("iss and aud numbers", "malformed_claims", signed(CLAIMS | {"iss": 1, "aud": 1})),
    Case("nonce and jti numbers", "malformed_claims", signed(CLAIMS | {"nonce": 1, "jti": 1})),
    Case("both times texts", "malformed_claims", signed(CLAIMS | {"iat": "1", "exp": "2"})),
    Case(
        "cnf with more",
        "malformed_claims",
        signed(FULL | {"cnf": {"jkt": HOLDER.kid, "jwk": {}}}),
    ),
]
VALUES = [
    Case("another issuer's key", "wrong_issuer", signed(CLAIMS | {"iss": OTHER_ISSUER})),
    Case("unknown issuer", "wrong_issuer", signed(CLAIMS | {"iss": ISSUER + "/"})),
    Case("audience", "wrong_audience", signed(CLAIMS | {"aud": "https://evil.example"})),
    Case("audience with more", "wrong_audience", signed(CLAIMS | {"aud": AUDIENCE + "/"})),
    Case("nonce", "wrong_nonce", GOOD, {"nonce": "m" * 43}),
    Case("nonce not ASCII", "wrong_nonce", signed(CLAIMS | {"nonce": "\u00e9" * 43})),
    Case("nonce empty", "wrong_nonce", signed(CLAIMS | {"nonce": ""})),
    Case("expired", "expired", signed(CLAIMS | {"exp": IAT + 150, "iat": IAT - 100})),
    Case("long expired", "expired", signed(CLAIMS | {"exp": IAT - 900, "iat": IAT - 1800})),
    Case("of the future", "not_yet_valid", signed(CLAIMS | {"iat": IAT + 211, "exp": IAT + 900})),
    Case("lifetime", "lifetime_too_long", signed(CLAIMS | {"exp": IAT + 901})),
    Case("no lifetime", "lifetime_too_long", signed(CLAIMS | {"iat": IAT + 180, "exp": IAT + 180})),
]
SAYS = [
    Case("over a higher limit", "age_not_met", GOOD, {"age_over": 19}),
    Case("over, but under", "age_not_met", signed(CLAIMS | {"age_equal_or_over": {"18": False}})),
    Case("under, but over", "age_not_met", GOOD, {"age_over": None, "age_under": 18}),
    Case(
        "under a lower limit",
        "age_not_met",
        signed(CLAIMS | {"age_equal_or_over": {"18": False}}),
        {"age_over": None, "age_under": 17},
    ),
    Case("method not told", "assurance_not_met", GOOD, {"methods": [MethodClass.ESTIMATION]}),
    Case("another method", "assurance_not_met", BOUND, {"methods": [MethodClass.VERIFICATION]}),
    Case(
        "declaration not named",
        "assurance_not_met",
        signed(CLAIMS | {"age_method": "declaration"}),
    ),
    Case("level not told", "assurance_not_met", GOOD, {"minimum_level": AssuranceLevel.ASSERTED}),
    Case("level too low", "assurance_not_met", BOUND, {"minimum_level": AssuranceLevel.ENHANCED}),
]
HOLDERS = [
    Case("proof absent", "holder_proof", BOUND, {"holder_jkt": HOLDER.kid}),
    Case("token not bound", "holder_proof", GOOD, {"holder_proof": proof(GOOD)}),
    Case(
        "bound to another key",
        "holder_proof",
        BOUND,
        {"holder_jkt": OTHER_HOLDER.kid, "holder_proof": proof(BOUND)},
    ),
    Case(
        "proof by another key",
        "holder_proof",
        BOUND,
        {"holder_jkt": HOLDER.kid, "holder_proof": proof(BOUND, holder_key=OTHER_HOLDER)},
    ),
    Case("proof of another token", "holder_proof", BOUND, {"holder_proof": proof(GOOD)}),
    Case("empty proof", "holder_proof", BOUND, {"holder_proof": ""}),
]
CASES = [
    *FORM,
    *HEADERS,
    *SIGNATURES,
    *PAYLOADS,
    *CLAIM_FORMS,
    *VALUES,
    *SAYS,
    *HOLDERS,
]

CLASS_OF = {
    code: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.VerificationError)
    for code in cls.codes
}
EXPECTATION: dict[str, Any] = {"nonce": NONCE, "age_over": 18}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refusal(case: Case) -> None:
    with pytest.raises(errors.VerificationError) as caught:
        verifier().verify(case.token, **(EXPECTATION | case.arguments))
    assert caught.value.code == case.code
    assert type(caught.value) is CLASS_OF[case.code]
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("token", [GOOD, BOUND], ids=["least", "full"])
def test_the_untouched_tokens_are_accepted(token: str) -> None:
    assert verifier().verify(token, **EXPECTATION).proven_limit == 18


# One token that breaks every step from a given one on: the first failure must win. Each entry
# repairs one more step, in order.
REPAIRS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("malformed_header", lambda state: state["header"].pop("zip")),
    ("wrong_type", lambda state: state["header"].update(typ="age-result+jwt")),
    ("unknown_key", lambda state: state["header"].update(kid=KEY.kid)),
    ("wrong_algorithm", lambda state: state["header"].update(alg="ES256")),
    ("bad_signature", lambda state: state.update(key=KEY)),
    ("malformed_claims", lambda state: state["claims"].pop("sub")),
    ("wrong_issuer", lambda state: state["claims"].update(iss=ISSUER)),
    ("wrong_audience", lambda state: state["claims"].update(aud=AUDIENCE)),
    ("wrong_nonce", lambda state: state["claims"].update(nonce=NONCE)),
    ("expired", lambda state: state["claims"].update(exp=IAT + 1300)),
    ("not_yet_valid", lambda state: state["claims"].update(iat=IAT)),
    ("lifetime_too_long", lambda state: state["claims"].update(exp=IAT + 900)),
    ("age_not_met", lambda state: state["claims"].update(age_equal_or_over={"18": True})),
    ("assurance_not_met", lambda state: state["claims"].update(age_method="estimation")),
    ("holder_proof", lambda state: state.update(proves=True)),
    ("replay_store_unavailable", lambda state: state),
]


def test_first_failure_wins() -> None:
    claims = {
        "iss": OTHER_ISSUER,
        "aud": "https://evil.example",
        "nonce": "m" * 43,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        "iat": IAT + 300,
        "exp": IAT,
        "age_equal_or_over": {"18": False},
        "age_method": "declaration",
        "cnf": {"jkt": HOLDER.kid},
        "sub": "x",
    }
    header = {"typ": "JWT", "alg": "none", "kid": "x", "zip": "DEF"}
    state: dict[str, Any] = {"header": header, "claims": claims, "key": STRANGER, "proves": False}
    subject = verifier(replay_store=Broken())
    seen = []
    for _, repair in REPAIRS:
        token = signed(claims, header, state["key"])
        given = {"holder_proof": proof(token if state["proves"] else GOOD)}
        with pytest.raises(errors.VerificationError) as caught:
            subject.verify(token, **(EXPECTATION | given))
        seen.append(caught.value.code)
        repair(state)
    assert seen == [code for code, _ in REPAIRS]


class Broken:
    """A store that always fails."""

    def claim(self, _key: bytes, _expires_at: int) -> bool:
        raise RuntimeError("secret of the store")


def test_a_refused_token_is_not_used_up() -> None:
    subject = verifier()
    for arguments in ({"nonce": "m" * 43}, {"age_over": 21}, {"holder_jkt": HOLDER.kid}):
        with pytest.raises(errors.VerificationError):
            subject.verify(BOUND, **(EXPECTATION | arguments))
    subject.verify(BOUND, **EXPECTATION)
    with pytest.raises(errors.ReplayedTokenError):
        subject.verify(BOUND, **EXPECTATION)


def test_another_signature_over_the_same_claims_is_a_replay() -> None:
    subject = verifier()
    subject.verify(GOOD, **EXPECTATION)
    again = signed()
    assert again != GOOD
    with pytest.raises(errors.ReplayedTokenError):
        subject.verify(again, **EXPECTATION)


def test_another_issuer_cannot_use_up_a_token_id() -> None:
    subject = verifier()
    theirs = signed(CLAIMS | {"iss": OTHER_ISSUER}, HEADER | {"kid": OTHER_KEY.kid}, OTHER_KEY)
    assert subject.verify(theirs, **EXPECTATION).issuer == OTHER_ISSUER
    assert subject.verify(GOOD, **EXPECTATION).issuer == ISSUER


def test_every_code_is_refused_here() -> None:
    tested = {case.code for case in CASES} | {code for code, _ in REPAIRS} | {"replayed"}
    # A verifier of pinned key sets never lacks one.
    assert tested == set(CLASS_OF) - {"verification", "key_set_unavailable"}
