"""``ageassure demo``: the main job once, on a public-domain portrait, told step by step."""

from __future__ import annotations

import json
import secrets
from importlib import resources
from typing import TYPE_CHECKING, Any

import click

from ageassure import estimators
from ageassure.cli.face import DEFAULT_ALPHA, described, facial_policy
from ageassure.cli.output import ExitStatus, command_with_json, emit
from ageassure.errors import MissingExtraError, ReplayedTokenError
from ageassure.policy import (
    Binding,
    ChallengeAge,
    MemoryAttemptStore,
    Policy,
    PresentationAttackRule,
    RequiredCertainty,
    explain,
)
from ageassure.provider import Provider, RelyingParty
from ageassure.results import AgeRequest, Direction, MethodClass
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.tokens.clock import utc_now
from ageassure.tokens.jws import parse_compact
from ageassure.verifier import MemoryReplayStore, TokenVerifier

if TYPE_CHECKING:
    from ageassure.policy import Decision
    from ageassure.results import AssuranceResult
    from ageassure.verifier import VerifiedAge

AGE_LIMIT = 18
CERTAINTY = 0.9
PLATFORM = "https://platform.example"
PROVIDER = "https://provider.example"

CLAIM_PURPOSES = {
    "iss": "who vouches",
    "aud": "for this platform alone",
    "nonce": "for this visit alone",
    "jti": "so that it is accepted once; stored by nobody at the issuer",
    "iat": "rounded down to five minutes: exact times link",
    "exp": "the same lifetime for everybody",
    "age_equal_or_over": "one limit, one truth value; no age, no date of birth",
    "age_method": "asked for: class of the method",
    "age_assurance": "asked for: no liveness check was made, hence no more than this",
}


def portrait() -> bytearray:
    """Eileen Collins, photographed by NASA, public domain: scikit-image's ``astronaut.png``.

    Raises:
        MissingExtraError: If scikit-image is not installed.
    """
    try:
        return bytearray((resources.files("skimage.data") / "astronaut.png").read_bytes())
    except (ModuleNotFoundError, FileNotFoundError):
        pass
    raise MissingExtraError("the demo needs: pip install 'ageassure[demo]'")


def _measured(found: dict[str, Any]) -> list[str]:
    low, high = found["interval_90_percent"]
    return [
        "1. The face says",
        f"   mean {found['mean_years']:.1f} years, 90 % of it from {low} to {high - 1}",
        f"   P(age ≥ {AGE_LIMIT}) = {found['probability_at_or_over'][str(AGE_LIMIT)]:.3f}",
        f"   presentation attack: {found['presentation_attack']}",
    ]


def certainty_policy() -> Policy:
    """A policy that settles by probability: weaker than an earned challenge age, see the lines."""
    return Policy(
        age_limit=AGE_LIMIT,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.ESTIMATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.UNEVALUATED_ACCEPTED,
        over=RequiredCertainty(certainty=CERTAINTY),
        under=None,
        session_alpha=1 - CERTAINTY,
        max_attempts=1,
    )


def _strict(bar: ChallengeAge, decision: Decision) -> list[str]:
    return [
        f"2. A policy with an earned challenge age says {decision.outcome.upper()}",
        *(f"   {sentence}" for sentence in explain(decision)),
        f"   The challenge age for {AGE_LIMIT} is {bar.age_years_shown}: {bar.k} of {bar.n} people "
        f"of {bar.protected_band} years reached it,",
        f"   so at most {bar.upper_bound:.2%} of such people do ({bar.confidence:.0%} confidence; "
        f"ages: {bar.age_proof}).",
        "   A face alone rarely settles it: INCONCLUSIVE leads on to another method.",
    ]


def _settled(result: AssuranceResult) -> list[str]:
    return [
        f"3. A policy that takes P ≥ {CERTAINTY} says {result.outcome.upper()}",
        *(f"   {sentence}" for sentence in explain(result)),
        "   Weaker: the probability is right only for the mix of ages that it was fitted on.",
        f"   Assurance level {result.assurance_level}. The demo goes on with this one.",
    ]


def _signed(claims: dict[str, Any]) -> list[str]:
    width = max(map(len, claims))
    lines = [
        f"   {name:<{width}}  {json.dumps(value)}  ({CLAIM_PURPOSES[name]})"
        for name, value in claims.items()
    ]
    return ["4. The token says", *lines, "   and nothing else."]


@click.command()
@command_with_json
def demo(*, as_json: bool) -> None:
    """Assess a public-domain portrait, sign a token, verify it, and have its replay refused."""
    picture = portrait()
    estimator = estimators.FacialAgeEstimator()
    strict = facial_policy(estimator, age_limit=AGE_LIMIT, alpha=DEFAULT_ALPHA)
    bar = strict.over
    assert isinstance(bar, ChallengeAge)  # noqa: S101 - facial_policy makes no other
    issuer = TokenIssuer(issuer=PROVIDER, signing_key=SigningKey.generate())
    provider = Provider(
        estimators={"face": estimator},
        policies=[certainty_policy()],
        issuer=issuer,
        relying_parties=[RelyingParty(audience=PLATFORM)],
        attempt_store=MemoryAttemptStore(now=utc_now),
    )
    nonce = secrets.token_urlsafe(32)
    request = AgeRequest(
        audience=PLATFORM, nonce=nonce, age_over=AGE_LIMIT, tell_method=True, tell_level=True
    )
    estimate = estimator.estimate(bytearray(picture))
    found, decision = described(estimate), strict.decide(estimate)
    result = provider.assess(picture, request)
    document: dict[str, Any] = {
        "estimate": found,
        "challenge_age": {"bar": bar.to_dict(), "outcome": decision.outcome},
        "required_certainty": {"certainty": CERTAINTY, "outcome": result.outcome},
    }
    lines = [
        "A portrait of Eileen Collins (NASA, public domain) is shown to a provider.",
        *("", *_measured(found), "", *_strict(bar, decision), "", *_settled(result)),
    ]
    if result.token is None:
        emit(document, [*lines, "", "No token is made."], as_json=as_json)
        raise SystemExit(ExitStatus.INCONCLUSIVE)
    claims = json.loads(parse_compact(result.token).payload)
    verified, refusal = _verify_twice(result.token, issuer, nonce)
    lines += ["", *_signed(claims), "", "5. The platform, offline, with the provider's public key"]
    lines += [
        f"   verified: {verified.age_over} or over, by {verified.method_class}",
        f"   the same token again: refused ({refusal})",
    ]
    document |= {"claims": claims, "verified_age_over": verified.age_over, "replay": refusal}
    emit(document, lines, as_json=as_json)


def _verify_twice(token: str, issuer: TokenIssuer, nonce: str) -> tuple[VerifiedAge, str]:
    verifier = TokenVerifier(
        issuers={issuer.issuer: issuer.jwks},
        audience=PLATFORM,
        replay_store=MemoryReplayStore(),
        now=utc_now,
    )
    verified = verifier.verify(token, age_over=AGE_LIMIT, nonce=nonce)
    try:
        verifier.verify(token, age_over=AGE_LIMIT, nonce=nonce)
    except ReplayedTokenError as error:
        return verified, error.code
    raise AssertionError("the replay was accepted")
