"""What no policy may ever do, whatever it is shown."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypothesis import assume, given
from hypothesis import strategies as st

from ageassure.policy import (
    SENTENCES,
    AgeBand,
    Binding,
    Finding,
    OnContradiction,
    Policy,
    PresentationAttackRule,
    RequiredCertainty,
    Step,
    Successive,
    explain,
)
from ageassure.results import (
    MAX_YEARS,
    AgeDistribution,
    AgeEstimate,
    AssuranceLevel,
    Direction,
    MethodClass,
    Outcome,
    PresentationAttack,
    Provenance,
)
from ageassure.testing import (
    TEST_PIPELINE_DIGEST,
    TEST_TIME,
    challenge_age_for_tests,
    known_age,
    lower_bar_for_tests,
)

if TYPE_CHECKING:
    from ageassure.policy.bars import UnderBar

T = TypeVar("T")
ORDER: Final = {Outcome.UNDER: 0, Outcome.INCONCLUSIVE: 1, Outcome.OVER: 2}
LIMIT: Final = 18
BAND: Final = AgeBand(first_years=13, last_years=22)

certainties = st.floats(0.51, 0.99).map(lambda c: RequiredCertainty(certainty=c))
challenge_ages = st.floats(LIMIT, 60).map(lambda t: challenge_age_for_tests(t, protected_band=BAND))
lower_bars = st.floats(5, LIMIT).map(lambda t: lower_bar_for_tests(t, protected_band=BAND))


ANY_DIRECTION: Final = st.sampled_from(Direction)
ANY_UNDER_BAR: Final = st.none() | certainties | lower_bars
SOME_METHODS: Final = st.sets(st.sampled_from(MethodClass), min_size=1)
ALL_METHODS: Final = st.just(set(MethodClass))


@st.composite
def policies(
    draw: st.DrawFn,
    directions: st.SearchStrategy[Direction] = ANY_DIRECTION,
    methods: st.SearchStrategy[set[MethodClass]] = SOME_METHODS,
    under_bars: st.SearchStrategy[UnderBar | None] = ANY_UNDER_BAR,
) -> Policy:
    direction = draw(directions)
    over = draw(st.none() | certainties | challenge_ages)
    under = draw(under_bars) if direction is Direction.UNDER else None
    return Policy(
        age_limit=LIMIT,
        direction=direction,
        methods=frozenset(draw(methods)),
        binding=draw(st.sampled_from(Binding)),
        presentation_attack=draw(st.sampled_from(PresentationAttackRule)),
        over=over,
        under=under,
        session_alpha=0.6 if over or under else None,
        max_attempts=1,
    )


@st.composite
def provenances(draw: st.DrawFn) -> Provenance:
    return Provenance(
        method_class=draw(st.sampled_from(MethodClass)),
        bound=draw(st.booleans()),
        presentation_attack=draw(st.sampled_from(PresentationAttack)),
        as_of=TEST_TIME,
        pipeline_digest=draw(st.sampled_from([TEST_PIPELINE_DIGEST, "cd" * 32, None])),
    )


GOOD: Final = Provenance(
    method_class=MethodClass.ESTIMATION,
    bound=True,
    presentation_attack=PresentationAttack.PASSED,
    as_of=TEST_TIME,
    pipeline_digest=TEST_PIPELINE_DIGEST,
)

weights = st.lists(st.integers(0, 64), min_size=MAX_YEARS + 1, max_size=MAX_YEARS + 1).filter(any)


def _some(elements: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """1, 2, 4 or 8 of them: equal shares of these are exact in binary, and so are their sums."""
    return st.sampled_from([1, 2, 4, 8]).flatmap(
        lambda size: st.lists(elements, min_size=size, max_size=size)
    )


few_years = _some(st.integers(0, MAX_YEARS))


def _distribution(years: list[int], provenance: Provenance = GOOD) -> AgeDistribution:
    """Equal weight on each of the years, which may repeat."""
    probabilities = [years.count(year) / len(years) for year in range(MAX_YEARS + 1)]
    return AgeDistribution(probabilities=probabilities, provenance=provenance)


@st.composite
def estimates(draw: st.DrawFn) -> AgeEstimate:
    provenance = draw(provenances())
    if draw(st.booleans()):
        return _distribution(draw(few_years), provenance)
    lower = draw(st.integers(0, MAX_YEARS))
    return known_age(
        lower,
        draw(st.none() | st.integers(lower + 1, MAX_YEARS + 1)),
        method_class=provenance.method_class,
        bound=provenance.bound,
        presentation_attack=provenance.presentation_attack,
    )


@given(policy=policies(), estimate=estimates())
def test_only_what_the_policy_names_settles(policy: Policy, estimate: AgeEstimate) -> None:
    decision = policy.decide(estimate)
    assert decision.reasons
    assert len(explain(decision)) == len(decision.reasons)
    if not decision.settled:
        assert (decision.method_class, decision.level) == (None, None)
        return
    assert estimate.method_class in policy.methods
    assert estimate.bound or policy.binding is Binding.UNBOUND_ACCEPTED
    assert (
        estimate.presentation_attack is not PresentationAttack.NOT_EVALUATED
        or policy.presentation_attack is PresentationAttackRule.UNEVALUATED_ACCEPTED
    )
    assert decision.method_class is estimate.method_class
    weak = (
        not estimate.bound
        or estimate.presentation_attack is PresentationAttack.NOT_EVALUATED
        or estimate.method_class is MethodClass.DECLARATION
    )
    assert not weak or decision.level is AssuranceLevel.ASSERTED


@given(policy=policies(directions=st.just(Direction.OVER)), estimate=estimates())
def test_under_is_never_said_where_it_is_not_asked(policy: Policy, estimate: AgeEstimate) -> None:
    assert policy.decide(estimate).outcome is not Outcome.UNDER


@given(
    policy=policies(directions=st.just(Direction.UNDER), under_bars=st.none(), methods=ALL_METHODS),
    years=few_years,
)
def test_a_bar_for_over_never_says_under(policy: Policy, years: list[int]) -> None:
    assert policy.decide(_distribution(years)).outcome is not Outcome.UNDER


@given(
    policy=policies(methods=ALL_METHODS),
    years=st.lists(
        st.tuples(st.integers(0, MAX_YEARS), st.integers(0, 60)), min_size=1, max_size=6
    ),
)
def test_an_older_distribution_is_never_judged_younger(
    policy: Policy, years: list[tuple[int, int]]
) -> None:
    """Each part of the probability moves up or stays: stochastic dominance."""
    younger = _distribution([year for year, _ in years])
    older = _distribution([min(year + more, MAX_YEARS) for year, more in years])
    assert ORDER[policy.decide(older).outcome] >= ORDER[policy.decide(younger).outcome]


@given(
    policy=policies(methods=ALL_METHODS),
    ends=st.tuples(st.integers(0, MAX_YEARS), st.integers(1, 40)),
    shift=st.integers(0, MAX_YEARS),
)
def test_an_older_interval_is_never_judged_younger(
    policy: Policy, ends: tuple[int, int], shift: int
) -> None:
    lower, width = ends
    assume(lower + width + shift <= MAX_YEARS + 1)
    younger = known_age(lower, lower + width)
    older = known_age(lower + shift, lower + width + shift)
    assert ORDER[policy.decide(older).outcome] >= ORDER[policy.decide(younger).outcome]


@given(
    policy=policies(methods=ALL_METHODS),
    ends=st.tuples(st.integers(0, MAX_YEARS), st.integers(1, MAX_YEARS + 1)).filter(
        lambda ends: ends[0] < ends[1]
    ),
    more=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_widening_an_interval_never_settles_anything(
    policy: Policy, ends: tuple[int, int], more: tuple[int, int]
) -> None:
    narrow = policy.decide(known_age(*ends)).outcome
    wide = known_age(max(ends[0] - more[0], 0), min(ends[1] + more[1], MAX_YEARS + 1))
    assert policy.decide(wide).outcome in {narrow, Outcome.INCONCLUSIVE}


@given(
    policy=policies(methods=ALL_METHODS),
    centre=st.integers(30, 90),
    offsets=_some(st.tuples(st.integers(0, 15), st.integers(0, 15))),
    limit=st.integers(15, 99),
)
def test_symmetric_widening_never_settles_anything(
    policy: Policy, centre: int, offsets: list[tuple[int, int]], limit: int
) -> None:
    """Parts at centre ± d move to centre ± (d + e): mean and median stay, the spread grows."""
    bars: dict[str, Any] = {
        "over": policy.over if isinstance(policy.over, RequiredCertainty) else None,
        "under": policy.under if isinstance(policy.under, RequiredCertainty) else None,
    }
    if any(bars.values()):
        # A required certainty fits every limit; earned bars stay at theirs.
        policy = _with(policy, age_limit=limit, **bars)
    narrow = [year for d, _ in offsets for year in (centre - d, centre + d)]
    wide = [year for d, e in offsets for year in (centre - d - e, centre + d + e)]
    before = policy.decide(_distribution(narrow)).outcome
    after = policy.decide(_distribution(wide)).outcome
    assert after in {before, Outcome.INCONCLUSIVE}


def _with(policy: Policy, **changes: Any) -> Policy:
    kept = ("direction", "methods", "binding", "presentation_attack", "session_alpha")
    members = {name: getattr(policy, name) for name in kept}
    return Policy(**members | {"max_attempts": 1} | changes)


@given(policy=policies(), estimate=estimates(), level=st.sampled_from(AssuranceLevel))
def test_insisting_on_more_never_settles_more(
    policy: Policy, estimate: AgeEstimate, level: AssuranceLevel
) -> None:
    free = policy.decide(estimate).outcome
    insisted = policy.decide(estimate, minimum_level=level)
    narrowed = policy.decide(estimate, methods=frozenset({MethodClass.VERIFICATION}))
    for decision in (insisted, narrowed):
        assert decision.outcome in {free, Outcome.INCONCLUSIVE}
    assert insisted.level is None or insisted.level.rank >= level.rank
    assert not insisted.settled or policy.can_settle(minimum_level=level)


@given(
    policy=policies(),
    others=st.lists(estimates(), max_size=4),
    on_contradiction=st.sampled_from(OnContradiction),
)
def test_a_chain_settles_only_what_one_of_its_steps_does(
    policy: Policy, others: list[AgeEstimate], on_contradiction: OnContradiction
) -> None:
    chain = Successive(
        steps=(Step(name="only", policy=policy),),
        session_alpha=policy.session_alpha,
        on_contradiction=on_contradiction,
    )
    decision = chain.decide([Finding(step="only", estimate=estimate) for estimate in others])
    single = [policy.decide(estimate).outcome for estimate in others]
    assert decision.outcome in {Outcome.INCONCLUSIVE, *single}
    assert set(decision.reasons) <= set(SENTENCES)
    says_under = any(e.bounds_at_or_over(LIMIT)[1] == 0 for e in others)
    says_over = any(e.bounds_at_or_over(LIMIT)[0] == 1 for e in others)
    if says_under and says_over:
        assert "contradiction" in decision.reasons
        assert not decision.settled or (
            on_contradiction is OnContradiction.SETTLES_DESPITE_CONTRADICTION
        )


@given(one=policies(), other=policies())
def test_a_digest_stands_for_a_policy(one: Policy, other: Policy) -> None:
    assert (one.digest == other.digest) == (one == other)


@given(values=weights)
def test_survival_agrees_with_plain_sums(values: list[int]) -> None:
    total = sum(values)
    estimate = AgeDistribution(probabilities=[v / total for v in values], provenance=GOOD)
    tails = [*accumulate(reversed(values))][::-1]
    for age, tail in enumerate(tails):
        assert abs(estimate.probability_at_or_over(age) - tail / total) < 1e-12
