"""The lines of docs/how-to/operations/frameworks.md that no other test here stands for."""

from __future__ import annotations

import copy
import sys
from typing import Any

from ageassure.errors import KeySetUnavailableError
from ageassure.integrations import AgeGate, answers
from ageassure.testing import TEST_AUDIENCE, TEST_ISSUER
from ageassure.verifier import JWKSet, TokenVerifier

from .conftest import RESULT_SECONDS, Parties
from .driving import OVER_18, admitted, by_header, opened, turned_away


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
    admitted(parties.gate, session, OVER_18)
    assert by_header(parties.gate, behind, token) is answers.REFUSED
    assert parties.gate.counts.read()["not_yet_valid"] == 1, "the challenge stood"
    parties.clock.advance(seconds=60)
    again = parties.token(opened(parties.gate, behind))
    parties.clock.advance(seconds=-60)
    assert by_header(parties.gate, behind, again) is answers.REFUSED
    parties.clock.advance(seconds=60)
    assert by_header(parties.gate, behind, again).status == 204, "worth a retry a minute later"
    parties.clock.advance(seconds=-60)
    parties.clock.advance(seconds=-1)
    assert turned_away(parties.gate, session, OVER_18).status == 401


def test_results_are_judged_by_the_rule_of_today(parties: Parties) -> None:
    session: dict[str, Any] = {}
    by_header(parties.gate, session, parties.token(opened(parties.gate, session)))
    parties.clock.advance(seconds=60)

    def gate(**settings: Any) -> AgeGate:
        return AgeGate(parties.verifier, now=parties.clock, **settings)

    shorter = gate(age_over=[18], result_seconds=60)
    assert turned_away(shorter, session, OVER_18).status == 401
    other = gate(age_over=[21], result_seconds=RESULT_SECONDS)
    assert turned_away(other, session, OVER_18).status == 401
    same = gate(age_over=[18], result_seconds=61)
    admitted(same, session, OVER_18)


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


def test_an_expired_challenge_beside_an_open_one(parties: Parties) -> None:
    session: dict[str, Any] = {}
    older = opened(parties.gate, session)
    parties.clock.advance(seconds=1790)
    opened(parties.gate, session)
    token = parties.token(older)
    parties.clock.advance(seconds=10)
    assert by_header(parties.gate, session, token) is answers.REFUSED
    assert parties.gate.counts.read()["wrong_nonce"] == 1


def test_a_key_host_that_is_down_uses_no_token_up(parties: Parties) -> None:
    class Source:
        down = True

        def key_set(self, missing: str | None = None) -> JWKSet:  # noqa: ARG002
            if self.down:
                raise KeySetUnavailableError("down")
            return parties.issuer.jwks

        def holds(self, kid: str) -> bool:  # noqa: ARG002
            return False

        async def ready(self, missing: str | None = None) -> None: ...

    source = Source()
    verifier = TokenVerifier(
        issuers={TEST_ISSUER: source},
        audience=TEST_AUDIENCE,
        replay_store=parties.store,
        now=parties.clock,
    )
    gate = AgeGate(verifier, age_over=[18], result_seconds=60, now=parties.clock)
    session: dict[str, Any] = {}
    token = parties.token(opened(gate, session))
    assert by_header(gate, session, token) is answers.REFUSED
    assert gate.counts.read()["key_set_unavailable"] == 1
    source.down = False
    assert by_header(gate, session, token).status == 204


def test_a_store_whose_answer_was_lost_has_the_token(parties: Parties) -> None:
    session: dict[str, Any] = {}
    token = parties.token(opened(parties.gate, session))
    claim = parties.store.claim

    def lost(key: bytes, expires_at: int) -> bool:
        claim(key, expires_at)
        raise TimeoutError

    parties.store.claim = lost  # type: ignore[method-assign]
    assert by_header(parties.gate, session, token) is answers.REFUSED
    parties.store.claim = claim  # type: ignore[method-assign]
    assert by_header(parties.gate, session, token) is answers.REFUSED
    counts = parties.gate.counts.read()
    assert (counts["replay_store_unavailable"], counts["replayed"]) == (1, 1)
