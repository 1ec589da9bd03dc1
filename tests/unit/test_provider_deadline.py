"""What the provider does with evidence, attempts and tokens when an assessment has to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.deadline import Deadline, checkpoint
from ageassure.errors import (
    AgeAssuranceError,
    AttemptsExhaustedError,
    AttemptStoreError,
    CalledOffError,
    ConfigurationError,
    DeadlineError,
    EvidenceError,
    RequestRefusedError,
    TokenAlreadyIssuedError,
    UnfinishedError,
    UnknownAudienceError,
    WorkerError,
)
from ageassure.policy import (
    Binding,
    MemoryAttemptStore,
    OnContradiction,
    Policy,
    PresentationAttackRule,
    Step,
    Successive,
)
from ageassure.provider import Provider, RelyingParty
from ageassure.results import AgeEstimate, AgeRequest, Direction, MethodClass, Outcome
from ageassure.testing import (
    TEST_AUDIENCE,
    ThrowAway,
    challenge_age_for_tests,
    estimated_age,
    throw_away,
)
from ageassure.threads import AssessmentThreads

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = Policy(
    age_limit=18,
    direction=Direction.OVER,
    methods=frozenset({MethodClass.ESTIMATION}),
    binding=Binding.REQUIRED,
    presentation_attack=PresentationAttackRule.EVALUATED,
    over=challenge_age_for_tests(attempts=5),
    under=None,
    session_alpha=0.01,
    max_attempts=2,
)
CHAIN = Successive(
    steps=(Step(name="first", policy=POLICY), Step(name="second", policy=POLICY)),
    session_alpha=0.02,
    on_contradiction=OnContradiction.STAYS_INCONCLUSIVE,
)


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Estimator:
    """Does what it is told, and says how often it was asked."""

    def __init__(self, act: Callable[[], object] = lambda: None, years: float = 30.0) -> None:
        self.act = act
        self.answer = estimated_age(years)
        self.asked = 0

    def estimate(self, evidence: bytearray) -> AgeEstimate:
        assert any(evidence)
        self.asked += 1
        self.act()
        return self.answer


@pytest.fixture
def pair() -> ThrowAway:
    return throw_away()


def provider(pair: ThrowAway, *estimators: Estimator, store: Any = None) -> Provider:
    names = ["first", "second"][: len(estimators)]
    return Provider(
        estimators=dict(zip(names, estimators, strict=True)),
        policies=[POLICY if len(estimators) == 1 else CHAIN],
        issuer=pair.issuer,
        relying_parties=[RelyingParty(audience=TEST_AUDIENCE)],
        attempt_store=store or MemoryAttemptStore(now=pair.clock),
        now=pair.clock,
    )


def request(**changes: Any) -> AgeRequest:
    members: dict[str, Any] = {"audience": TEST_AUDIENCE, "nonce": "n" * 22, "age_over": 18}
    return AgeRequest(**members | changes)


def refuse(*_: object, **__: object) -> bool:
    raise AttemptStoreError("down")


class Store:
    """A store that cannot answer."""

    take = staticmethod(refuse)


def test_the_evidence_is_wiped_when_it_was_assessed(pair: ThrowAway) -> None:
    held = bytearray(b"evidence")
    assert provider(pair, Estimator()).assess(held, request()).outcome is Outcome.OVER
    assert not any(held)


@pytest.mark.parametrize(
    ("kind", "changes", "store"),
    [
        (UnknownAudienceError, {"audience": "https://other.invalid"}, None),
        (UnknownAudienceError, {"return_address": "https://other.invalid/"}, None),
        (RequestRefusedError, {"age_over": 21}, None),
        (RequestRefusedError, {"methods": {MethodClass.VERIFICATION}}, None),
        (AttemptStoreError, {}, Store()),
    ],
)
def test_the_evidence_is_wiped_when_the_request_is_refused(
    kind: type[AgeAssuranceError], changes: dict[str, Any], store: Any, pair: ThrowAway
) -> None:
    held, estimator = bytearray(b"evidence"), Estimator()
    with pytest.raises(kind):
        provider(pair, estimator, store=store).assess(held, request(**changes))
    assert not any(held)
    assert estimator.asked == 0


def test_the_evidence_is_wiped_when_attempts_are_used_or_the_token_was_made(
    pair: ThrowAway,
) -> None:
    answering = provider(pair, Estimator())
    for kind in (None, TokenAlreadyIssuedError, AttemptsExhaustedError):
        held = bytearray(b"evidence")
        if kind is None:
            answering.assess(held, request())
        else:
            with pytest.raises(kind):
                answering.assess(held, request())
        assert not any(held)


def fails() -> None:
    raise ZeroDivisionError


def stops() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("act", "kind"), [(fails, EvidenceError), (stops, KeyboardInterrupt)])
def test_the_evidence_is_wiped_when_an_estimator_does_not_do_so(
    act: Callable[[], object], kind: type[BaseException], pair: ThrowAway
) -> None:
    held = bytearray(b"evidence")
    with pytest.raises(kind):
        provider(pair, Estimator(act)).assess(held, request())
    assert not any(held)


def test_all_evidence_of_a_chain_is_wiped_whether_it_was_reached_or_not(pair: ThrowAway) -> None:
    one, two, second = bytearray(b"one"), bytearray(b"two"), Estimator()
    result = provider(pair, Estimator(), second).assess({"first": one, "second": two}, request())
    assert result.outcome is Outcome.OVER
    assert not any(one + two)
    assert second.asked == 0


def test_a_session_wipes_what_is_submitted_even_to_a_step_that_is_not_awaited(
    pair: ThrowAway,
) -> None:
    with provider(pair, Estimator(), Estimator()).open(request()) as session:
        for step in ("second", "first"):
            held = bytearray(b"evidence")
            if step == "second":
                with pytest.raises(RequestRefusedError):
                    session.submit(step, held)
            else:
                assert session.submit(step, held).outcome is Outcome.OVER
            assert not any(held)


def test_nothing_is_counted_when_the_time_was_over_before(pair: ThrowAway) -> None:
    estimator = Estimator()
    answering = provider(pair, estimator)
    for _ in range(POLICY.max_attempts + 1):
        held = bytearray(b"evidence")
        with pytest.raises(DeadlineError):
            answering.assess(held, request(), timeout_seconds=0)
        assert not any(held)
    assert estimator.asked == 0
    assert answering.assess(b"evidence", request()).token is not None


@pytest.mark.parametrize("chain", [False, True])
def test_an_estimate_that_comes_too_late_makes_no_token(chain: bool, pair: ThrowAway) -> None:
    clock = Clock()

    def takes_long() -> None:
        clock.seconds += 2

    late, second = Estimator(takes_long), Estimator()
    answering = provider(pair, late, second) if chain else provider(pair, late)
    held = bytearray(b"evidence")
    with Deadline(1, clock=clock), pytest.raises(DeadlineError) as caught:
        answering.assess({"first": held} if chain else held, request())
    assert not any(held)
    assert caught.value.__context__ is None
    assert second.asked == 0
    # The token was not claimed: the attempt that is left may still earn it.
    assert answering.assess({"first": b"x"} if chain else b"x", request()).token is not None


def test_no_token_is_claimed_when_the_time_is_over_at_the_end(pair: ThrowAway) -> None:
    clock = Clock()

    class SlowStore:
        def __init__(self) -> None:
            self.taken: list[bytes] = []

        def take(self, key: bytes, **_: int) -> bool:
            self.taken.append(key)
            return True

    store, estimator = SlowStore(), Estimator()
    answering = provider(pair, estimator, store=store)
    decide = type(POLICY).decide

    def slowly(*arguments: Any, **options: Any) -> Any:
        clock.seconds += 2
        return decide(*arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(POLICY), "decide", slowly)
        with Deadline(1, clock=clock), pytest.raises(DeadlineError):
            answering.assess(b"evidence", request())
    assert len(store.taken) == 1  # the attempt


def test_a_session_has_a_deadline_of_its_own(pair: ThrowAway) -> None:
    with provider(pair, Estimator(), Estimator()).open(request()) as session:
        with pytest.raises(DeadlineError):
            session.submit("first", b"evidence", timeout_seconds=0)
        assert session.submit("first", b"evidence", timeout_seconds=60).token is not None


@pytest.mark.parametrize("error", [DeadlineError("a"), CalledOffError("b"), WorkerError("c")])
def test_an_estimator_may_say_that_it_did_not_finish(
    error: UnfinishedError, pair: ThrowAway
) -> None:
    def unfinished() -> None:
        raise error

    answering = provider(pair, Estimator(unfinished), Estimator())
    with pytest.raises(type(error)) as caught:  # in a chain too: it says nothing of the evidence
        answering.assess({"first": b"x", "second": b"x"}, request())
    assert caught.value is not error
    assert caught.value.code == error.code


def test_from_a_coroutine(pair: ThrowAway) -> None:
    held = bytearray(b"evidence")
    with AssessmentThreads(threads=1) as threads:
        result = asyncio.run(threads.run(provider(pair, Estimator()).assess, held, request()))
    assert result.outcome is Outcome.OVER
    assert not any(held)


def test_a_cancelled_task_makes_no_token(pair: ThrowAway) -> None:
    held = bytearray(b"evidence")

    async def cancel() -> None:
        loop, inside = asyncio.get_running_loop(), asyncio.Event()

        def works() -> None:
            loop.call_soon_threadsafe(inside.set)
            while True:
                checkpoint()

        answering = provider(pair, Estimator(works))
        task = asyncio.create_task(threads.run(answering.assess, held, request()))
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with AssessmentThreads(threads=1) as threads:
        asyncio.run(cancel())
    assert not any(held)


def test_a_timeout_that_is_no_number_is_refused_and_the_evidence_wiped(pair: ThrowAway) -> None:
    held = bytearray(b"evidence")
    with pytest.raises(ConfigurationError):
        provider(pair, Estimator()).assess(held, request(), timeout_seconds=float("nan"))
    assert not any(held)
