"""The lines of docs/how-to/operations/frameworks.md that no other test here stands for."""

from __future__ import annotations

import copy
import sys
from typing import Any

from ageassure.integrations import AgeGate, answers

from .conftest import RESULT_SECONDS, Parties
from .driving import OVER_18, by_header, opened


def test_a_cookie_written_later_overwrites_the_other_tabs_challenge(parties: Parties) -> None:
    first: dict[str, Any] = {}
    opened(parties.gate, first)
    second = copy.deepcopy(first)
    lost, kept = opened(parties.gate, first), opened(parties.gate, second)
    assert by_header(parties.gate, second, parties.token(lost)) is answers.REFUSED
    assert parties.gate.counts.read()["wrong_nonce"] == 1
    assert by_header(parties.gate, second, parties.token(kept)).status == 204


def test_a_minute_between_two_servers_clocks_does_no_harm(parties: Parties) -> None:
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    behind = copy.deepcopy(session)
    assert by_header(parties.gate, session, token).status == 204
    parties.clock.advance(seconds=-60)
    assert parties.gate.result(session, OVER_18) is not None
    assert by_header(parties.gate, behind, token) is answers.REFUSED
    assert parties.gate.counts.read()["not_yet_valid"] == 1, "the challenge stood"
    parties.clock.advance(seconds=-1)
    assert parties.gate.result(session, OVER_18) is None


def test_results_are_judged_by_the_rule_of_today(parties: Parties) -> None:
    session: dict[str, Any] = {}
    by_header(parties.gate, session, parties.token(opened(parties.gate, session)))
    parties.clock.advance(seconds=60)

    def gate(**settings: Any) -> AgeGate:
        return AgeGate(parties.verifier, now=parties.clock, **settings)

    shorter = gate(age_over=[18], result_seconds=60)
    assert shorter.result(session, OVER_18) is None
    other = gate(age_over=[21], result_seconds=RESULT_SECONDS)
    assert other.result(session, OVER_18) is None
    same = gate(age_over=[18], result_seconds=61)
    assert same.result(session, OVER_18) is not None


def test_bad_tokens_leave_a_count_and_nothing_else(parties: Parties) -> None:
    session: dict[str, Any] = {}
    opened(parties.gate, session)
    before = copy.deepcopy(session)
    for number in range(1_000):  # whatever is made once is made
        by_header(parties.gate, session, f"{number}.junk.junk")
    blocks = sys.getallocatedblocks()
    for number in range(20_000):
        assert by_header(parties.gate, session, f"{number}.junk.junk") is answers.REFUSED
    assert sys.getallocatedblocks() - blocks < 1_000
    assert session == before
    assert sum(parties.gate.counts.read().values()) == 21_001
