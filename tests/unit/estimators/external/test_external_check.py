"""The external slot against a real server: start, poll, be called, refuse."""

from __future__ import annotations

import copy
import pickle
import socket
import time
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

import ageassure.estimators.external as package
from ageassure.deadline import Deadline
from ageassure.errors import (
    AgeAssuranceError,
    BirthDateError,
    ConfigurationError,
    DeadlineError,
    DocumentError,
    KeySetError,
)
from ageassure.estimators.base import Estimator
from ageassure.estimators.birth_dates import BirthDate
from ageassure.estimators.external import (
    CheckAnswer,
    CheckState,
    DocumentCheckService,
    ExternalCheck,
    ExternalCheckEstimator,
    HTTPDocumentCheckService,
    StartedCheck,
    check_reference,
)
from ageassure.estimators.external.answer import read_answer
from ageassure.results import MethodClass, PresentationAttack

from .vendor import API_KEY, Vendor, running

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
REFERENCE = check_reference("https://platform.example", "n" * 32)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running() as server:
        yield server


def service_of(vendor: Vendor, **changed: Any) -> HTTPDocumentCheckService:
    settings = {"base_url": vendor.base_url, "api_key": API_KEY, "timeout_seconds": 5, **changed}
    return HTTPDocumentCheckService(**settings)


def estimator_of(service: Any, **changed: Any) -> ExternalCheckEstimator:
    return ExternalCheckEstimator(service, now=lambda: NOW, **changed)


def refused(estimator: ExternalCheckEstimator, check: ExternalCheck) -> str:
    with pytest.raises(DocumentError) as caught:
        estimator.estimate(check)
    assert caught.value.__context__ is None
    return caught.value.code


def test_from_start_to_completed_years(vendor: Vendor) -> None:
    service = service_of(vendor)
    assert isinstance(service, DocumentCheckService)
    started = service.start(reference=REFERENCE, age_limit=18)
    assert started.address == "https://vendor.example/go"
    check = ExternalCheck(check_id=started.check_id, reference=REFERENCE)
    estimator = estimator_of(service)
    assert isinstance(estimator, Estimator)
    assert refused(estimator, check) == "document_check_pending"
    vendor.decide(
        started.check_id, state="passed", birth_date="2008-06-14", holder_check="live_face"
    )
    known = estimator.estimate(check)
    assert known.interval(0.5) == (18, 19)
    assert (known.method_class, known.bound) == (MethodClass.VERIFICATION, True)
    assert known.presentation_attack is PresentationAttack.PASSED
    assert known.as_of == NOW


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"age_limit": 18, "at_or_over": True}, (18, 121)),
        ({"age_limit": 18, "at_or_over": False}, (0, 18)),
        ({"birth_date": "2008"}, (17, 19)),
        ({"birth_date": "2008-06-16"}, (17, 19)),
    ],
)
def test_a_predicate_or_a_date_is_mapped(
    vendor: Vendor, members: dict[str, object], expected: tuple[int, int]
) -> None:
    service = service_of(vendor)
    started = service.start(reference=REFERENCE, age_limit=18)
    vendor.decide(started.check_id, state="passed", **members)
    known = estimator_of(service).estimate(
        ExternalCheck(check_id=started.check_id, reference=REFERENCE)
    )
    assert known.interval(0.5) == expected
    assert not known.bound


def test_a_start_is_one_check_however_often_it_is_made(vendor: Vendor) -> None:
    service = service_of(vendor)
    first = service.start(reference=REFERENCE, age_limit=18)
    vendor.broken = 1  # the answer is lost; the service tries again with the same key
    assert service.start(reference=REFERENCE, age_limit=18) == first
    assert len(vendor.checks) == 1
    assert {headers["Idempotency-Key"] for _, _, headers in vendor.seen} == {REFERENCE}
    vendor.broken = 2
    with pytest.raises(DocumentError, match="status 500") as caught:
        service.start(reference=REFERENCE, age_limit=18)
    assert caught.value.code == "document_check_unavailable"


def test_a_failed_check_says_no_more(vendor: Vendor) -> None:
    service = service_of(vendor)
    started = service.start(reference=REFERENCE, age_limit=18)
    vendor.decide(started.check_id, state="failed")
    check = ExternalCheck(check_id=started.check_id, reference=REFERENCE)
    assert refused(estimator_of(service), check) == "document_check_failed"


def test_the_check_of_somebody_else_is_refused(vendor: Vendor) -> None:
    service = service_of(vendor)
    other = check_reference("https://platform.example", "m" * 32)
    theirs = service.start(reference=other, age_limit=18)
    vendor.decide(theirs.check_id, state="passed", age_limit=18, at_or_over=True)
    check = ExternalCheck(check_id=theirs.check_id, reference=REFERENCE)
    assert refused(estimator_of(service), check) == "document_check_unauthentic"
    answer = service.fetch(theirs.check_id)
    mine = ExternalCheck(check_id="check_9999", reference=other, answer=answer)
    assert refused(estimator_of(service), mine) == "document_check_unauthentic"


def test_waiting_asks_until_it_is_done_and_no_longer(vendor: Vendor) -> None:
    service = service_of(vendor)
    started = service.start(reference=REFERENCE, age_limit=18)
    check = ExternalCheck(check_id=started.check_id, reference=REFERENCE)
    clock, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds
        if len(slept) == 2:
            vendor.broken = 1  # a question that fails is asked again, too
        if len(slept) == 3:
            vendor.decide(started.check_id, state="passed", age_limit=18, at_or_over=True)

    waiting = {"wait_seconds": 9, "pause_seconds": 2, "sleep": sleep, "clock": lambda: clock[0]}
    assert estimator_of(service, **waiting).estimate(check).interval(0.5) == (18, 121)
    assert slept == [2, 2, 2]
    vendor.decide(started.check_id, state="pending")
    del vendor.checks[started.check_id]["age_limit"], vendor.checks[started.check_id]["at_or_over"]
    slept[:], clock[0] = [0] * 4, 0.0
    assert refused(estimator_of(service, **waiting), check) == "document_check_pending"
    assert slept[4:] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize("code", ["document_check_failed", "document_check_unauthentic"])
def test_a_service_that_refuses_is_not_asked_again(code: str) -> None:
    service = Broken(DocumentError("no", code=code))
    waiting = estimator_of(service, wait_seconds=60, pause_seconds=60, sleep=pytest.fail)
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE)
    assert refused(waiting, check) == code


def test_work_that_is_to_stop_stops_asking(vendor: Vendor) -> None:
    service = service_of(vendor)
    started = service.start(reference=REFERENCE, age_limit=18)
    check = ExternalCheck(check_id=started.check_id, reference=REFERENCE)
    with Deadline(0), pytest.raises(DeadlineError):
        estimator_of(service, wait_seconds=60).estimate(check)


BAD_ANSWERS: list[bytes] = [
    b"",
    b"[]",
    b"null",
    b"{}",
    b'{"check_id": "check_0000"}',
    b'{"check_id": "check_0000", "reference": "%s", "state": "passed"}' % REFERENCE.encode(),
    b'{"check_id": "check_0000", "reference": "%s", "state": "ok"}' % REFERENCE.encode(),
    b'{"check_id": "x", "reference": "%s", "state": "pending"}' % REFERENCE.encode(),
    b'{"check_id": 7, "reference": "%s", "state": "pending"}' % REFERENCE.encode(),
    *(
        b'{"check_id": "check_0000", "reference": "%s", "state": "passed", %s}'
        % (REFERENCE.encode(), rest)
        for rest in (
            b'"age_limit": 18',
            b'"at_or_over": true',
            b'"age_limit": 18, "at_or_over": 1',
            b'"age_limit": "18", "at_or_over": true',
            b'"age_limit": 100, "at_or_over": true',
            b'"age_limit": 18, "at_or_over": true, "birth_date": "2008-06-14"',
            b'"age_limit": 18, "birth_date": "2008-06-14"',
            b'"at_or_over": true, "birth_date": "2008-06-14"',
            b'"birth_date": "2008-06-14", "birth_date": "1990-01-01"',
            b'"birth_date": "2008-06-14", "name": "x"',
            b'"birth_date": "2008-06-14", "holder_check": "yes"',
            b'"age_limit": 18, "at_or_over": true, "holder_check": true',
        )
    ),
    *(
        b'{"check_id": "check_0000", "reference": "%s", "state": "pending", %s}'
        % (REFERENCE.encode(), rest)
        for rest in (b'"birth_date": "2008"', b'"age_limit": 18', b'"at_or_over": true')
    ),
    b"x" * 20_000,
]


@pytest.mark.parametrize("body", BAD_ANSWERS)
def test_answers_of_another_form_are_refused(vendor: Vendor, body: bytes) -> None:
    service = service_of(vendor)
    service.start(reference=REFERENCE, age_limit=18)
    vendor.raw = body
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE)
    with pytest.raises(DocumentError, match=r"form agreed|two statements|too much"):
        estimator_of(service).estimate(check)
    assert refused(estimator_of(service), check) == "document_check_unavailable"
    with pytest.raises(DocumentError, match=r"form agreed|too much"):
        service.start(reference=REFERENCE, age_limit=18)
    if len(body) > 16_384:
        with pytest.raises(DocumentError):
            read_answer(body)


def test_an_answer_has_at_most_16_kib() -> None:
    pending = b'{"check_id": "check_0000", "reference": "%s", "state": "pending"}'
    body = pending % REFERENCE.encode()
    assert read_answer(body.ljust(16_384)).state is CheckState.PENDING
    with pytest.raises(DocumentError, match="form agreed"):
        read_answer(body.ljust(16_385))


def test_a_start_that_is_answered_with_no_address_is_refused(vendor: Vendor) -> None:
    service = service_of(vendor)
    for body in (
        b'{"check_id": "check_0000"}',
        b'{"check_id": "check_0000", "address": "javascript:alert(1)"}',
        b'{"check_id": "x", "address": "https://vendor.example/go"}',
        b'{"check_id": "check_0000", "address": "https://vendor.example/go", "more": 1}',
    ):
        vendor.raw = body
        with pytest.raises(DocumentError, match="answer to a start") as caught:
            service.start(reference=REFERENCE, age_limit=18)
        assert caught.value.code == "document_check_unavailable"


@pytest.mark.parametrize("text", ["2008-02-30", "08-06-14", "2031-01-01"])
def test_impossible_birth_dates_are_refused(vendor: Vendor, text: str) -> None:
    service = service_of(vendor)
    started = service.start(reference=REFERENCE, age_limit=18)
    vendor.decide(started.check_id, state="passed", birth_date=text)
    with pytest.raises(BirthDateError) as caught:
        estimator_of(service).estimate(
            ExternalCheck(check_id=started.check_id, reference=REFERENCE)
        )
    assert caught.value.__context__ is None


def test_an_unknown_check_a_wrong_key_and_a_dead_host_are_unavailable(vendor: Vendor) -> None:
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE)
    assert refused(estimator_of(service_of(vendor)), check) == "document_check_unavailable"
    service_of(vendor).start(reference=REFERENCE, age_limit=18)
    wrong = service_of(vendor, api_key="another-key")
    assert refused(estimator_of(wrong), check) == "document_check_unavailable"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = service_of(vendor, base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert refused(estimator_of(gone), check) == "document_check_unavailable"


def test_a_service_that_drips_is_left_in_time() -> None:
    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\n" * 9:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.05)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        Thread(target=drip, args=(listener,), daemon=True).start()
        service = HTTPDocumentCheckService(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            api_key=API_KEY,
            timeout_seconds=0.3,
        )
        with pytest.raises(DocumentError, match="in time") as caught:
            service.fetch("check_0000")
    assert caught.value.code == "document_check_unavailable"


class VendorsError(DocumentError):
    """A vendor's own class, with another constructor and more in it than we want."""

    def __init__(self, said: str, code: str) -> None:
        super().__init__("the vendor is closed", code=code)
        self.said = said


class VendorsCodeError(DocumentError):
    codes = frozenset({"vendor_42"})


class VendorsKeysError(KeySetError):
    def __init__(self) -> None:
        super().__init__("the vendor's keys are bad")


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (
            VendorsError("born 2011", "document_check_pending"),
            DocumentError,
            "document_check_pending",
        ),
        (VendorsCodeError("born 2011"), DocumentError, "document_check_unavailable"),
        (VendorsKeysError(), KeySetError, "bad_key_set"),
    ],
)
def test_errors_of_a_vendors_own_become_ours(
    error: AgeAssuranceError, kind: type[AgeAssuranceError], code: str
) -> None:
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE)
    with pytest.raises(kind) as caught:
        estimator_of(Broken(error)).estimate(check)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert caught.value.__context__ is None
    assert "2011" not in f"{caught.value} {vars(caught.value)}"


class Broken:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def start(self, *, reference: str, age_limit: int) -> StartedCheck:
        raise NotImplementedError

    def fetch(self, check_id: str) -> Any:  # noqa: ARG002
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer", [None, {"state": "passed"}, RuntimeError("1974-08-12"), OSError()]
)
def test_a_service_that_breaks_its_contract_is_unavailable(answer: Any) -> None:
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE)
    with pytest.raises(DocumentError) as caught:
        estimator_of(Broken(answer)).estimate(check)
    assert caught.value.code == "document_check_unavailable"
    assert "1974" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"base_url": "http://vendor.example/v1"}, "https"),
        ({"base_url": "https://vendor.example/v1#x"}, "malformed"),
        ({"base_url": ""}, "malformed"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "two words"}, "api_key"),
        ({"api_key": "line\r\nX: y"}, "api_key"),
        ({"api_key": "schlüssel"}, "api_key"),
        ({"api_key": None}, "api_key"),
        ({"timeout_seconds": 0}, "timeout"),
        ({"timeout_seconds": 61}, "timeout"),
    ],
)
def test_a_malformed_set_up_is_refused(changed: dict[str, Any], message: str) -> None:
    settings = {"base_url": "https://vendor.example/v1", "api_key": API_KEY, **changed}
    with pytest.raises(ConfigurationError, match=message) as caught:
        HTTPDocumentCheckService(**settings)
    assert "X: y" not in str(caught.value)


def test_a_service_may_be_given_a_minute(vendor: Vendor) -> None:
    started = service_of(vendor, timeout_seconds=60).start(reference=REFERENCE, age_limit=18)
    assert started.check_id == "check_0000"


def test_a_malformed_set_up_of_the_estimator_is_refused() -> None:
    for service, changed in (
        (object(), {}),
        (Broken(None), {"wait_seconds": 61}),
        (Broken(None), {"wait_seconds": -1}),
        (Broken(None), {"pause_seconds": 0}),
    ):
        with pytest.raises(ConfigurationError):
            estimator_of(service, **changed)


def test_malformed_names_are_refused_and_not_shown() -> None:
    for bad in ("", "short", "x" * 129, "with space", "../../admin", "ümlaut_ümlaut", None, 8):
        unknown: Any = bad
        with pytest.raises(ConfigurationError):
            ExternalCheck(check_id=unknown, reference=REFERENCE)
        with pytest.raises(ConfigurationError):
            ExternalCheck(check_id="check_0000", reference=unknown)
        service = HTTPDocumentCheckService(base_url="https://v.example/v1", api_key="k")
        with pytest.raises(ConfigurationError):
            service.fetch(unknown)
        with pytest.raises(ConfigurationError):
            service.start(reference=unknown, age_limit=18)
        with pytest.raises(ConfigurationError):
            StartedCheck(check_id=unknown, address="https://v.example/")
    for bad in ("", "ftp://x", "javascript:alert(1)", "https://a b", None):
        unknown = bad
        with pytest.raises(ConfigurationError):
            StartedCheck(check_id="check_0000", address=unknown)
    unknown = {"state": "passed"}
    with pytest.raises(ConfigurationError):
        ExternalCheck(check_id="check_0000", reference=REFERENCE, answer=unknown)
    with pytest.raises(DocumentError, match="no ExternalCheck"):
        estimator_of(Broken(None)).estimate(unknown)


def test_an_answer_holds_an_age_exactly_if_it_has_passed() -> None:
    whole = {"check_id": "check_0000", "reference": REFERENCE}
    for changed in (
        {"state": CheckState.PASSED},
        {"state": CheckState.PENDING, "age": (18, True)},
        {"state": "passed", "age": (18, True)},
        {"state": CheckState.PASSED, "age": (0, True)},
        {"state": CheckState.PASSED, "age": (18, 1)},
        {"state": CheckState.PASSED, "age": (18, True), "holder_check": True},
        {"state": "pending"},
        {"state": CheckState.PENDING, "check_id": "x"},
        {"state": CheckState.PENDING, "reference": "x"},
    ):
        settings: Any = {**whole, **changed}
        with pytest.raises(ConfigurationError):
            CheckAnswer(**settings)


def test_a_reference_is_the_requests_and_tells_nothing_of_it() -> None:
    assert check_reference("https://platform.example", "n" * 32) == REFERENCE
    assert len(REFERENCE) == 43
    assert check_reference("https://platform.example", "m" * 32) != REFERENCE
    assert check_reference("https://platform.examplen", "n" * 31) != REFERENCE
    with pytest.raises(ConfigurationError):
        check_reference("", "n" * 32)
    with pytest.raises(ConfigurationError):
        check_reference("https://platform.example", "n")


def test_keys_and_answers_are_in_no_repr_and_no_pickle(vendor: Vendor) -> None:
    answer = CheckAnswer(
        check_id="check_0000",
        reference=REFERENCE,
        state=CheckState.PASSED,
        age=BirthDate(year=2008, month=6, day=14),
    )
    check = ExternalCheck(check_id="check_0000", reference=REFERENCE, answer=answer)
    for held in (answer, check, service_of(vendor)):
        shown = f"{held!r} {held}"
        assert "hidden" in shown
        for secret in (API_KEY, "2008", "check_0000"):
            assert secret not in shown
        for leave in (pickle.dumps, copy.copy):
            with pytest.raises(TypeError):
                leave(held)


@pytest.mark.parametrize("name", package.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="Oracle"):
        package.Oracle  # noqa: B018
