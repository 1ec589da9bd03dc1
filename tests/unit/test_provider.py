from __future__ import annotations

import gc
import logging
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import (
    AgeAssuranceError,
    AttemptsExhaustedError,
    AttemptStoreError,
    ConfigurationError,
    EvidenceError,
    FaceError,
    InsufficientEvidenceError,
    IssuanceError,
    ModelIntegrityError,
    PictureError,
    PresentationAttackError,
    RequestRefusedError,
    SignatureError,
    StepTimeOverError,
    TokenAlreadyIssuedError,
    UnknownAudienceError,
)
from ageassure.policy import (
    Binding,
    MemoryAttemptStore,
    OnContradiction,
    Policy,
    PresentationAttackRule,
    Step,
    Successive,
    Told,
)
from ageassure.provider import Provider, RelyingParty
from ageassure.results import (
    AgeEstimate,
    AgeRequest,
    AssuranceLevel,
    AssuranceResult,
    Direction,
    MethodClass,
    Outcome,
)
from ageassure.testing import (
    TEST_AUDIENCE,
    StubEstimator,
    ThrowAway,
    challenge_age_for_tests,
    estimated_age,
    known_age,
    lower_bar_for_tests,
    throw_away,
)
from ageassure.tokens import TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NONCE = "n" * 22
PICTURE = b"a picture"

FACE: dict[str, Any] = {
    "age_limit": 18,
    "direction": Direction.OVER,
    "methods": {MethodClass.ESTIMATION},
    "binding": Binding.REQUIRED,
    "presentation_attack": PresentationAttackRule.EVALUATED,
    "over": challenge_age_for_tests(attempts=5),
    "under": None,
    "session_alpha": 0.01,
    "max_attempts": 3,
}
DOCUMENT = FACE | {"methods": {MethodClass.VERIFICATION}, "over": None, "session_alpha": None}
UNDER_13 = FACE | {
    "age_limit": 13,
    "direction": Direction.UNDER,
    "over": challenge_age_for_tests(20.0, attempts=5),
    "under": lower_bar_for_tests(10.0, attempts=5),
}
ADULT, UNSURE, CHILD = estimated_age(30.0), estimated_age(22.0), estimated_age(8.0)
ADULT_DOCUMENT, CHILD_DOCUMENT = known_age(34, 35), known_age(8, 9)


@pytest.fixture
def pair() -> ThrowAway:
    return throw_away()


def _chain(**changes: Any) -> Successive:
    members: dict[str, Any] = {
        "steps": (
            Step(name="face", policy=Policy(**FACE)),
            Step(name="document", policy=Policy(**DOCUMENT)),
        ),
        "session_alpha": 0.01,
        "on_contradiction": OnContradiction.STAYS_INCONCLUSIVE,
    }
    return Successive(**members | changes)


def _provider(
    pair: ThrowAway, *answers: AgeEstimate | AgeAssuranceError, **changes: Any
) -> Provider:
    members: dict[str, Any] = {
        "estimators": {"face": StubEstimator(*answers or (ADULT,))},
        "policies": [Policy(**FACE), Policy(**UNDER_13)],
        "issuer": pair.issuer,
        "relying_parties": [RelyingParty(audience=TEST_AUDIENCE)],
        "attempt_store": MemoryAttemptStore(now=pair.clock),
        "now": pair.clock,
    }
    return Provider(**members | changes)


def _chain_provider(
    pair: ThrowAway,
    face: AgeEstimate | AgeAssuranceError = UNSURE,
    document: AgeEstimate | AgeAssuranceError = ADULT_DOCUMENT,
    **changes: Any,
) -> Provider:
    estimators = {"face": StubEstimator(face), "document": StubEstimator(document)}
    return _provider(pair, **{"estimators": estimators, "policies": [_chain()]} | changes)


def _request(**changes: Any) -> AgeRequest:
    members: dict[str, Any] = {"audience": TEST_AUDIENCE, "nonce": NONCE, "age_over": 18}
    return AgeRequest(**members | changes)


UNDER = {"age_over": None, "age_under": 13}


class _Clock:
    """Stands still until it is advanced; ``step`` seconds pass at each look."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.step = 0.0

    def __call__(self) -> datetime:
        self.advance(self.step)
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class _Slow:
    """Takes its time for every estimate."""

    def __init__(self, clock: _Clock, *, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def estimate(self, _evidence: object) -> AgeEstimate:
        self.clock.advance(self.seconds)
        return UNSURE


def _timed_provider(pair: ThrowAway, clock: _Clock, **changes: Any) -> Provider:
    steps = (
        Step(name="face", policy=Policy(**FACE), time_limit_seconds=60),
        Step(name="document", policy=Policy(**DOCUMENT), time_limit_seconds=120),
    )
    return _chain_provider(pair, policies=[_chain(steps=steps)], now=clock, **changes)


class _Store:
    """Answers what it is told, in any way; the same one for attempts and tokens."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.taken: list[bytes] = []

    def take(self, key: bytes, **_: int) -> Any:
        self.taken.append(key)
        return self.answer()


class TestTokens:
    def test_over_yields_a_token_that_verifies_once(self, pair: ThrowAway) -> None:
        result = _provider(pair).assess(PICTURE, _request())
        assert result.outcome is Outcome.OVER
        assert result.reasons == ("challenge_age_reached",)
        assert result.method_class is MethodClass.ESTIMATION
        assert result.assurance_level is AssuranceLevel.STANDARD
        verified = pair.verifier.verify(str(result.token), nonce=NONCE, age_over=18)
        assert verified.age_over == 18
        assert (verified.method_class, verified.level) == (None, None)

    def test_under_yields_one_where_it_was_asked(self, pair: ThrowAway) -> None:
        result = _provider(pair, CHILD).assess(PICTURE, _request(**UNDER))
        assert result.outcome is Outcome.UNDER
        assert pair.verifier.verify(str(result.token), nonce=NONCE, age_under=13).age_under == 13

    @pytest.mark.parametrize(
        ("estimate", "asked", "outcome"),
        [
            (UNSURE, {}, Outcome.INCONCLUSIVE),
            (CHILD, {}, Outcome.INCONCLUSIVE),
            (estimated_age(15.0), UNDER, Outcome.INCONCLUSIVE),
            (ADULT, UNDER, Outcome.OVER),
        ],
    )
    def test_nothing_else_does(
        self, pair: ThrowAway, estimate: AgeEstimate, asked: dict[str, Any], outcome: Outcome
    ) -> None:
        result = _provider(pair, estimate).assess(PICTURE, _request(**asked))
        assert result.outcome is outcome
        assert result.token is None
        assert result.reasons

    def test_an_outcome_without_a_token_does_not_use_it_up(self, pair: ThrowAway) -> None:
        provider = _provider(pair, UNSURE, ADULT)
        assert provider.assess(PICTURE, _request()).token is None
        assert provider.assess(PICTURE, _request()).token is not None

    def test_there_is_one_for_each_audience_and_nonce(self, pair: ThrowAway) -> None:
        other = "https://other.invalid"
        parties = [RelyingParty(audience=TEST_AUDIENCE), RelyingParty(audience=other)]
        provider = _provider(pair, relying_parties=parties)
        assert provider.assess(PICTURE, _request()).token
        with pytest.raises(TokenAlreadyIssuedError):
            provider.assess(PICTURE, _request())
        assert provider.assess(PICTURE, _request(nonce="m" * 22)).token
        assert provider.assess(PICTURE, _request(audience=other)).token

    def test_a_token_for_another_limit_is_a_second_one_too(self, pair: ThrowAway) -> None:
        policies = [Policy(**FACE), Policy(**FACE | {"age_limit": 16})]
        provider = _provider(pair, policies=policies)
        assert provider.assess(PICTURE, _request(age_over=16)).token
        with pytest.raises(TokenAlreadyIssuedError):
            provider.assess(PICTURE, _request())

    def test_method_and_level_are_told_where_asked_and_allowed(self, pair: ThrowAway) -> None:
        asked = _request(tell_method=True, tell_level=True)
        told = _provider(pair).assess(PICTURE, asked)
        verified = pair.verifier.verify(str(told.token), nonce=NONCE, age_over=18)
        assert verified.method_class is MethodClass.ESTIMATION
        assert verified.level is AssuranceLevel.STANDARD

        policies = [Policy(**FACE | {"may_tell": frozenset({Told.LEVEL})})]
        partly = _provider(pair, policies=policies).assess(PICTURE, asked)
        verified = pair.verifier.verify(str(partly.token), nonce=NONCE, age_over=18)
        assert (verified.method_class, verified.level) == (None, AssuranceLevel.STANDARD)

        policies = [Policy(**FACE | {"may_tell": frozenset({Told.METHOD})})]
        partly = _provider(pair, policies=policies).assess(PICTURE, asked)
        verified = pair.verifier.verify(str(partly.token), nonce=NONCE, age_over=18)
        assert (verified.method_class, verified.level) == (MethodClass.ESTIMATION, None)

    def test_a_token_that_cannot_be_signed_counts_as_issued(self, pair: ThrowAway) -> None:
        def broken(_count: int) -> bytes:
            return b""

        issuer = TokenIssuer(
            issuer=pair.issuer.issuer, signing_key=_key(pair), now=pair.clock, random_bytes=broken
        )
        provider = _provider(pair, issuer=issuer)
        with pytest.raises(IssuanceError):
            provider.assess(PICTURE, _request())
        with pytest.raises(TokenAlreadyIssuedError):
            provider.assess(PICTURE, _request())

    def test_a_holder_key_is_bound(self, pair: ThrowAway) -> None:
        result = _provider(pair).assess(PICTURE, _request(holder_jkt="a" * 43))
        verified = pair.verifier.verify(str(result.token), nonce=NONCE, age_over=18)
        assert verified.holder_jkt == "a" * 43


def _key(pair: ThrowAway) -> Any:
    return pair.issuer._signer


class TestWhoIsAnswered:
    def test_an_unknown_audience_is_refused_before_anything_is_counted(
        self, pair: ThrowAway
    ) -> None:
        store, estimator = _Store(lambda: True), StubEstimator(ADULT)
        provider = _provider(pair, attempt_store=store, estimators={"face": estimator})
        with pytest.raises(UnknownAudienceError):
            provider.assess(PICTURE, _request(audience="https://hostile.invalid"))
        assert (store.taken, estimator.calls) == ([], 0)

    def test_return_addresses_are_compared_as_they_are_written(self, pair: ThrowAway) -> None:
        registered = "https://platform.invalid/age/return"
        party = RelyingParty(audience=TEST_AUDIENCE, return_addresses=frozenset({registered}))
        provider = _provider(pair, relying_parties=[party])
        for address in (
            "https://hostile.invalid/",
            registered + "/",
            registered.upper(),
            registered + "?next=x",
            "https://platform.invalid/age",
            "",
        ):
            with pytest.raises(UnknownAudienceError):
                provider.assess(PICTURE, _request(return_address=address))
        assert provider.assess(PICTURE, _request(return_address=registered)).token

    def test_another_party_s_return_address_is_refused(self, pair: ThrowAway) -> None:
        theirs = "https://other.invalid/return"
        parties = [
            RelyingParty(audience=TEST_AUDIENCE),
            RelyingParty(audience="other", return_addresses=frozenset({theirs})),
        ]
        with pytest.raises(UnknownAudienceError):
            _provider(pair, relying_parties=parties).assess(
                PICTURE, _request(return_address=theirs)
            )

    @pytest.mark.parametrize(
        "asked",
        [
            {"age_over": 21},
            {"age_over": 17},
            {"age_over": None, "age_under": 18},
            {"methods": {MethodClass.VERIFICATION}},
            {"methods": {MethodClass.DECLARATION}, "tell_method": True},
            {"minimum_level": AssuranceLevel.ENHANCED},
        ],
    )
    def test_what_no_policy_could_settle_is_refused_before_anything_is_counted(
        self, pair: ThrowAway, asked: dict[str, Any]
    ) -> None:
        store, estimator = _Store(lambda: True), StubEstimator(ADULT)
        provider = _provider(pair, attempt_store=store, estimators={"face": estimator})
        with pytest.raises(RequestRefusedError):
            provider.assess(PICTURE, _request(**asked))
        assert (store.taken, estimator.calls) == ([], 0)

    def test_insisting_on_what_the_policy_does_is_answered(self, pair: ThrowAway) -> None:
        result = _provider(pair).assess(
            PICTURE,
            _request(methods={MethodClass.ESTIMATION}, minimum_level=AssuranceLevel.STANDARD),
        )
        assert result.token

    def test_a_level_not_reached_is_inconclusive(self, pair: ThrowAway) -> None:
        policies = [Policy(**FACE | {"binding": Binding.UNBOUND_ACCEPTED})]
        provider = _provider(pair, estimated_age(40.0, bound=False), policies=policies)
        result = provider.assess(PICTURE, _request(minimum_level=AssuranceLevel.STANDARD))
        assert (result.outcome, result.reasons) == (Outcome.INCONCLUSIVE, ("level_too_low",))

    def test_a_declaration_is_signed_only_where_it_is_told(self, pair: ThrowAway) -> None:
        declared = known_age(40, method_class=MethodClass.DECLARATION)
        base = DOCUMENT | {"methods": {MethodClass.DECLARATION, MethodClass.VERIFICATION}}
        provider = _provider(pair, declared, policies=[Policy(**base)])
        untold = provider.assess(PICTURE, _request())
        assert (untold.outcome, untold.reasons) == (Outcome.INCONCLUSIVE, ("method_not_accepted",))
        told = provider.assess(PICTURE, _request(tell_method=True))
        verified = pair.verifier.verify(
            str(told.token), nonce=NONCE, age_over=18, methods={MethodClass.DECLARATION}
        )
        assert verified.method_class is MethodClass.DECLARATION

        only = [Policy(**base | {"methods": {MethodClass.DECLARATION}})]
        with pytest.raises(RequestRefusedError):
            _provider(pair, declared, policies=only).assess(PICTURE, _request())
        silent = [Policy(**base | {"may_tell": frozenset(), "methods": {MethodClass.DECLARATION}})]
        with pytest.raises(RequestRefusedError):
            _provider(pair, declared, policies=silent).assess(PICTURE, _request(tell_method=True))


class TestAttempts:
    def test_they_end(self, pair: ThrowAway) -> None:
        estimator = StubEstimator(UNSURE)
        provider = _provider(pair, estimators={"face": estimator})
        for _ in range(3):
            assert provider.assess(PICTURE, _request()).outcome is Outcome.INCONCLUSIVE
        with pytest.raises(AttemptsExhaustedError):
            provider.assess(PICTURE, _request())
        assert estimator.calls == 3
        assert provider.assess(PICTURE, _request(nonce="m" * 22)).outcome is Outcome.INCONCLUSIVE

    def test_evidence_that_cannot_be_assessed_is_one(self, pair: ThrowAway) -> None:
        provider = _provider(pair, FaceError("no face", code="no_face"))
        for _ in range(3):
            with pytest.raises(FaceError) as caught:
                provider.assess(PICTURE, _request())
            assert caught.value.code == "no_face"
        with pytest.raises(AttemptsExhaustedError):
            provider.assess(PICTURE, _request())

    def test_it_is_taken_before_anything_is_estimated(self, pair: ThrowAway) -> None:
        estimator = StubEstimator(ADULT)
        store = _Store(lambda: estimator.calls == 0)
        provider = _provider(pair, attempt_store=store, estimators={"face": estimator})
        with pytest.raises(TokenAlreadyIssuedError):  # the second take comes after the estimate
            provider.assess(PICTURE, _request())
        assert len(store.taken) == 2

    def test_they_are_remembered_for_a_day(self, pair: ThrowAway) -> None:
        provider = _provider(pair, UNSURE)
        for _ in range(3):
            provider.assess(PICTURE, _request())
        pair.clock.advance(seconds=86_399)
        with pytest.raises(AttemptsExhaustedError):
            provider.assess(PICTURE, _request())
        pair.clock.advance(seconds=1)
        assert provider.assess(PICTURE, _request()).outcome is Outcome.INCONCLUSIVE

    @pytest.mark.parametrize("answer", [None, 1, 0, "yes", b"", 1.0])
    def test_a_store_that_gives_no_answer_closes_the_door(
        self, pair: ThrowAway, answer: object
    ) -> None:
        estimator = StubEstimator(ADULT)
        provider = _provider(
            pair, attempt_store=_Store(lambda: answer), estimators={"face": estimator}
        )
        with pytest.raises(AttemptStoreError):
            provider.assess(PICTURE, _request())
        assert estimator.calls == 0

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (OSError("connection to 10.0.0.1 lost"), "raised OSError"),
            (ZeroDivisionError(), "raised ZeroDivisionError"),
            (AttemptStoreError("the attempt store is full"), "is full"),
            (FaceError("odd", code="no_face"), "raised FaceError"),
        ],
    )
    def test_whatever_a_store_raises_closes_the_door(
        self, pair: ThrowAway, error: Exception, words: str
    ) -> None:
        def fail() -> bool:
            raise error

        with pytest.raises(AttemptStoreError, match=words) as caught:
            _provider(pair, attempt_store=_Store(fail)).assess(PICTURE, _request())
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None

    def test_a_store_that_fails_at_the_token_closes_the_door_too(self, pair: ThrowAway) -> None:
        answers: Iterator[Any] = iter([True, None])
        with pytest.raises(AttemptStoreError):
            _provider(pair, attempt_store=_Store(lambda: next(answers))).assess(PICTURE, _request())


class TestRaces:
    def test_of_many_requests_at_once_one_has_the_token(self, pair: ThrowAway) -> None:
        threads = 8
        barrier = Barrier(threads)

        class Slow:
            def estimate(self, _evidence: object) -> AgeEstimate:
                barrier.wait(timeout=30)  # all have their attempt, none its token
                return ADULT

        policy = Policy(**FACE | {"max_attempts": 8, "over": challenge_age_for_tests(attempts=8)})
        provider = _provider(pair, estimators={"face": Slow()}, policies=[policy])

        def one(_: int) -> str | None:
            try:
                return provider.assess(PICTURE, _request()).token
            except TokenAlreadyIssuedError:
                return None

        with ThreadPoolExecutor(threads) as pool:
            tokens = [token for token in pool.map(one, range(threads)) if token]
        assert len(tokens) == 1

    def test_no_more_estimates_than_attempts(self, pair: ThrowAway) -> None:
        estimator = StubEstimator(UNSURE)
        provider = _provider(pair, estimators={"face": estimator})

        def one(_: int) -> bool:
            try:
                provider.assess(PICTURE, _request())
            except AttemptsExhaustedError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(one, range(40))) == 3
        assert estimator.calls == 3


class TestChain:
    def test_it_stops_at_the_first_settled_outcome(self, pair: ThrowAway) -> None:
        provider = _chain_provider(pair, face=ADULT)
        document = StubEstimator(ADULT_DOCUMENT)
        provider._estimators["document"] = document
        result = provider.assess({"face": PICTURE, "document": b"d"}, _request())
        assert (result.outcome, result.method_class) == (Outcome.OVER, MethodClass.ESTIMATION)
        assert document.calls == 0

    def test_the_next_step_settles_what_the_first_does_not(self, pair: ThrowAway) -> None:
        result = _chain_provider(pair).assess({"face": PICTURE, "document": b"d"}, _request())
        assert (result.outcome, result.method_class) == (Outcome.OVER, MethodClass.VERIFICATION)
        assert result.reasons == ("challenge_age_not_reached", "known_at_or_over")
        pair.verifier.verify(str(result.token), nonce=NONCE, age_over=18)

    def test_it_stops_where_evidence_is_missing(self, pair: ThrowAway) -> None:
        provider = _chain_provider(pair)
        result = provider.assess({"face": PICTURE}, _request())
        assert result.outcome is Outcome.INCONCLUSIVE
        assert result.reasons == ("challenge_age_not_reached", "evidence_missing")
        skipped = provider.assess({"document": b"d"}, _request())
        assert (skipped.outcome, skipped.reasons) == (Outcome.INCONCLUSIVE, ("evidence_missing",))

    def test_what_cannot_be_assessed_leads_on(self, pair: ThrowAway) -> None:
        provider = _chain_provider(pair, face=PresentationAttackError("a screen"))
        result = provider.assess({"face": PICTURE, "document": b"d"}, _request())
        assert result.outcome is Outcome.OVER
        assert result.reasons == ("presentation_attack", "known_at_or_over")

    def test_all_unsettled_is_inconclusive(self, pair: ThrowAway) -> None:
        provider = _chain_provider(pair, document=known_age(17, 19))
        result = provider.assess({"face": PICTURE, "document": b"d"}, _request())
        assert result == AssuranceResult(
            outcome=Outcome.INCONCLUSIVE,
            reasons=("challenge_age_not_reached", "interval_spans_limit"),
            policy_digest=_chain().digest,
        )

    def test_a_contradiction_stays_inconclusive_or_settles_as_chosen(self, pair: ThrowAway) -> None:
        evidence = {"face": PICTURE, "document": b"d"}
        stays = _chain_provider(pair, face=CHILD).assess(evidence, _request())
        assert (stays.outcome, stays.token) == (Outcome.INCONCLUSIVE, None)
        assert stays.reasons[-1] == "contradiction"
        chain = _chain(on_contradiction=OnContradiction.SETTLES_DESPITE_CONTRADICTION)
        settles = _chain_provider(pair, face=CHILD, policies=[chain]).assess(evidence, _request())
        assert settles.outcome is Outcome.OVER
        assert settles.reasons[-1] == "contradiction"
        assert settles.token

    def test_attempts_are_counted_for_each_step(self, pair: ThrowAway) -> None:
        provider = _chain_provider(pair, document=FaceError("x", code="no_face"))
        for _ in range(3):
            provider.assess({"face": PICTURE}, _request())
        result = provider.assess({"face": PICTURE, "document": b"d"}, _request())
        assert result.reasons == ("attempts_exhausted", "no_face")
        for _ in range(2):
            provider.assess({"face": PICTURE, "document": b"d"}, _request())
        with pytest.raises(AttemptsExhaustedError):
            provider.assess({"face": PICTURE, "document": b"d"}, _request())

    def test_a_step_that_cannot_settle_the_request_is_not_run(self, pair: ThrowAway) -> None:
        face = StubEstimator(ADULT)
        estimators = {"face": face, "document": StubEstimator(ADULT_DOCUMENT)}
        provider = _chain_provider(pair, estimators=estimators)
        request = _request(methods={MethodClass.VERIFICATION})
        result = provider.assess({"face": PICTURE, "document": b"d"}, request)
        assert result.method_class is MethodClass.VERIFICATION
        assert face.calls == 0

    @pytest.mark.parametrize("evidence", [PICTURE, None, {"palm": b"p"}, [("face", PICTURE)]])
    def test_its_evidence_is_a_mapping_of_its_steps(
        self, pair: ThrowAway, evidence: object
    ) -> None:
        with pytest.raises(ConfigurationError, match="expected \\['document', 'face'\\]"):
            _chain_provider(pair).assess(evidence, _request())


class TestSession:
    def test_evidence_is_collected_step_by_step(self, pair: ThrowAway) -> None:
        with _chain_provider(pair).open(_request()) as session:
            assert list(session.awaiting) == ["face"]
            first = session.submit("face", PICTURE)
            assert (first.outcome, first.token) == (Outcome.INCONCLUSIVE, None)
            assert list(session.awaiting) == ["face", "document"]
            second = session.submit("document", b"d")
            assert second.outcome is Outcome.OVER
            assert second.reasons == ("challenge_age_not_reached", "known_at_or_over")
            pair.verifier.verify(str(second.token), nonce=NONCE, age_over=18)
            assert not session.awaiting
            with pytest.raises(RequestRefusedError):
                session.submit("document", b"d")

    def test_a_step_can_be_neither_skipped_nor_gone_back_to(self, pair: ThrowAway) -> None:
        with _chain_provider(pair, document=known_age(17, 19)).open(_request()) as session:
            for step in ("document", "palm", ""):
                with pytest.raises(RequestRefusedError, match="expected \\('face',\\)"):
                    session.submit(step, b"d")
            session.submit("face", PICTURE)
            session.submit("face", PICTURE)
            session.submit("document", b"d")
            with pytest.raises(RequestRefusedError):
                session.submit("face", PICTURE)
            assert list(session.awaiting) == ["document"]

    def test_an_exhausted_step_leads_on(self, pair: ThrowAway) -> None:
        provider = _chain_provider(pair)
        for _ in range(3):
            provider.assess({"face": PICTURE}, _request())
        with provider.open(_request()) as session:
            with pytest.raises(AttemptsExhaustedError):
                session.submit("face", PICTURE)
            assert session.submit("document", b"d").token

    def test_evidence_after_its_time_is_not_looked_at_and_leads_on(self, pair: ThrowAway) -> None:
        clock = _Clock(pair.clock())
        face = StubEstimator(UNSURE)
        estimators = {"face": face, "document": StubEstimator(ADULT_DOCUMENT)}
        provider = _timed_provider(pair, clock, estimators=estimators)
        with provider.open(_request()) as session:
            clock.advance(61)
            with pytest.raises(StepTimeOverError):
                session.submit("face", PICTURE)
            assert (face.calls, session.awaiting) == (0, ("face", "document"))
            clock.advance(120)  # the document's time begins with the last try of the face
            assert session.submit("document", b"d").token

    def test_time_is_taken_from_the_last_try_of_the_step_before(self, pair: ThrowAway) -> None:
        clock = _Clock(pair.clock())
        with _timed_provider(pair, clock).open(_request()) as session:
            for _ in range(2):
                clock.advance(30)
                session.submit("face", PICTURE)
            clock.advance(1)
            with pytest.raises(StepTimeOverError):
                session.submit("face", PICTURE)
            clock.advance(121)
            with pytest.raises(StepTimeOverError):
                session.submit("document", b"d")

    def test_a_whole_chain_goes_on_past_a_step_whose_time_is_over(self, pair: ThrowAway) -> None:
        clock = _Clock(pair.clock())
        slow = _Slow(clock, seconds=200)
        estimators = {"face": slow, "document": StubEstimator(ADULT_DOCUMENT)}
        provider = _timed_provider(pair, clock, estimators=estimators)
        assert provider.assess({"face": PICTURE, "document": b"d"}, _request()).token
        clock.step = 130  # every look at the clock finds it later
        with pytest.raises(StepTimeOverError):
            provider.assess({"face": PICTURE, "document": b"d"}, _request(nonce="m" * 22))

    def test_a_store_that_fails_does_not_lead_on(self, pair: ThrowAway) -> None:
        with _chain_provider(pair, attempt_store=_Store(lambda: None)).open(_request()) as session:
            with pytest.raises(AttemptStoreError):
                session.submit("face", PICTURE)
            assert list(session.awaiting) == ["face"]

    def test_earlier_estimates_are_held_against_later_ones(self, pair: ThrowAway) -> None:
        with _chain_provider(pair, face=CHILD).open(_request()) as session:
            session.submit("face", PICTURE)
            result = session.submit("document", b"d")
            assert result.outcome is Outcome.INCONCLUSIVE
            assert result.reasons[-1] == "contradiction"
            assert not session.awaiting

    def test_a_contradiction_that_may_be_settled_does_not_end_it(self, pair: ThrowAway) -> None:
        chain = _chain(on_contradiction=OnContradiction.SETTLES_DESPITE_CONTRADICTION)
        unbound = known_age(34, 35, bound=False)
        provider = _chain_provider(pair, face=CHILD, document=unbound, policies=[chain])
        with provider.open(_request()) as session:
            session.submit("face", PICTURE)
            result = session.submit("document", b"d")
            assert result.reasons[-2:] == ("not_bound", "contradiction")
            assert list(session.awaiting) == ["document"]

    def test_it_forgets_at_its_end(self, pair: ThrowAway) -> None:
        face = _Watched(22.0)
        estimators = {"face": face, "document": StubEstimator(ADULT_DOCUMENT)}
        with _chain_provider(pair, estimators=estimators).open(_request()) as session:
            session.submit("face", PICTURE)
            assert face.made[0]() is not None
            session.submit("document", b"d")
            assert face.made[0]() is None
        with _chain_provider(pair, estimators=estimators).open(_request()) as session:
            session.submit("face", PICTURE)
            assert face.made[1]() is not None
        assert face.made[1]() is None

    def test_it_is_for_chains(self, pair: ThrowAway) -> None:
        with pytest.raises(ConfigurationError):
            _provider(pair).open(_request())
        with pytest.raises(UnknownAudienceError):
            _chain_provider(pair).open(_request(audience="https://hostile.invalid"))

    def test_its_repr_shows_nothing(self, pair: ThrowAway) -> None:
        assert NONCE not in repr(_chain_provider(pair).open(_request()))


class _Evidence:
    """Something that a weak reference can watch."""


class _OwnError(EvidenceError):
    codes = frozenset({"no_face", "palm_too_small"})

    def __init__(self, code: str) -> None:
        super().__init__("a palm", code=code)
        self.picture = PICTURE


class _OwnFaceError(FaceError):
    def __init__(self) -> None:
        super().__init__("a face", code="face_cut")
        self.add_note("born 2011")


class _BareError(EvidenceError):
    def __init__(self) -> None:
        Exception.__init__(self, "made without the base's constructor")


class _MuteError(EvidenceError):
    """Fails when it is asked for its message, with its picture."""

    def __init__(self) -> None:
        super().__init__("m")
        self.picture = PICTURE

    def __str__(self) -> str:
        raise ValueError(self.picture)


class _CodelessError(EvidenceError):
    """Fails when it is asked for its code."""

    @property
    def code(self) -> str:
        raise ValueError(PICTURE)

    @code.setter
    def code(self, _: str) -> None:
        pass


class _Raiser:
    def __init__(self, make: Callable[[], BaseException]) -> None:
        self._make = make

    def estimate(self, evidence: object) -> AgeEstimate:
        crop = [evidence]
        try:
            raise KeyError(crop)  # noqa: TRY301
        except KeyError:
            raise self._make()  # noqa: B904 - with the evidence in its context, on purpose


class _Watched:
    """Makes an estimate that nobody else holds, and watches it."""

    def __init__(self, mean_years: float) -> None:
        self.mean_years = mean_years
        self.made: list[weakref.ref[AgeEstimate]] = []

    def estimate(self, _evidence: object) -> AgeEstimate:
        estimate = estimated_age(self.mean_years)
        self.made.append(weakref.ref(estimate))
        return estimate


def _failing(provider: Provider, *held: object, **asked: Any) -> AgeAssuranceError:
    """The error of an assessment, alive with its traceback, as a logging queue would hold it.

    Its first frame is this one, so the evidence is no variable here.
    """
    caught: AgeAssuranceError | None = None
    evidence = [*held]
    del held
    try:
        provider.assess(evidence.pop(), _request(**asked))
    except AgeAssuranceError as error:
        caught = error
    assert caught is not None
    return caught


class TestNothingIsKept:
    @pytest.mark.parametrize("chained", [False, True])
    @pytest.mark.parametrize(
        ("make", "expected", "code"),
        [
            (lambda: ModelIntegrityError("m"), ModelIntegrityError, "model_integrity"),
            (
                lambda: InsufficientEvidenceError("m"),
                InsufficientEvidenceError,
                "insufficient_evidence",
            ),
            (lambda: FaceError("m", code="no_face"), FaceError, "no_face"),
            (lambda: PictureError("m", code="picture_dark"), PictureError, "picture_dark"),
            (_OwnFaceError, FaceError, "face_cut"),
            (lambda: _OwnError("no_face"), EvidenceError, "evidence"),
            (lambda: _OwnError("palm_too_small"), EvidenceError, "evidence"),
            (_BareError, EvidenceError, "evidence"),
            (_MuteError, EvidenceError, "evidence"),
            (lambda: _CodelessError("m"), EvidenceError, "evidence"),
            (lambda: SignatureError("m"), EvidenceError, "evidence"),
            (lambda: ValueError("born 2011"), EvidenceError, "evidence"),
            (MemoryError, EvidenceError, "evidence"),
        ],
    )
    def test_by_what_an_estimator_raises(
        self,
        pair: ThrowAway,
        make: Callable[[], Exception],
        expected: type[AgeAssuranceError],
        code: str,
        *,
        chained: bool,
    ) -> None:
        raiser = _Raiser(make)
        evidence: Any = _Evidence()
        watch = weakref.ref(evidence)
        if not chained:
            provider = _provider(pair, estimators={"face": raiser})
        elif issubclass(expected, EvidenceError):
            estimators = {"face": raiser, "document": StubEstimator(ADULT_DOCUMENT)}
            provider = _chain_provider(pair, estimators=estimators)
            result = provider.assess({"face": evidence, "document": b"d"}, _request())
            del evidence
            assert result.reasons == (code, "known_at_or_over")
            assert watch() is None
            return
        else:
            provider = _chain_provider(
                pair, estimators={"face": raiser, "document": StubEstimator(ADULT_DOCUMENT)}
            )
            evidence = {"face": evidence}
        caught = _failing(provider, evidence)
        del evidence
        gc.collect()
        assert type(caught) is expected
        assert caught.code == code
        assert caught.__context__ is None
        assert caught.__cause__ is None
        assert not getattr(caught, "__notes__", ())
        assert not hasattr(caught, "picture")
        assert "2011" not in str(caught)
        assert watch() is None

    @pytest.mark.parametrize(
        ("changes", "asked"),
        [
            ({}, {"audience": "https://hostile.invalid"}),
            ({}, {"age_over": 21}),
            ({}, {"minimum_level": AssuranceLevel.STRICT}),
            ({"attempt_store": _Store(lambda: False)}, {}),
            ({"attempt_store": _Store(lambda: None)}, {}),
        ],
    )
    @pytest.mark.parametrize("make", [_provider, _chain_provider])
    def test_by_a_refusal(
        self, pair: ThrowAway, make: Any, changes: dict[str, Any], asked: dict[str, Any]
    ) -> None:
        evidence: Any = _Evidence()
        watch = weakref.ref(evidence)
        if make is _chain_provider:
            evidence = {"face": _Evidence(), "document": evidence}
        caught = _failing(make(pair, **changes), evidence, **asked)
        del evidence
        assert watch() is None
        assert caught.__traceback__ is not None

    def test_by_evidence_of_the_wrong_form(self, pair: ThrowAway) -> None:
        evidence = _Evidence()
        watch = weakref.ref(evidence)
        caught = _failing(_chain_provider(pair), evidence)
        del evidence
        assert watch() is None
        assert type(caught) is ConfigurationError

    @pytest.mark.parametrize("chained", [False, True])
    def test_by_a_failure_after_the_estimate(self, pair: ThrowAway, *, chained: bool) -> None:
        watched = _Watched(30.0)
        evidence: Any = _Evidence()
        watch = weakref.ref(evidence)
        answers = iter([True, False])
        changes: dict[str, Any] = {"attempt_store": _Store(lambda: next(answers))}
        if chained:
            estimators = {"face": watched, "document": StubEstimator(ADULT_DOCUMENT)}
            provider = _chain_provider(pair, **changes | {"estimators": estimators})
            evidence = {"face": evidence}
        else:
            provider = _provider(pair, **changes | {"estimators": {"face": watched}})
        caught = _failing(provider, evidence)
        del evidence
        assert type(caught) is TokenAlreadyIssuedError
        assert watch() is None
        assert watched.made[0]() is None

    def test_by_a_result(self, pair: ThrowAway, caplog: pytest.LogCaptureFixture) -> None:
        watched = _Watched(30.0)
        evidence = _Evidence()
        watch = weakref.ref(evidence)
        with caplog.at_level(logging.DEBUG):
            result = _provider(pair, estimators={"face": watched}).assess(evidence, _request())
        del evidence
        assert result.token
        assert watch() is None
        assert watched.made[0]() is None
        assert not caplog.records

    @pytest.mark.parametrize("answer", [17.3, None, "17.3", (18, 19)])
    def test_of_what_is_no_estimate(self, pair: ThrowAway, answer: object) -> None:
        class Odd:
            def estimate(self, _evidence: object) -> Any:
                return answer

        caught = _failing(_provider(pair, estimators={"face": Odd()}), PICTURE)
        assert (type(caught), caught.code) == (EvidenceError, "evidence")
        trace = caught.__traceback__
        assert trace is not None
        trace = trace.tb_next  # the first frame is this test's
        while trace is not None:
            assert answer is None or answer not in trace.tb_frame.f_locals.values()
            trace = trace.tb_next

    def test_an_interrupt_is_not_held_up(self, pair: ThrowAway) -> None:
        provider = _provider(pair, estimators={"face": _Raiser(KeyboardInterrupt)})
        with pytest.raises(KeyboardInterrupt):
            provider.assess(PICTURE, _request())

    def test_by_a_step_that_is_submitted(self, pair: ThrowAway) -> None:
        session = _chain_provider(pair).open(_request())
        evidence = _Evidence()
        watch = weakref.ref(evidence)
        caught: RequestRefusedError | None = None
        try:
            session.submit("document", evidence)
        except RequestRefusedError as error:
            caught = error
        del evidence
        assert caught is not None
        assert watch() is None


class TestConstruction:
    @pytest.mark.parametrize(
        "changes",
        [
            {"policies": []},
            {"policies": [Policy(**FACE), Policy(**FACE | {"max_attempts": 1})]},
            {"policies": [_chain(), Policy(**FACE)]},
            {"relying_parties": []},
            {
                "relying_parties": [
                    RelyingParty(audience="a"),
                    RelyingParty(audience="a", return_addresses=frozenset({"https://a.example"})),
                ]
            },
            {"estimators": {}},
            {"estimators": {"face": StubEstimator(ADULT), "document": StubEstimator(ADULT)}},
            {"estimators": {"face": object()}},
            {"estimators": {"Face of a person": StubEstimator(ADULT)}},
            {"policies": [_chain()]},
            {"attempt_store": object()},
            {"now": lambda: datetime(2026, 1, 1)},  # noqa: DTZ001
            {"now": lambda: 0},
        ],
    )
    def test_malformed_is_refused(self, pair: ThrowAway, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            _provider(pair, **changes)

    def test_both_directions_and_several_limits_live_together(self, pair: ThrowAway) -> None:
        policies = [Policy(**FACE), Policy(**FACE | {"age_limit": 16}), Policy(**UNDER_13)]
        _provider(pair, policies=policies)

    def test_a_chain_of_one_step_names_its_estimator(self, pair: ThrowAway) -> None:
        single = _chain(steps=(Step(name="face", policy=Policy(**FACE | {"age_limit": 16})),))
        provider = _chain_provider(pair, face=ADULT, policies=[_chain(), single])
        assert provider.assess({"face": PICTURE}, _request(age_over=16)).token

    def test_the_system_clock_is_the_default(self, pair: ThrowAway) -> None:
        provider = Provider(
            estimators={"face": StubEstimator(ADULT)},
            policies=[Policy(**FACE)],
            issuer=pair.issuer,
            relying_parties=[RelyingParty(audience=TEST_AUDIENCE)],
            attempt_store=MemoryAttemptStore(),
        )
        assert provider.assess(PICTURE, _request()).token

    @pytest.mark.parametrize(
        "address",
        [
            "https://a.example",
            "https://a.example:8443/age/return",
            "http://localhost:8000/return",
            "http://127.0.0.1/return",
            "http://[::1]:8000/",
        ],
    )
    def test_return_addresses(self, address: str) -> None:
        party = RelyingParty(audience="a", return_addresses=frozenset({address}))
        assert party.return_addresses == {address}

    @pytest.mark.parametrize(
        "addresses",
        [
            {"http://a.example/"},
            {"http://localhost.a.example/"},
            {"https://a.example/?next=x"},
            {"https://a.example/#x"},
            {"https://user@a.example/"},
            {"https://a.example\\@b.example/"},
            {"https://"},
            {"javascript:alert(1)"},
            {"https://a.example/\n"},
            {""},
            {7},
            "https://a.example",
        ],
    )
    def test_other_return_addresses_are_refused(self, addresses: Any) -> None:
        with pytest.raises(ConfigurationError):
            RelyingParty(audience="a", return_addresses=addresses)

    def test_a_party_is_a_value(self) -> None:
        addresses: Any = ["https://a.example", "https://a.example"]
        party = RelyingParty(audience="a", return_addresses=addresses)
        assert party.return_addresses == frozenset({"https://a.example"})
        assert hash(party) == hash(
            RelyingParty(audience="a", return_addresses=frozenset(addresses))
        )

    def test_an_audience_is_checked(self) -> None:
        with pytest.raises(ConfigurationError):
            RelyingParty(audience="")
