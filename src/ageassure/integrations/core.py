"""The gate: asks for an age result, accepts its token once, remembers the outcome for a while."""

from __future__ import annotations

import logging
import math
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError
from ageassure.integrations import answers
from ageassure.integrations.asking import Asking
from ageassure.integrations.counts import EventCounts
from ageassure.integrations.limits import AgeLimit, AgeResult
from ageassure.integrations.session import (
    Challenge,
    PlatformSession,
    State,
    StateReader,
    is_thumbprint,
    new_secret,
)
from ageassure.integrations.settings import (
    MAX_CHALLENGE_SECONDS,
    MAX_OPEN_CHALLENGES,
    checked_flag,
    checked_number,
    checked_paths,
    limits_by_name,
)
from ageassure.tokens.clock import Clock, read_clock, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ageassure.integrations.answers import Answer
    from ageassure.integrations.submission import Submission
    from ageassure.results import AssuranceLevel, MethodClass
    from ageassure.verifier import TokenVerifier

_LOG: Final = logging.getLogger("ageassure.integrations")


@final
class AgeGate:
    """What every adapter does, without any framework. Safe for threads.

    It logs to ``ageassure.integrations`` and counts in :attr:`counts`, by code alone: those of
    :class:`~ageassure.errors.VerificationError`, and its own ``challenge_opened``,
    ``no_holder_key``, ``too_many_challenges``, ``no_token``, ``body_too_large``, ``no_challenge``,
    ``session_unavailable``, ``accepted`` and ``age_required``.

    The limit of challenges holds for a session. Whoever throws a session away starts with a new
    one: how many sessions an address gets is the platform's to bound.

    Args:
        verifier: Verifies the tokens; its audience is the one asked with.
        age_over: Limits asked about with "at or over", completed years.
        age_under: Limits asked about with "under". At least one limit in all.
        result_seconds: How long a result counts in its session before it is asked for again.
        methods: Ask for these method classes and demand that the token tells one of them.
        minimum_level: Ask for this assurance level and demand that the token tells it or more.
        demand_holder_proof: Ask for a token that is bound to a one-time key of the visitor's page,
            and demand the proof that whoever presents it holds the key.
        path: Where the gate's two addresses live: ``<path>/challenge/over-18`` and
            ``<path>/token``.
        next_path: Where a browser goes after a form post was accepted.
        challenge_seconds: How long a challenge stays open, at most an hour.
        max_open_challenges: How many a session may have open, 1 to 20. One that was not answered
            counts until it expires: each brings fresh attempts at the provider.
        now: Clock.
        random_bytes: Source of randomness.

    Raises:
        ConfigurationError: If one of these is missing, empty or ill-formed.
    """

    __slots__ = (
        "_asking",
        "_challenge_seconds",
        "_max_open",
        "_next_path",
        "_now",
        "_path",
        "_random_bytes",
        "_reader",
        "counts",
    )

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        result_seconds: int,
        age_over: Collection[int] = (),
        age_under: Collection[int] = (),
        methods: Collection[MethodClass] | None = None,
        minimum_level: AssuranceLevel | None = None,
        demand_holder_proof: bool = False,
        path: str = "/age",
        next_path: str = "/",
        challenge_seconds: int = 1800,
        max_open_challenges: int = 5,
        now: Clock = utc_now,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.counts = EventCounts()
        self._asking = Asking(verifier, methods=methods, minimum_level=minimum_level)
        self._path, self._next_path = checked_paths(path, next_path)
        self._challenge_seconds = checked_number(
            challenge_seconds, MAX_CHALLENGE_SECONDS, "challenge_seconds"
        )
        self._max_open = checked_number(
            max_open_challenges, MAX_OPEN_CHALLENGES, "max_open_challenges"
        )
        self._reader = StateReader(
            limits=limits_by_name(age_over, age_under),
            challenge_seconds=challenge_seconds,
            result_seconds=checked_number(result_seconds, None, "result_seconds"),
            demand_holder_proof=checked_flag(demand_holder_proof, "demand_holder_proof"),
        )
        self._now, self._random_bytes = now, random_bytes
        read_clock(now)
        new_secret(random_bytes)

    @property
    def challenge_prefix(self) -> str:
        """Path under which challenges are opened, each by POST to the name of its limit."""
        return f"{self._path}/challenge/"

    @property
    def token_path(self) -> str:
        """Path to which tokens are posted."""
        return f"{self._path}/token"

    def limit(self, age_over: int | None = None, age_under: int | None = None) -> AgeLimit:
        """The limit named by one of the two keywords.

        Raises:
            ConfigurationError: If it is not among those that this gate asks about.
        """
        limit = AgeLimit.of(age_over, age_under)
        if limit.name not in self._reader.limits:
            raise ConfigurationError(f"got {limit.name}, expected a limit that the gate asks about")
        return limit

    def open_challenge(
        self, session: PlatformSession, limit_name: str, holder_jkt: str | None = None
    ) -> Answer:
        """Open a challenge: the age request as JSON, for the platform's page to take to a provider.

        Args:
            session: The visitor's.
            limit_name: As in the address, such as ``over-18``.
            holder_jkt: RFC 7638 thumbprint of the one-time key, from the visitor's page. Looked at
                only by a gate that demands proofs.
        """
        limit = self._reader.limits.get(limit_name)
        if limit is None:
            return answers.NOT_FOUND
        if not self._reader.demand_holder_proof:
            holder_jkt = None
        elif not is_thumbprint(holder_jkt):
            self._note("no_holder_key")
            return answers.NO_HOLDER_KEY
        now_seconds = read_clock(self._now)
        state = self._reader.read(session, now_seconds)
        if state is None:
            return self.session_failed()
        if len(state.challenges) >= self._max_open:
            self._note("too_many_challenges")
            oldest = min(challenge.opened_at for challenge in state.challenges)
            wait_seconds = math.ceil(oldest + self._challenge_seconds - now_seconds)
            return answers.too_many_challenges(wait_seconds)
        challenge = Challenge(
            limit=limit,
            secret=new_secret(self._random_bytes),
            opened_at=int(now_seconds),
            holder_jkt=holder_jkt,
        )
        state = State(challenges=(*state.challenges, challenge), passed=state.passed)
        if not state.write(session):
            return self.session_failed()
        self.counts.add("challenge_opened")
        return answers.challenge_opened(self._asking.members(challenge))

    async def keys_ready(self, submission: Submission) -> None:
        """Wait in an event loop for the fetch of keys that :meth:`accept` may need."""
        if submission.token is not None:
            await self._asking.keys_ready(submission.token)

    def accept(self, session: PlatformSession, submission: Submission) -> Answer:
        """Verify the token that was posted; on success remember the outcome in the session.

        Verifying may wait for the replay store: an ASGI adapter awaits :meth:`keys_ready` and then
        calls this in a thread.

        Args:
            session: The visitor's.
            submission: What was posted.

        Returns:
            204 for a token in the header, 303 for one in a form, the one constant refusal, or 503
            if the session fails. The token is then used up if it was the writing that failed.
        """
        now_seconds = read_clock(self._now)
        # Read before anything is refused: frameworks add header fields if it was.
        state = self._reader.read(session, now_seconds)
        if state is None:
            return self.session_failed()
        if submission.token is None:
            return self._refused("body_too_large" if submission.too_large else "no_token")
        answered = self._asking.answered(
            submission.token, submission.holder_proof, state.challenges
        )
        if isinstance(answered, str):
            return self._refused(answered)
        state = State(
            challenges=tuple(one for one in state.challenges if one is not answered),
            passed={**state.passed, answered.limit: int(now_seconds)},
        )
        if not state.write(session):
            return self.session_failed()
        self.counts.add("accepted")
        if submission.in_header:
            return answers.PASSED
        return answers.passed_by_form(self._next_path)

    def admit(self, session: PlatformSession, limit: AgeLimit) -> AgeResult | Answer:
        """The newest standing result that proves ``limit``, or what to answer without one."""
        state = self._reader.read(session, read_clock(self._now))
        if state is None:
            return self.session_failed()
        moments = {one: moment for one, moment in state.passed.items() if one.proves(limit)}
        if not moments:
            self.counts.add("age_required")
            return answers.age_required(self.challenge_prefix + limit.name)
        newest = max(moments, key=moments.__getitem__)
        return AgeResult(limit=newest, passed_at=datetime.fromtimestamp(moments[newest], UTC))

    def session_failed(self) -> Answer:
        """What is answered, and noted, where the session's store fails."""
        self._note("session_unavailable")
        return answers.NO_SESSION

    def _refused(self, code: str) -> Answer:
        self._note(code)
        return answers.REFUSED

    def _note(self, code: str) -> None:
        self.counts.add(code)
        _LOG.info("age gate refused: %s", code)
