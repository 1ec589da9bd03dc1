"""How a gate is set up, and its small values."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from ageassure import forking
from ageassure.errors import ConfigurationError
from ageassure.integrations import AgeGate, AgeLimit, EventCounts, flask, starlette
from ageassure.integrations.submission import Submission
from ageassure.results import Direction, MethodClass, Outcome

if TYPE_CHECKING:
    from .conftest import Parties

from .driving import FORM, OVER_18


@pytest.mark.parametrize(
    "wrong",
    [
        {"verifier": object()},
        {"age_over": ()},
        {"age_over": (0,)},
        {"age_over": (18.0,)},
        {"methods": ()},
        {"methods": ("guess",)},
        {"minimum_level": "standard"},
        {"path": "age"},
        {"path": "/age/"},
        {"path": "//age"},
        {"next_path": "https://elsewhere.example"},
        {"next_path": "//elsewhere.example"},
        {"next_path": "/\\elsewhere.example"},
        {"next_path": "/a\r\nb"},
        {"challenge_seconds": 3601},
        {"challenge_seconds": 0},
        {"max_open_challenges": 21},
        {"max_open_challenges": True},
        {"result_seconds": 0},
        {"result_seconds": 1.5},
        {"now": lambda: None},
        {"now": None},
        {"verifier": None},
        {"age_over": 18},
        {"age_over": None},
        {"age_over": "18"},
        {"age_over": b"\x12"},
        {"age_over": iter([18])},
        {"age_over": ("18",)},
        {"age_over": (None,)},
        {"age_over": (True,)},
        {"age_over": range(1, 10**12)},
        {"age_under": 16},
        {"age_under": None},
        {"methods": 5},
        {"methods": "verification"},
        {"methods": [[]]},
        {"methods": iter([MethodClass.VERIFICATION])},
        {"minimum_level": 2},
        {"path": None},
        {"path": b"/age"},
        {"path": ""},
        {"path": "/age\n"},
        {"path": "/{limit}"},
        {"path": "/<limit>"},
        {"path": "/é"},
        {"next_path": None},
        {"next_path": b"/"},
        {"next_path": "/a\\b"},
        {"next_path": "javascript:alert(1)"},
        {"challenge_seconds": None},
        {"challenge_seconds": float("nan")},
        {"max_open_challenges": "5"},
        {"result_seconds": None},
        {"result_seconds": -1},
        {"demand_holder_proof": None},
        {"random_bytes": None},
        {"random_bytes": 7},
        {"random_bytes": lambda: b""},
        {"random_bytes": lambda _count: b"short"},
        {"random_bytes": lambda count: "a" * count},
        {"random_bytes": lambda count: bytes(count + 1)},
        {"random_bytes": {"a": 1}.__getitem__},
    ],
)
def test_a_wrong_set_up_is_refused(parties: Parties, wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {"verifier": parties.verifier, "age_over": (18,), "result_seconds": 60}
    settings = good | wrong
    with pytest.raises(ConfigurationError):
        AgeGate(settings.pop("verifier"), **settings)


def test_randomness_that_fails_later_opens_nothing(parties: Parties) -> None:
    given = iter([bytes(32), b"short"])
    gate = AgeGate(
        parties.verifier,
        age_over=[18],
        result_seconds=60,
        now=parties.clock,
        random_bytes=lambda _count: next(given),
    )
    session: dict[str, Any] = {}
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="random_bytes"):
            gate.open_challenge(session, "over-18")
    assert session == {}


@pytest.mark.parametrize("gate", [None, AgeGate, "gate", object()])
@pytest.mark.parametrize("adapter", [starlette, flask])
def test_an_adapter_without_a_gate_is_refused(adapter: Any, gate: object) -> None:
    with pytest.raises(ConfigurationError, match="expected an AgeGate"):
        adapter.AgeAssurance(gate)


def test_a_limit_is_one_that_the_gate_asks_about(parties: Parties) -> None:
    assert parties.gate.limit(18) == OVER_18
    assert parties.gate.limit(age_under=16).age_under == 16
    for wrong in ({}, {"age_over": 18, "age_under": 16}, {"age_over": 19}, {"age_under": 18}):
        with pytest.raises(ConfigurationError):
            parties.gate.limit(**wrong)
    with pytest.raises(ConfigurationError, match="direction"):
        AgeLimit(direction=Outcome.OVER, age_years=18)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "proves"),
    [
        (AgeLimit.of(18), AgeLimit.of(18), True),
        (AgeLimit.of(21), AgeLimit.of(18), True),
        (AgeLimit.of(18), AgeLimit.of(21), False),
        (AgeLimit.of(age_under=13), AgeLimit.of(age_under=16), True),
        (AgeLimit.of(age_under=16), AgeLimit.of(age_under=13), False),
        (AgeLimit.of(18), AgeLimit.of(age_under=18), False),
        (AgeLimit(direction=Direction.UNDER, age_years=13), AgeLimit.of(13), False),
    ],
)
def test_what_a_limit_proves(one: AgeLimit, other: AgeLimit, proves: bool) -> None:
    assert one.proves(other) is proves


def test_counts_from_many_threads_add_up() -> None:
    counts = EventCounts()
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(counts.add, ["accepted"] * 4_000):
            pass
    assert counts.read() == {"accepted": 4_000}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_counts_whatever_the_parents_threads_were_doing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forking, "REST_SECONDS", 0.01)
    counts = EventCounts()
    with counts._guard.lock:  # as another thread may hold it
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # ends a child that hangs
            counts.add("accepted")
            os._exit(counts.read()["accepted"])
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1


def test_a_submission_hides_its_token() -> None:
    form = b"age_token=form.form.form"
    both = Submission.read(
        authorization=["AgeToken a.b.c"], holder_proofs=["d.e.f"], content_type=FORM, body=form
    )
    assert both == Submission(token="a.b.c", holder_proof="d.e.f", in_header=True, too_large=False)
    assert "a.b.c" not in repr(both)
    assert "d.e.f" not in repr(both)


def test_the_core_loads_no_framework() -> None:
    code = "import sys, ageassure.integrations; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"starlette", "fastapi", "flask", "django"} & set(done.stdout.split())
