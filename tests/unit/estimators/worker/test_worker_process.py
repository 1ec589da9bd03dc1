"""The worker's own side, run in this process on pipes and files of its own."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import AgeAssuranceError, ConfigurationError, EvidenceError, FaceError
from ageassure.estimators.worker import process
from ageassure.estimators.worker.loading import load_estimator
from ageassure.estimators.worker.messages import ANSWER, decode_answer
from ageassure.results import AgeEstimate
from ageassure.testing import StubEstimator, estimated_age, known_age

if TYPE_CHECKING:
    from pathlib import Path


def request(*files: bytes, several: bool = False) -> bytes:
    sizes = b"".join(struct.pack("<Q", len(file)) for file in files)
    return struct.pack("<?I", several, len(files)) + sizes + b"".join(files)


class Drip(io.BytesIO):
    """Gives no more than three bytes at a time, as a pipe may."""

    def readinto(self, buffer: Any) -> int:
        return super().readinto(memoryview(buffer)[:3])


def answers(made: bytes) -> list[AgeEstimate | AgeAssuranceError | None]:
    found = []
    while made:
        kind, size = ANSWER.unpack_from(made)
        found.append(decode_answer(kind, made[ANSWER.size : ANSWER.size + size]))
        made = made[ANSWER.size + size :]
    return found


class Recording:
    """Keeps what it was given."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.seen: list[Any] = []

    def estimate(self, evidence: Any) -> Any:
        self.seen.append(evidence)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def served(estimator: Any, requests: bytes) -> list[AgeEstimate | AgeAssuranceError | None]:
    made: Any = io.BytesIO()
    stream: Any = Drip(requests)
    process.serve(estimator, stream, made)
    return answers(made.getvalue())


def test_requests_are_answered_in_turn() -> None:
    estimator = Recording(
        estimated_age(30.0), known_age(34, 35), FaceError("no", code="no_face"), "text", OSError()
    )
    requests = (
        request(b"one picture") + request(b"a", b"", several=True) + request(b"b", several=True)
    )
    first, second, third, *others = served(estimator, requests + request(b"") + request(b"c"))
    assert isinstance(first, AgeEstimate)
    assert first.mean_years == pytest.approx(30)
    assert isinstance(second, AgeEstimate)
    assert second.interval(0.5) == (34, 35)
    assert isinstance(third, FaceError)
    assert [(type(other), str(other)) for other in others] == [
        (EvidenceError, "the estimator returned no AgeEstimate"),
        (EvidenceError, "the estimator raised OSError"),
    ]
    assert estimator.seen == [b"one picture", [b"a", b""], [b"b"], b"", b"c"]
    assert all(type(x) is bytearray for x in [estimator.seen[0], *estimator.seen[1]])


@pytest.mark.parametrize("cut", range(1, len(request(b"ab", b"c"))))
def test_a_request_that_is_cut_ends_it_without_an_answer(cut: int) -> None:
    estimator = StubEstimator(estimated_age(30.0))
    assert served(estimator, request(b"ab", b"c")[:cut]) == []


@pytest.mark.parametrize(
    ("name", "ready"), [("nobody", False), ("stub", True), ("defective", False)]
)
def test_it_says_whether_it_is_ready(
    name: str, ready: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_bytes(request(b"x"))

    def taken_over(number: int, mode: str) -> io.FileIO:
        return io.FileIO(tmp_path / ("in" if number == 0 else "out"), mode[0])

    def load(asked: str) -> Any:
        if asked == "stub":
            return StubEstimator(estimated_age(30.0))
        if asked == "defective":
            raise ZeroDivisionError
        return load_estimator(asked)

    hardened: list[bool] = []
    monkeypatch.setattr(process, "_taken_over", taken_over)
    monkeypatch.setattr(process, "harden_process", lambda: hardened.append(True))
    monkeypatch.setattr(process, "load_estimator", load)
    process.main(name)
    first, *others = answers((tmp_path / "out").read_bytes())
    assert hardened == [True]
    assert (first is None) is ready
    assert len(others) == ready
    if name == "nobody":
        assert isinstance(first, ConfigurationError)
        assert "'nobody'" in str(first)
