"""Birth date, name and document number are found nowhere, whichever way they came in."""

from __future__ import annotations

import gc
import json
import logging
import pickle
import secrets
import traceback
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from ageassure.errors import AgeAssuranceError
from ageassure.estimators.credential import (
    AgeTokenEstimator,
    AgeTokenEvidence,
    AppleAgeRange,
    AppleDeclaration,
    PlayAgeSignals,
    PlayTier,
    SelfDeclaration,
    SelfDeclarationEstimator,
    SystemSignalEstimator,
)
from ageassure.estimators.credential.openid4vp import (
    AgeQuery,
    BrowserAnswer,
    DirectPostAnswer,
    WalletAgeEstimator,
    WalletRequest,
)
from ageassure.policy import Binding, MemoryAttemptStore, Policy, PresentationAttackRule
from ageassure.provider import Provider, RelyingParty
from ageassure.results import AgeRequest, Direction, MethodClass
from ageassure.testing import throw_away
from ageassure.tokens import SigningKey, TokenIssuer

from .wallets import AUDIENCE, NOW, TYPE, Credential, clock, estimator, evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIRTH, NAME, NUMBER = "1987-06-05", "Sentinella", "X4711SENTINEL"
SENTINELS = (BIRTH, "1987", "06-05", NAME, NUMBER)


def identity(**payload: Any) -> Credential:
    """All that a wallet could disclose."""
    credential = Credential(payload=payload)
    credential.disclose("birthdate", BIRTH).disclose("given_name", NAME)
    return credential.disclose("document_number", NUMBER)


def wallet_answer(credential: Credential, *, posted: bool) -> Any:
    query = AgeQuery(age_limit=18, sd_jwt_types=(TYPE,))
    if posted:
        request = WalletRequest.by_direct_post(
            query, client_id=AUDIENCE, response_uri="https://a.example/x", response_key=None
        )
    else:
        request = WalletRequest.by_browser(query, origin="https://a.example", response_key=None)
    credential.binding |= {"aud": request.audience, "nonce": request.nonce}
    token = {"age_sd_jwt": [credential.presented()]}
    if posted:
        form = urlencode({"vp_token": json.dumps(token), "state": request.state})
        return DirectPostAnswer(request=request, form=form.encode())
    data = json.dumps({"vp_token": token}).encode()
    return BrowserAnswer(request=request, protocol=str(request.protocol), data=data)


def signal(**members: Any) -> bytes:
    return json.dumps({"name": NAME, "birth": BIRTH, "number": NUMBER, **members}).encode()


WALLET = WalletAgeEstimator(sd_jwt=estimator(), mdocs={})
SIGNALS = SystemSignalEstimator(
    play_tiers=list(PlayTier), apple_declarations=list(AppleDeclaration), now=clock
)
DECLARED = SelfDeclarationEstimator(now=clock)
TOKENS = AgeTokenEstimator(verifier=throw_away().verifier)
PLAY = {"ageSignalsStatus": "SHARED", "ageRangeSource": "TIER_A", "ageLower": 18}
APPLE = {"response": "sharing", "lowerBound": 18, "ageRangeDeclaration": "selfDeclared"}

GOOD: dict[str, tuple[Any, Callable[[], Any]]] = {
    "sd_jwt": (estimator(), lambda: evidence(identity().presented())),
    "sd_jwt_stated": (estimator(), lambda: evidence(identity().state(_18=True).presented())),
    "posted": (WALLET, lambda: wallet_answer(identity(), posted=True)),
    "browser": (WALLET, lambda: wallet_answer(identity(), posted=False)),
    "play": (SIGNALS, lambda: PlayAgeSignals(answer=signal(**PLAY))),
    "apple": (SIGNALS, lambda: AppleAgeRange(answer=signal(**APPLE))),
    "declared": (DECLARED, lambda: SelfDeclaration(birth_date=BIRTH)),
}


def altered() -> Any:
    credential = identity()
    credential.binding["nonce"] = NAME
    return evidence(credential.presented())


BAD: dict[str, tuple[Any, Callable[[], Any]]] = {
    "expired": (estimator(), lambda: evidence(identity(exp=1).presented())),
    "contradictory": (
        estimator(),
        lambda: evidence(identity().state(_18=True, _16=False).presented()),
    ),
    "impossible": (
        estimator(),
        lambda: evidence(Credential().disclose("birthdate", f"{BIRTH}T{NAME}").presented()),
    ),
    "no_age": (estimator(), lambda: evidence(Credential().disclose("name", NAME).presented())),
    "altered": (estimator(), altered),
    "no_sd_jwt": (estimator(), lambda: evidence(f"{NAME}~{BIRTH}~{NUMBER}")),
    "posted": (WALLET, lambda: wallet_answer(identity(exp=1), posted=True)),
    "browser": (WALLET, lambda: wallet_answer(identity(exp=1), posted=False)),
    "play": (SIGNALS, lambda: PlayAgeSignals(answer=signal(ageSignalsStatus=NAME))),
    "apple": (SIGNALS, lambda: AppleAgeRange(answer=signal(response=BIRTH))),
    "declared": (DECLARED, lambda: SelfDeclaration(birth_date=f"{BIRTH} {NAME}")),
    "token": (
        TOKENS,
        lambda: AgeTokenEvidence(token=f"{NAME}.{BIRTH}.{NUMBER}", nonce="n" * 43, age_over=18),
    ),
}


def reachable(found: object, depth: int = 0) -> Iterator[str]:
    """Every text in a value, through containers and attributes."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, bytes | bytearray):
        yield found.decode("latin-1")
    elif depth < 8 and not isinstance(found, ModuleType | FunctionType | type | SigningKey):
        for inner in gc.get_referents(found):
            yield from reachable(inner, depth + 1)


def assert_clean(*values: object) -> None:
    for value in values:
        for text in reachable(value):
            assert not any(sentinel in text for sentinel in SENTINELS)


def frames_after_the_test(error: BaseException) -> list[dict[str, Any]]:
    trace = error.__traceback__
    assert trace is not None
    found = []
    trace = trace.tb_next  # the test's own frame
    while trace is not None:
        found.append(dict(trace.tb_frame.f_locals))
        trace = trace.tb_next
    return found


def test_the_search_finds_what_is_there() -> None:
    with pytest.raises(AssertionError):
        assert_clean([{"a": ({"b": NAME},)}])
    with pytest.raises(AssertionError):
        assert_clean({"held": [SelfDeclaration(birth_date=BIRTH)]})


@pytest.mark.parametrize("path", GOOD)
def test_an_estimate_holds_nothing(path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assessor, make = GOOD[path]
    held = make()
    estimate = assessor.estimate(held)
    assert estimate.bounds_at_or_over(18)[0] == 1
    assert_clean(repr(estimate), repr(held), caplog.text)
    texts = [str(getattr(estimate, name)) for name in ("_lower", "_upper", "provenance")]
    assert_clean(*texts)
    for personal in (estimate, held):
        with pytest.raises(TypeError):
            pickle.dumps(personal)


@pytest.mark.parametrize("path", GOOD)
def test_an_estimator_keeps_nothing(path: str) -> None:
    assessor, make = GOOD[path]
    assessor.estimate(make())
    slots = {name: getattr(assessor, name) for name in type(assessor).__slots__}
    assert_clean({name: value for name, value in slots.items() if name != "_now"})


@pytest.mark.parametrize("path", BAD)
def test_a_refusal_holds_nothing(path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assessor, make = BAD[path]
    assess = partial(assessor.estimate, make())
    with pytest.raises(AgeAssuranceError) as caught:
        assess()
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    assert_clean(str(error), repr(error), error.args, error.code, caplog.text)
    assert_clean(*(text for text in traceback.format_exception(error)[1:] if "File" not in text))
    frames = frames_after_the_test(error)
    assert frames
    for variables in frames:
        assert_clean({name: value for name, value in variables.items() if name != "self"})
    assert pickle.loads(pickle.dumps(error)).code == error.code


@pytest.mark.parametrize("path", [path for path in GOOD if path != "sd_jwt_stated"])
def test_a_token_tells_nothing(path: str) -> None:
    assessor, make = GOOD[path]
    declared = path in ("play", "apple", "declared")
    provider = Provider(
        estimators={"credential": assessor},
        policies=[
            Policy(
                age_limit=18,
                direction=Direction.OVER,
                methods=frozenset(MethodClass),
                binding=Binding.UNBOUND_ACCEPTED if declared else Binding.REQUIRED,
                presentation_attack=PresentationAttackRule.EVALUATED,
                over=None,
                under=None,
                session_alpha=None,
                max_attempts=1,
            )
        ],
        issuer=TokenIssuer(
            issuer="https://provider.example", signing_key=SigningKey.generate(), now=clock
        ),
        relying_parties=[RelyingParty(audience="https://platform.example")],
        attempt_store=MemoryAttemptStore(now=clock),
        now=clock,
    )
    request = AgeRequest(
        audience="https://platform.example",
        nonce=secrets.token_urlsafe(32),
        age_over=18,
        tell_method=True,
    )
    result = provider.assess(make(), request)
    assert result.token is not None
    claims = json.loads(_payload(result.token))
    assert claims["age_equal_or_over"] == {"18": True}
    assert claims["age_method"] == ("declaration" if declared else "verification")
    assert_clean(claims, repr(result), result.reasons)
    assert NOW.year != 1987


def _payload(token: str) -> bytes:
    from ageassure.tokens.jws import parse_compact

    return parse_compact(token).payload
