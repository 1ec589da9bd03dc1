"""What has come of a key client's fetches, and how it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ageassure.verifier.jwks.state import KeyClientStatus, KeySetState

if TYPE_CHECKING:
    from ageassure.verifier.jwks.state import Held


@final
class Tally:
    """A key client's counters; what each counts stands at ``KeyClientStatus``.

    Changed under the keeper's lock.
    """

    __slots__ = (
        "failures",
        "failures_in_a_row",
        "fetches",
        "last_failure",
        "unchanged",
        "unknown_kids",
    )

    def __init__(self) -> None:
        self.fetches = self.unchanged = self.unknown_kids = 0
        self.failures = self.failures_in_a_row = 0
        self.last_failure: str | None = None

    def failed(self, reason: str) -> None:
        """A fetch failed, or brought a set that must not be used."""
        self.failures += 1
        self.failures_in_a_row += 1
        self.last_failure = reason

    def succeeded(self, *, unchanged: bool) -> None:
        """A fetch brought a good set, or found it unchanged."""
        self.failures_in_a_row = 0
        self.unchanged += unchanged

    def status(self, held: Held | None, now: float) -> KeyClientStatus:
        """These counters, with what is at hand."""
        state, keys = KeySetState.UNAVAILABLE, 0
        if held is not None and held.usable is not None:
            keys = len(held.usable)
            if now < held.usable_until:
                state = KeySetState.FRESH if now < held.fresh_until else KeySetState.STALE
        return KeyClientStatus(
            state=state,
            keys=keys,
            age_seconds=None if held is None else now - held.fetched_at,
            fetches=self.fetches,
            unchanged=self.unchanged,
            failures=self.failures,
            failures_in_a_row=self.failures_in_a_row,
            last_failure=self.last_failure,
            unknown_kids=self.unknown_kids,
        )
