from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure import errors
from ageassure.errors import AgeAssuranceError, EvidenceError
from ageassure.estimators.worker.messages import (
    ANSWER,
    MAX_ANSWER_BYTES,
    Kind,
    decode_answer,
    encode_error,
    encode_estimate,
)
from ageassure.results import (
    MAX_YEARS,
    AgeDistribution,
    AgeEstimate,
    AgeInterval,
    MethodClass,
    PresentationAttack,
    Provenance,
)

ORIGINS = st.builds(
    Provenance,
    method_class=st.sampled_from(MethodClass),
    bound=st.booleans(),
    presentation_attack=st.sampled_from(PresentationAttack),
    as_of=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9.5))])),
    pipeline_digest=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
)
ORIGIN = Provenance(
    method_class=MethodClass.ESTIMATION,
    bound=True,
    presentation_attack=PresentationAttack.PASSED,
    as_of=datetime(2026, 6, 1, tzinfo=UTC),
    pipeline_digest="0a" * 32,
)
FLAT = AgeDistribution(probabilities=[1 / 121] * 121, provenance=ORIGIN)


def passed_on(estimate: AgeEstimate) -> AgeEstimate:
    kind, body = encode_estimate(estimate)
    assert ANSWER.size + len(body) < MAX_ANSWER_BYTES
    found = decode_answer(kind, body)
    assert type(found) is type(estimate)
    assert isinstance(found, AgeEstimate)
    return found


@given(
    st.lists(st.floats(0, 1), min_size=MAX_YEARS + 1, max_size=MAX_YEARS + 1).filter(
        lambda weights: sum(weights) > 1e-3
    ),
    ORIGINS,
)
def test_a_distribution_comes_back_as_it_was(weights: list[float], origin: Provenance) -> None:
    total = sum(weights)
    made = AgeDistribution(probabilities=[w / total for w in weights], provenance=origin)
    found = passed_on(made)
    assert found.provenance == origin
    assert found.mean_years == pytest.approx(made.mean_years, abs=1e-9)
    for year in range(MAX_YEARS + 2):
        here, there = found.bounds_at_or_over(year), made.bounds_at_or_over(year)
        assert here == pytest.approx(there, abs=1e-12)


@given(
    st.tuples(st.integers(0, MAX_YEARS + 1), st.integers(0, MAX_YEARS + 1)).filter(
        lambda ends: ends[0] < ends[1]
    ),
    ORIGINS,
)
def test_an_interval_comes_back_as_it_was(ends: tuple[int, int], origin: Provenance) -> None:
    made = AgeInterval(lower_years=ends[0], upper_years=ends[1], provenance=origin)
    found = passed_on(made)
    assert found.interval(0.9) == ends
    assert found.provenance == origin


def test_an_interval_without_an_upper_end_has_none_afterwards() -> None:
    made = AgeInterval(lower_years=18, upper_years=None, provenance=ORIGIN)
    assert passed_on(made).bounds_at_or_over(MAX_YEARS) == (0.0, 1.0)


def every(base: type[AgeAssuranceError]) -> list[type[AgeAssuranceError]]:
    return [base, *(cls for sub in base.__subclasses__() for cls in every(sub))]


PASSED_ON = [
    (cls, code)
    for branch in ("EvidenceError", "ConfigurationError", "ModelIntegrityError", "UnfinishedError")
    for cls in every(getattr(errors, branch))
    if cls.__module__ == errors.__name__
    for code in sorted(cls.codes)
]


@pytest.mark.parametrize(("cls", "code"), PASSED_ON)
def test_errors_of_our_own_come_back_with_class_code_and_message(
    cls: type[AgeAssuranceError], code: str
) -> None:
    found = decode_answer(*encode_error(cls("got 3 — expected 4", code=code)))
    assert type(found) is cls
    assert (found.code, str(found)) == (code, "got 3 — expected 4")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("pixels of a face"), "the estimator raised ValueError"),
        (errors.SignatureError("odd"), "odd"),
        (type("Own", (AgeAssuranceError,), {"codes": frozenset({"own"})})("odd"), "odd"),
    ],
)
def test_other_errors_say_that_the_evidence_cannot_be_assessed(
    error: Exception, message: str
) -> None:
    found = decode_answer(*encode_error(error))
    assert type(found) is EvidenceError
    assert str(found) == message


def test_a_message_without_end_is_cut() -> None:
    kind, body = encode_error(EvidenceError("é" * 100_000))
    assert ANSWER.size + len(body) < MAX_ANSWER_BYTES
    found = decode_answer(kind, body)
    assert type(found) is EvidenceError
    assert str(found).startswith("ééé")


def test_ready_is_no_estimate() -> None:
    assert decode_answer(Kind.READY, b"") is None


_, GOOD = encode_estimate(FLAT)
BAD: list[tuple[int, bytes]] = [
    (0, b""),
    (99, GOOD),
    (Kind.READY, b"x"),
    (Kind.DISTRIBUTION, b""),
    (Kind.DISTRIBUTION, GOOD[:-1]),
    (Kind.DISTRIBUTION, GOOD + b"x"),
    (Kind.DISTRIBUTION, b"\xff" + GOOD[1:]),  # no such method class
    (Kind.DISTRIBUTION, GOOD[:2] + b"\xff" + GOOD[3:]),  # no such presentation attack
    (Kind.DISTRIBUTION, GOOD[:3] + b"\x7f" * 8 + GOOD[11:]),  # after the year 9999
    (Kind.DISTRIBUTION, GOOD[:-8] + struct.pack("<d", float("nan"))),
    (Kind.DISTRIBUTION, GOOD[:-8] + struct.pack("<d", 1.0)),  # the sum is not 1
    (Kind.INTERVAL, GOOD),
    (Kind.INTERVAL, encode_estimate(FLAT)[1][:44] + b"\x12\x12"),
]


@pytest.mark.parametrize(("kind", "body"), BAD)
def test_what_is_no_answer_is_refused(kind: int, body: bytes) -> None:
    with pytest.raises(ValueError, match="got an answer"):
        decode_answer(kind, body)


@given(st.integers(0, 255), st.binary(max_size=1200))
def test_junk_is_an_estimate_an_error_or_refused(kind: int, body: bytes) -> None:
    found: Any = None
    try:
        found = decode_answer(kind, body)
    except ValueError:
        return
    assert found is None or isinstance(found, AgeEstimate | AgeAssuranceError)
