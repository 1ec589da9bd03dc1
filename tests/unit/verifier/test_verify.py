"""What a verification accepts, returns and leaves behind; how a verifier is set up."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

import ageassure
from ageassure.errors import (
    ConfigurationError,
    KeySetError,
    ReplayStoreError,
    TokenExpiredError,
    TokenNotYetValidError,
    VerificationError,
)
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import JWKSet, PublicJWK, SigningKey, TokenIssuer, make_holder_proof
from ageassure.verifier import MemoryReplayStore, TokenVerifier, VerifiedAge
from ageassure.verifier.expectation import checked_expectation

IAT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NOW = IAT + timedelta(seconds=30)
ISSUER, AUDIENCE, NONCE = "https://age.example", "https://platform.example", "n" * 43
KEY, HOLDER = SigningKey.generate(), SigningKey.generate("EdDSA")
PRACTICE = "https://age.example/practice/1"


def clock() -> datetime:
    return NOW


def token(
    *,
    outcome: Outcome = Outcome.OVER,
    method_class: MethodClass = MethodClass.ESTIMATION,
    policy_uri: str | None = None,
    key: SigningKey = KEY,
    lifetime_seconds: int = 900,
    **request: Any,
) -> str:
    issuer = TokenIssuer(
        issuer=ISSUER,
        signing_key=key,
        policy_uri=policy_uri,
        now=clock,
        lifetime_seconds=lifetime_seconds,
    )
    limit = {"age_over": 18} if outcome is Outcome.OVER else {"age_under": 18}
    asked = AgeRequest(audience=AUDIENCE, nonce=NONCE, **(limit | request))
    return issuer.issue(
        asked, outcome=outcome, method_class=method_class, level=AssuranceLevel.STANDARD
    )


def verifier(**changes: Any) -> TokenVerifier:
    arguments: dict[str, Any] = {
        "issuers": {ISSUER: KEY.public_set()},
        "audience": AUDIENCE,
        "replay_store": MemoryReplayStore(now=clock),
        "now": clock,
    }
    return TokenVerifier(**(arguments | changes))


def test_the_expectation_is_shown_to_nobody() -> None:
    expected = checked_expectation(
        nonce=NONCE,
        age_over=18,
        age_under=None,
        methods=None,
        minimum_level=None,
        holder_jkt=HOLDER.kid,
    )
    assert repr(expected) == str(expected) == "<Expectation (content hidden)>"


def test_what_is_returned() -> None:
    full = token(tell_method=True, tell_level=True, policy_uri=PRACTICE, holder_jkt=HOLDER.kid)
    assert verifier().verify(full, nonce=NONCE, age_over=16) == VerifiedAge(
        issuer=ISSUER,
        audience=AUDIENCE,
        age_over=16,
        age_under=None,
        proven_limit=18,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
        policy_uri=PRACTICE,
        issued_at=IAT,
        expires_at=IAT + timedelta(minutes=15),
        holder_jkt=HOLDER.kid,
    )


def test_only_what_was_told_is_returned() -> None:
    verified = verifier().verify(token(), nonce=NONCE, age_over=18)
    assert (verified.method_class, verified.level) == (None, None)
    assert (verified.policy_uri, verified.holder_jkt) == (None, None)
    with pytest.raises(AttributeError):
        verified.age_over = 99  # type: ignore[misc]


def test_a_holder_is_shown_to_nobody() -> None:
    verified = verifier().verify(token(holder_jkt=HOLDER.kid), nonce=NONCE, age_over=16)
    assert verified.holder_jkt == HOLDER.kid
    assert (
        repr(verified)
        == str(verified)
        == (
            f"VerifiedAge(issuer={ISSUER!r}, audience={AUDIENCE!r}, age_over=16, age_under=None, "
            "proven_limit=18, method_class=None, level=None, policy_uri=None, "
            f"issued_at={IAT!r}, expires_at={IAT + timedelta(minutes=15)!r})"
        )
    )


def test_under_the_limit_itself() -> None:
    made = token(outcome=Outcome.UNDER)
    assert verifier().verify(made, nonce=NONCE, age_under=18).proven_limit == 18


@pytest.mark.parametrize("leeway_seconds", [0, 60])
def test_edges_of_leeway(leeway_seconds: int) -> None:
    made = token()
    expiry = IAT + timedelta(seconds=900 + leeway_seconds)
    before = expiry - timedelta(seconds=1)
    # Read once when the verifier is made, and once in each verification.
    subject = verifier(now=[expiry, before, before].pop, leeway_seconds=leeway_seconds)
    subject.verify(made, nonce=NONCE, age_over=18)
    with pytest.raises(TokenExpiredError):
        subject.verify(made, nonce=NONCE, age_over=18)


def test_under() -> None:
    verified = verifier().verify(token(outcome=Outcome.UNDER), nonce=NONCE, age_under=21)
    assert (verified.age_over, verified.age_under, verified.proven_limit) == (None, 21, 18)


@pytest.mark.parametrize("spelling", ["age-result+jwt", "application/age-result+jwt"])
def test_both_spellings_of_the_type(spelling: str) -> None:
    from ageassure.tokens.jws import parse_compact, sign_compact

    header = {"typ": spelling, "alg": "ES256", "kid": KEY.kid}
    again = sign_compact(header, parse_compact(token()).payload, KEY)
    verifier().verify(again, nonce=NONCE, age_over=18)


def test_members_in_another_order_and_with_white_space() -> None:
    import base64

    head = f' {{ "kid":"{KEY.kid}", "alg" : "ES256",\r\n\t"typ":"age-result+jwt"}} '.encode()
    payload = token().split(".")[1]
    signing_input = base64.urlsafe_b64encode(head).rstrip(b"=") + b"." + payload.encode()
    signature = base64.urlsafe_b64encode(KEY.sign(signing_input)).rstrip(b"=")
    again = (signing_input + b"." + signature).decode()
    verifier().verify(again, nonce=NONCE, age_over=18)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"])
def test_every_algorithm(alg: str) -> None:
    key = SigningKey.generate(alg)
    subject = verifier(issuers={ISSUER: key.public_set()})
    subject.verify(token(key=key), nonce=NONCE, age_over=18)


def test_a_declaration_that_is_named() -> None:
    declared = token(method_class=MethodClass.DECLARATION, tell_method=True)
    methods = {MethodClass.DECLARATION, MethodClass.VERIFICATION}
    verified = verifier().verify(declared, nonce=NONCE, age_over=18, methods=methods)
    assert verified.method_class is MethodClass.DECLARATION


def test_method_and_level_that_were_demanded() -> None:
    told = token(tell_method=True, tell_level=True)
    verified = verifier().verify(
        told,
        nonce=NONCE,
        age_over=18,
        methods=[MethodClass.ESTIMATION],
        minimum_level=AssuranceLevel.STANDARD,
    )
    assert verified.level is AssuranceLevel.STANDARD


@pytest.mark.parametrize("demanded", [HOLDER.kid, None])
def test_holder_proof(demanded: str | None) -> None:
    bound = token(holder_jkt=HOLDER.kid)
    proof = make_holder_proof(bound, holder_key=HOLDER, audience=AUDIENCE, nonce=NONCE, now=clock)
    verified = verifier().verify(
        bound, nonce=NONCE, age_over=18, holder_jkt=demanded, holder_proof=proof
    )
    assert verified.holder_jkt == HOLDER.kid
    assert HOLDER.kid not in repr(verified)


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [
        (-30.001, TokenNotYetValidError),
        (-30, None),
        (0, None),
        (929.999, None),
        (930, TokenExpiredError),
    ],
)
def test_edges_of_time(seconds: float, refusal: type[VerificationError] | None) -> None:
    made = token()
    moment = IAT + timedelta(seconds=seconds)
    subject = verifier(now=lambda: moment, replay_store=MemoryReplayStore(now=lambda: moment))
    if refusal is None:
        subject.verify(made, nonce=NONCE, age_over=18)
    else:
        with pytest.raises(refusal):
            subject.verify(made, nonce=NONCE, age_over=18)


def test_the_clock_may_be_in_any_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    verifier(now=lambda: NOW.astimezone(tokyo)).verify(token(), nonce=NONCE, age_over=18)


def test_threads_racing_for_one_token() -> None:
    subject, made = verifier(), token()
    start = Barrier(8)
    outcomes: list[str] = []

    def race() -> None:
        start.wait()
        try:
            subject.verify(made, nonce=NONCE, age_over=18)
        except VerificationError as error:
            outcomes.append(error.code)
        else:
            outcomes.append("accepted")

    threads = [Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted"] + ["replayed"] * 7


class Store:
    """A replay store that answers, or raises, as told."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.calls: list[tuple[bytes, int]] = []

    def claim(self, key: bytes, expires_at: int) -> Any:
        self.calls.append((key, expires_at))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [RuntimeError("secret"), VerificationError("secret"), OSError(), None, 1, 0, "yes", object()],
)
def test_a_store_that_does_not_answer(answer: object) -> None:
    with pytest.raises(ReplayStoreError) as caught:
        verifier(replay_store=Store(answer)).verify(token(), nonce=NONCE, age_over=18)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_store_that_says_why() -> None:
    with pytest.raises(ReplayStoreError, match="the replay store is full"):
        verifier(replay_store=Store(ReplayStoreError("the replay store is full"))).verify(
            token(), nonce=NONCE, age_over=18
        )


def test_what_the_store_is_told() -> None:
    store = Store(True)
    subject = verifier(replay_store=store, leeway_seconds=60)
    subject.verify(token(), nonce=NONCE, age_over=18)
    ((key, expires_at),) = store.calls
    assert len(key) == 32
    assert expires_at == int(IAT.timestamp()) + 900 + 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "secret-nonce!" * 4},
        {"age_under": 18},
        {"methods": "estimation"},
        {"holder_jkt": "secret"},
        {"clock": None},
    ],
)
@pytest.mark.parametrize("how", ["verify", "verify_async"])
def test_nothing_of_what_was_presented_is_in_an_error_of_the_set_up(
    wrong: dict[str, Any], how: str
) -> None:
    made, times = token(), [NOW]
    subject = verifier(now=lambda: times[0])
    asked: dict[str, Any] = {
        "nonce": "secret-nonce" * 4,
        "age_over": 18,
        "holder_proof": "secret-proof",
    } | wrong
    if "clock" in asked:
        times[0] = asked.pop("clock")

    def call() -> object:
        if how == "verify":
            return subject.verify(made, **asked)
        return asyncio.run(_call(subject, made, asked))

    with pytest.raises(ConfigurationError) as caught:
        call()
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    own = [repr(f.f_locals) for f in frames if f.f_code.co_filename.endswith("verifier.py")]
    assert own
    assert not any(made in shown or "secret" in shown for shown in own)
    assert caught.value.__cause__ is caught.value.__context__ is None


async def _call(subject: TokenVerifier, made: str, asked: dict[str, Any]) -> None:
    await subject.verify_async(made, **asked)


def test_nothing_of_a_refused_token_is_in_the_error() -> None:
    made = token(tell_method=True)
    nonce = "secret-nonce" * 4
    with pytest.raises(VerificationError) as caught:
        verifier().verify(made, nonce=nonce, age_over=18, holder_proof="secret-proof")
    # The first frame is this test's own.
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)][1:]
    assert frames
    for frame in frames:
        shown = repr(frame.f_locals)
        assert made not in shown
        assert made.split(".")[1] not in shown
        assert "secret" not in shown
    assert not any(part in str(caught.value) for part in (made, nonce, NONCE, AUDIENCE, KEY.kid))


BAD_EXPECTATIONS: list[dict[str, Any]] = [
    {"nonce": None},
    {"nonce": ""},
    {"nonce": "n" * 21},
    {"nonce": "n" * 129},
    {"nonce": "n" * 42 + "="},
    {"nonce": "n" * 43 + "\n"},
    {"nonce": b"n" * 43},
    {"age_over": None},
    {"age_under": 18},
    {"age_over": 0},
    {"age_over": 100},
    {"age_over": True},
    {"age_over": 18.0},
    {"age_over": "18"},
    {"age_over": None, "age_under": 0},
    {"methods": []},
    {"methods": "estimation"},
    {"methods": ["estimation"]},
    {"methods": [None]},
    {"methods": 1},
    {"methods": MethodClass.ESTIMATION},
    {"minimum_level": "standard"},
    {"minimum_level": 1},
    {"holder_jkt": ""},
    {"holder_jkt": "x" * 42},
    {"holder_jkt": 1},
]


@pytest.mark.parametrize("expectation", BAD_EXPECTATIONS, ids=repr)
def test_a_bad_expectation_is_found_before_the_token_is_read(expectation: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"nonce": NONCE, "age_over": 18} | expectation
    with pytest.raises(ConfigurationError):
        verifier().verify("no token", **arguments)


def raising() -> datetime:
    raise RuntimeError("secret")


BAD_CLOCKS: list[Any] = [
    lambda: datetime(2026, 6, 1, 12, 0),  # noqa: DTZ001 - naive on purpose
    lambda: 0,
    lambda: None,
    raising,
    None,
    NOW,
]


@pytest.mark.parametrize("now", BAD_CLOCKS)
def test_bad_clocks(now: Any) -> None:
    with pytest.raises(ConfigurationError, match="aware datetime"):
        verifier(now=now)
    moments = iter([NOW])
    later = verifier(now=lambda: next(moments, None) or now())
    with pytest.raises(ConfigurationError) as caught:
        later.verify("no token", nonce=NONCE, age_over=18)
    assert caught.value.__context__ is None


OTHER = SigningKey.generate()
NAMED = PublicJWK(kid="named", alg="ES256", key=KEY.public.key)
BAD_SETUPS: list[dict[str, Any]] = [
    {"issuers": {}},
    {"issuers": None},
    {"issuers": [ISSUER]},
    {"issuers": {ISSUER: None}},
    {"issuers": {ISSUER: KEY.public_set().to_dict()}},
    {"issuers": {"http://age.example": KEY.public_set()}},
    {"issuers": {"": KEY.public_set()}},
    {"issuers": {None: KEY.public_set()}},
    {"issuers": {ISSUER + "?q": KEY.public_set()}},
    {"issuers": {"https://user@age.example": KEY.public_set()}},
    {"issuers": {"http://127.0.0.1.evil.example": KEY.public_set()}},
    {"audience": ""},
    {"audience": None},
    {"audience": [AUDIENCE]},
    {"replay_store": None},
    {"replay_store": {}},
    {"leeway_seconds": -1},
    {"leeway_seconds": 61},
    {"leeway_seconds": True},
    {"leeway_seconds": 1.0},
]
BAD_KEY_SETS: list[dict[str, Any]] = [
    {"issuers": {ISSUER: JWKSet(keys=(NAMED,))}},
    {"issuers": {ISSUER: KEY.public_set(), "https://other.example": KEY.public_set()}},
]


@pytest.mark.parametrize("changes", BAD_SETUPS, ids=repr)
def test_bad_setups(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        verifier(**changes)


@pytest.mark.parametrize("changes", BAD_KEY_SETS)
def test_bad_key_sets(changes: dict[str, Any]) -> None:
    with pytest.raises(KeySetError):
        verifier(**changes)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://age.example",
        "https://age.example:8443/tenant/1",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://[::1]:1",
    ],
)
def test_good_issuers(issuer: str) -> None:
    verifier(issuers={issuer: KEY.public_set(), "https://b.example": OTHER.public_set()})


def test_what_must_be_thought_of_has_no_default() -> None:
    arguments: dict[str, Any] = {
        "issuers": {ISSUER: KEY.public_set()},
        "audience": AUDIENCE,
        "replay_store": MemoryReplayStore(),
        "now": clock,
    }
    for name in arguments:
        with pytest.raises(TypeError):
            TokenVerifier(**{key: value for key, value in arguments.items() if key != name})
    with pytest.raises(TypeError):
        verifier().verify("", age_over=18)  # type: ignore[call-arg]


def test_verified_ages_are_made_in_one_place() -> None:
    root = Path(ageassure.__file__).parent
    makers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "VerifiedAge"
    }
    assert makers == {"verifier/verifier.py"}


def test_the_verifier_loads_nothing_heavy() -> None:
    heavy = [
        "numpy",
        "cv2",
        "onnxruntime",
        "jwt",
        "PIL",
        "scipy",
        "asyncio",
        "http",
        "email",
        "ssl",
    ]
    ours = ["ageassure.provider", "ageassure.estimators", "ageassure.policy"]
    script = (
        "import sys, ageassure.verifier\n"
        f"print([name for name in {heavy + ours} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
