"""Shorthands that drive a gate, with a dict for a session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ageassure.integrations import AgeGate, AgeLimit

if TYPE_CHECKING:
    import pytest

    from ageassure.integrations.answers import Answer

FORM = "application/x-www-form-urlencoded"
OVER_18 = AgeLimit.of(18)


def by_header(gate: AgeGate, session: dict[str, Any], token: str) -> Answer:
    return gate.accept(
        session, authorization=["Basic eA==", f"agetoken  {token}"], content_type="", body=b""
    )


def by_form(gate: AgeGate, session: dict[str, Any], body: bytes, kind: str = FORM) -> Answer:
    return gate.accept(session, authorization=[], content_type=kind, body=body)


def opened(gate: AgeGate, session: dict[str, Any], name: str = "over-18") -> bytes:
    answer = gate.open_challenge(session, name)
    assert answer.status == 201
    return answer.body


def last_code(caplog: pytest.LogCaptureFixture) -> str:
    record = caplog.records[-1]
    assert (record.name, record.levelno) == ("ageassure.integrations", logging.INFO)
    return record.getMessage().rpartition(" ")[2]
