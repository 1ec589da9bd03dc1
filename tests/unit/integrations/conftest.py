"""A platform's gate, and the provider that it asks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ageassure.integrations import AgeGate
from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.testing import TEST_AUDIENCE, TEST_ISSUER, FixedClock, throw_away
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.verifier import MemoryReplayStore, TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT_SECONDS = 86_400


class ReplayStoreOnCall:
    """Works until it is told to be down."""

    def __init__(self, clock: FixedClock) -> None:
        self.down = False
        self.before_claim: Callable[[], None] | None = None
        self._store = MemoryReplayStore(now=clock)

    def claim(self, key: bytes, expires_at: int) -> bool:
        if self.down:
            raise ConnectionError("no route to store")
        if self.before_claim is not None:
            self.before_claim()
        return self._store.claim(key, expires_at)


@dataclass
class Parties:
    """One clock, one provider, one platform."""

    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.issuer: TokenIssuer = throw_away(clock=self.clock).issuer
        self.store = ReplayStoreOnCall(self.clock)
        self.verifier = TokenVerifier(
            issuers={TEST_ISSUER: self.issuer.jwks},
            audience=TEST_AUDIENCE,
            replay_store=self.store,
            now=self.clock,
        )
        self.gate = AgeGate(
            self.verifier,
            age_over=(18, 21),
            age_under=(16,),
            result_seconds=RESULT_SECONDS,
            next_path="/lobby",
            now=self.clock,
        )

    def token(
        self,
        challenge: bytes,
        *,
        outcome: Outcome | None = None,
        method_class: MethodClass = MethodClass.ESTIMATION,
        signing_key: SigningKey | None = None,
    ) -> str:
        """What the provider answers to a challenge's JSON."""
        members = json.loads(challenge)
        methods, level = members.pop("methods", None), members.pop("minimum_level", None)
        request = AgeRequest(
            **members,
            methods=None if methods is None else frozenset(map(MethodClass, methods)),
            minimum_level=None if level is None else AssuranceLevel(level),
        )
        issuer = self.issuer
        if signing_key is not None:
            issuer = TokenIssuer(issuer=TEST_ISSUER, signing_key=signing_key, now=self.clock)
        asked = Outcome.OVER if request.age_over else Outcome.UNDER
        return issuer.issue(
            request,
            outcome=outcome or asked,
            method_class=method_class,
            level=AssuranceLevel.STANDARD,
        )


@pytest.fixture
def parties() -> Parties:
    return Parties()
