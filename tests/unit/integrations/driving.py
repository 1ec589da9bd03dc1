"""Shorthands that drive a gate, with a dict for a session."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ageassure.integrations import AgeGate, AgeLimit, AgeResult
from ageassure.integrations.answers import Answer
from ageassure.integrations.submission import Submission
from ageassure.testing import TEST_AUDIENCE
from ageassure.tokens import SigningKey, make_holder_proof

if TYPE_CHECKING:
    import pytest

    from .conftest import Parties

FORM = "application/x-www-form-urlencoded"
OVER_18 = AgeLimit.of(18)
KEY = SigningKey.generate()


class BrokenStream(BytesIO):
    """As a server's, when the browser goes away or breaks the rules of chunks."""

    def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002
        raise OSError("broken")

    readinto = read  # type: ignore[assignment]


def accept(
    gate: AgeGate, session: dict[str, Any], authorization: list[str], kind: str, body: bytes
) -> Answer:
    submission = Submission.read(
        authorization=authorization, holder_proofs=(), content_type=kind, body=body
    )
    return gate.accept(session, submission)


def by_header(gate: AgeGate, session: dict[str, Any], token: str) -> Answer:
    return accept(gate, session, ["Basic eA==", f"agetoken  {token}"], "", b"")


def by_form(gate: AgeGate, session: dict[str, Any], body: bytes, kind: str = FORM) -> Answer:
    return accept(gate, session, [], kind, body)


def opened(gate: AgeGate, session: dict[str, Any], name: str = "over-18") -> bytes:
    answer = gate.open_challenge(session, name)
    assert answer.status == 201
    return answer.body


def admitted(gate: AgeGate, session: dict[str, Any], limit: AgeLimit) -> AgeResult:
    result = gate.admit(session, limit)
    assert isinstance(result, AgeResult)
    return result


def turned_away(gate: AgeGate, session: dict[str, Any], limit: AgeLimit) -> Answer:
    answer = gate.admit(session, limit)
    assert isinstance(answer, Answer)
    return answer


def last_code(caplog: pytest.LogCaptureFixture) -> str:
    # Django logs refusals of its own, without any code.
    record = [one for one in caplog.records if one.name == "ageassure.integrations"][-1]
    assert record.levelno == logging.INFO
    return record.getMessage().rpartition(" ")[2]


def demanding(parties: Parties, *, demand: bool = True) -> AgeGate:
    return AgeGate(
        parties.verifier,
        age_over=[18],
        age_under=[16],
        result_seconds=3600,
        next_path="/lobby",
        demand_holder_proof=demand,
        now=parties.clock,
    )


def proof(
    parties: Parties, token: str, challenge: bytes, key: SigningKey = KEY, **other: str
) -> str:
    asked = {"audience": TEST_AUDIENCE, "nonce": json.loads(challenge)["nonce"], **other}
    return make_holder_proof(token, holder_key=key, now=parties.clock, **asked)
