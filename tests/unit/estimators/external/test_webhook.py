"""Calls of a service: signed, fresh, of the right form, and each acted upon once."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from ageassure.errors import BirthDateError, ConfigurationError, DocumentError, ReplayStoreError
from ageassure.estimators.external import (
    CheckState,
    ExternalCheck,
    ExternalCheckEstimator,
    Notification,
    WebhookReceiver,
    check_reference,
)
from ageassure.verifier import MemoryReplayStore

from .test_external_check import Broken
from .vendor import SECRET, signature

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
REFERENCE = check_reference("https://platform.example", "n" * 32)
BODY = json.dumps(
    {
        "check_id": "check_0000",
        "reference": REFERENCE,
        "state": "passed",
        "birth_date": "2008-06-14",
        "holder_check": "live_face",
    }
).encode()


class Clock:
    def __init__(self) -> None:
        self.seconds = SECONDS

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def receiver_of(clock: Clock | None = None, secrets: Any = (SECRET,)) -> WebhookReceiver:
    now = clock or Clock()
    return WebhookReceiver(secrets=secrets, seen=MemoryReplayStore(now=now), now=now)


def receive(
    receiver: WebhookReceiver | None = None,
    body: Any = BODY,
    timestamp: Any = str(SECONDS),
    signed: Any = None,
) -> Notification:
    own = signature(bytes(body), str(timestamp)) if signed is None else signed
    return (receiver or receiver_of()).receive(body, timestamp=timestamp, signature=own)


def refused(**changed: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        receive(**changed)
    assert caught.value.__context__ is None
    return caught.value.code


def test_a_call_is_an_answer_for_the_estimator() -> None:
    told = receive()
    assert told.repeated is False
    assert told.answer.state is CheckState.PASSED
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE, answer=told.answer)
    known = ExternalCheckEstimator(Broken(OSError()), now=lambda: NOW).estimate(check)
    assert known.interval(0.5) == (18, 19)
    assert known.bound
    assert "2008" not in repr(told)


def test_a_repeated_call_is_known_again_whatever_its_time() -> None:
    clock = Clock()
    receiver = receiver_of(clock)
    assert receive(receiver).repeated is False
    assert receive(receiver).repeated is True
    clock.seconds += 3600
    assert receive(receiver, timestamp=str(clock.seconds)).repeated is True
    other = BODY.replace(b"live_face", b"in_person")
    assert receive(receiver, body=other, timestamp=str(clock.seconds)).repeated is False


def test_a_refused_call_does_not_use_up_the_good_one() -> None:
    receiver = receiver_of()
    assert refused(receiver=receiver, signed="0" * 64) == "document_check_unauthentic"
    assert receive(receiver).repeated is False


@pytest.mark.parametrize("shift", [-300, 0, 300])
def test_times_within_five_minutes_are_fresh(shift: int) -> None:
    assert receive(timestamp=str(SECONDS + shift)).repeated is False


@pytest.mark.parametrize("shift", [-301, 301, -SECONDS + 1])
def test_other_times_are_refused(shift: int) -> None:
    assert refused(timestamp=str(SECONDS + shift)) == "document_check_unauthentic"


@pytest.mark.parametrize(
    "timestamp",
    ["", "0", "-1", f"0{SECONDS}", f" {SECONDS}", f"{SECONDS}.0", "9" * 13, "١", None, 7],
)
def test_a_time_is_digits(timestamp: Any) -> None:
    assert refused(timestamp=timestamp) == "document_check_unauthentic"


GOOD = signature(BODY, str(SECONDS))


@pytest.mark.parametrize(
    "signed",
    [
        "",
        GOOD[:-1],
        GOOD + "0",
        GOOD.upper(),
        f" {GOOD}",
        f"{GOOD},",
        f"sha256={GOOD}",
        ",".join([GOOD] * 5),
        "0" * 64,
        signature(BODY, str(SECONDS - 1)),
        signature(BODY + b" ", str(SECONDS)),
        signature(BODY, str(SECONDS), b"another secret, as long as the right one is"),
        signature(BODY, str(SECONDS), b""),
        None,
        7,
    ],
)
def test_other_signatures_are_refused(signed: Any) -> None:
    with pytest.raises(DocumentError) as caught:
        receiver_of().receive(BODY, timestamp=str(SECONDS), signature=signed)
    assert caught.value.code == "document_check_unauthentic"


def test_secrets_can_be_changed_without_losing_a_call() -> None:
    new = b"the next secret, which is as long as the old"
    both = receiver_of(secrets=(new, SECRET))
    assert receive(both).repeated is False
    signed = f"{'0' * 64},{signature(BODY, str(SECONDS), new)}"
    assert receive(receiver_of(secrets=(new,)), signed=signed).repeated is False


def test_the_body_is_not_read_before_the_signature() -> None:
    assert refused(body=b"{", signed="0" * 64) == "document_check_unauthentic"
    assert refused(body=b"{") == "document_check_unavailable"
    assert refused(body=b"x" * 16_385) == "document_malformed"
    assert receive(body=BODY.ljust(16_384)).repeated is False
    unknown: Any = "text"
    with pytest.raises(DocumentError):
        receiver_of().receive(unknown, timestamp=str(SECONDS), signature=GOOD)


def test_an_impossible_birth_date_is_refused_without_a_trace() -> None:
    with pytest.raises(BirthDateError) as caught:
        receive(body=BODY.replace(b"2008-06-14", b"2008-02-30"))
    assert caught.value.__context__ is None


def test_a_writable_body_is_wiped_in_any_case() -> None:
    held = bytearray(BODY)
    receive(body=held)
    assert held == bytes(len(BODY))
    held = bytearray(BODY)
    assert refused(body=held, signed="0" * 64) == "document_check_unauthentic"
    assert held == bytes(len(BODY))


class Store:
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.claimed: list[tuple[bytes, int]] = []

    def claim(self, key: bytes, expires_at: int) -> Any:
        self.claimed.append((key, expires_at))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer", [None, 1, ReplayStoreError("the replay store is full"), OSError()]
)
def test_a_store_that_gives_no_answer_closes_the_door(answer: Any) -> None:
    store = Store(answer)
    receiver = WebhookReceiver(secrets=[SECRET], seen=store, now=lambda: NOW)
    assert refused(receiver=receiver) == "document_check_unavailable"
    assert len(store.claimed) == 1


def test_a_call_is_remembered_for_a_day_by_its_digest() -> None:
    store = Store(answer=True)
    receiver = WebhookReceiver(secrets=[SECRET], seen=store, now=lambda: NOW)
    receive(receiver, timestamp=str(SECONDS - 7))
    ((key, expires_at),) = store.claimed
    assert key == sha256(b"ageassure webhook\x00" + BODY).digest()
    assert expires_at == SECONDS - 7 + 86_400


@pytest.mark.parametrize(
    "secrets", [(), [b"short"], [bytes(31)], SECRET, "text", ["t" * 40], [SECRET, b""]]
)
def test_a_receiver_without_a_good_secret_is_refused(secrets: Any) -> None:
    with pytest.raises(ConfigurationError, match="secrets"):
        receiver_of(secrets=secrets)


def test_a_secret_has_32_bytes_at_least() -> None:
    secret = bytes(range(32))
    signed = signature(BODY, str(SECONDS), secret)
    assert receive(receiver_of(secrets=[secret]), signed=signed).repeated is False


def test_a_receiver_whose_clock_is_not_aware_is_refused() -> None:
    seen = MemoryReplayStore()
    naive = datetime(2026, 6, 15, 12)  # noqa: DTZ001 - on purpose
    with pytest.raises(ConfigurationError, match="clock"):
        WebhookReceiver(secrets=[SECRET], seen=seen, now=lambda: naive)


def test_secrets_are_in_no_repr_and_no_pickle() -> None:
    assert repr(receiver_of()) == "<WebhookReceiver (secrets hidden)>"
    with pytest.raises(TypeError):
        pickle.dumps(receiver_of())
