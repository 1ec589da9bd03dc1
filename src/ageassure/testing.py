"""For your tests: estimators with fixed answers, a clock that stands, keys to be thrown away.

Nothing here says anything about a person, and nothing here is for production. The bars stand on
people who were never measured and say so; their pipeline digest belongs to no pipeline, so that no
real estimate is ever judged by them.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from ageassure.errors import AgeAssuranceError, ConfigurationError
from ageassure.policy import AgeBand, ChallengeAge, LowerBar, people_needed
from ageassure.policy.measured import CONFIDENCE
from ageassure.results import (
    MAX_YEARS,
    AgeDistribution,
    AgeEstimate,
    AgeInterval,
    MethodClass,
    PresentationAttack,
    Provenance,
)
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.verifier import MemoryReplayStore, TokenVerifier

TEST_PIPELINE_DIGEST: Final = hashlib.sha256(b"ageassure.testing: no pipeline").hexdigest()
TEST_TIME: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEST_ISSUER: Final = "https://issuer.invalid"
TEST_AUDIENCE: Final = "https://platform.invalid"
_SOURCE: Final = "for tests only: no person was measured"


class FixedClock:
    """A clock that stands still until it is moved.

    Args:
        moment: Where it stands, an aware datetime.
    """

    def __init__(self, moment: datetime = TEST_TIME) -> None:
        self._moment = moment

    def __call__(self) -> datetime:
        """The moment at which it stands."""
        return self._moment

    def advance(self, *, seconds: float) -> None:
        """Move it; backwards if negative."""
        self._moment += timedelta(seconds=seconds)


def estimated_age(
    mean_years: float,
    *,
    spread_years: int = 0,
    method_class: MethodClass = MethodClass.ESTIMATION,
    bound: bool = True,
    presentation_attack: PresentationAttack = PresentationAttack.PASSED,
    as_of: datetime = TEST_TIME,
    pipeline_digest: str = TEST_PIPELINE_DIGEST,
) -> AgeDistribution:
    """A distribution, as from a face.

    Args:
        mean_years: Its mean, exactly.
        spread_years: Half of the probability lies so far below, half so far above.
        method_class: As in :class:`~ageassure.results.Provenance`.
        bound: As there.
        presentation_attack: As there.
        as_of: As there.
        pipeline_digest: As there.

    Raises:
        ConfigurationError: If mean or spread leave 0 … 120.
    """
    floor = math.floor(mean_years)
    if not 0 <= floor - spread_years <= floor + spread_years <= MAX_YEARS:
        raise ConfigurationError(f"got a mean or spread that leaves 0 to {MAX_YEARS}")
    above = mean_years - floor
    probabilities = [0.0] * (MAX_YEARS + 2)
    for year in (floor - spread_years, floor + spread_years):
        probabilities[year] += (1 - above) / 2
        probabilities[year + 1] += above / 2
    return AgeDistribution(
        probabilities=probabilities[: MAX_YEARS + 1],
        provenance=Provenance(
            method_class=method_class,
            bound=bound,
            presentation_attack=presentation_attack,
            as_of=as_of,
            pipeline_digest=pipeline_digest,
        ),
    )


def known_age(
    lower_years: int,
    upper_years: int | None = None,
    *,
    method_class: MethodClass = MethodClass.VERIFICATION,
    bound: bool = True,
    presentation_attack: PresentationAttack = PresentationAttack.NOT_APPLICABLE,
    as_of: datetime = TEST_TIME,
) -> AgeInterval:
    """An interval ``[lower_years, upper_years)``, as from a document or a credential.

    Args:
        lower_years: Least possible completed years.
        upper_years: First impossible ones; None for no upper limit.
        method_class: As in :class:`~ageassure.results.Provenance`.
        bound: As there.
        presentation_attack: As there.
        as_of: As there.

    Raises:
        ConfigurationError: If the interval is empty or leaves 0 … 120.
    """
    return AgeInterval(
        lower_years=lower_years,
        upper_years=upper_years,
        provenance=Provenance(
            method_class=method_class,
            bound=bound,
            presentation_attack=presentation_attack,
            as_of=as_of,
        ),
    )


class StubEstimator:
    """An estimator that looks at nothing and gives fixed answers.

    Args:
        answers: One for each call, the last one from then on; an error is raised.

    Attributes:
        calls: How often it was asked.

    Raises:
        ConfigurationError: If there is no answer.
    """

    def __init__(self, *answers: AgeEstimate | AgeAssuranceError) -> None:
        if not answers:
            raise ConfigurationError("got no answers, expected at least one")
        self._answers = answers
        self._lock = Lock()
        self.calls = 0

    def estimate(self, evidence: object) -> AgeEstimate:
        """Give the next answer.

        Raises:
            AgeAssuranceError: If that answer is an error.
        """
        del evidence
        with self._lock:
            answer = self._answers[min(self.calls, len(self._answers) - 1)]
            self.calls += 1
        if isinstance(answer, AgeAssuranceError):
            raise type(answer)(str(answer), code=answer.code)
        return answer


def challenge_age_for_tests(
    age_years: float = 25.0,
    *,
    protected_band: AgeBand = AgeBand(first_years=10, last_years=19),  # noqa: B008 - frozen
    alpha: float = 0.01,
    attempts: int = 1,
) -> ChallengeAge:
    """A challenge age that was not earned, for estimates of :func:`estimated_age`."""
    return ChallengeAge(
        age_years=age_years,
        protected_band=protected_band,
        n=people_needed(alpha, CONFIDENCE),
        k=0,
        alpha=alpha,
        pipeline_digest=TEST_PIPELINE_DIGEST,
        source=_SOURCE,
        age_proof=_SOURCE,
        attempts=attempts,
    )


def lower_bar_for_tests(
    age_years: float = 11.0,
    *,
    protected_band: AgeBand = AgeBand(first_years=13, last_years=17),  # noqa: B008 - frozen
    alpha: float = 0.01,
    attempts: int = 1,
) -> LowerBar:
    """A lower bar that was not earned, for estimates of :func:`estimated_age`."""
    return LowerBar(
        age_years=age_years,
        protected_band=protected_band,
        n=people_needed(alpha, CONFIDENCE),
        k=0,
        alpha=alpha,
        pipeline_digest=TEST_PIPELINE_DIGEST,
        source=_SOURCE,
        age_proof=_SOURCE,
        attempts=attempts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowAway:
    """An issuer and the verifier that trusts it, on one clock, with a key that nobody keeps."""

    issuer: TokenIssuer
    verifier: TokenVerifier
    clock: FixedClock


def throw_away(*, audience: str = TEST_AUDIENCE, clock: FixedClock | None = None) -> ThrowAway:
    """Make an issuer and a verifier for ``audience`` with a fresh key."""
    clock = FixedClock() if clock is None else clock
    issuer = TokenIssuer(issuer=TEST_ISSUER, signing_key=SigningKey.generate(), now=clock)
    verifier = TokenVerifier(
        issuers={TEST_ISSUER: issuer.jwks},
        audience=audience,
        replay_store=MemoryReplayStore(now=clock),
        now=clock,
    )
    return ThrowAway(issuer=issuer, verifier=verifier, clock=clock)
