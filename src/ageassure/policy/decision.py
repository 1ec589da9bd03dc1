"""What a policy or a chain made of the estimates it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ageassure.results import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from ageassure.results import AssuranceLevel, MethodClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An outcome and why; it holds nothing of the estimate itself.

    Attributes:
        outcome: OVER, UNDER or INCONCLUSIVE.
        reasons: Reason codes in the order in which they arose.
        method_class: Class of the method that settled the outcome; None if none did.
        level: Assurance level reached; None if nothing was settled.
        not_after: Moment after which a token for it must not be valid, where the evidence that
            settled it sets one.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    method_class: MethodClass | None = None
    level: AssuranceLevel | None = None
    not_after: datetime | None = None

    @property
    def settled(self) -> bool:
        """Is the outcome OVER or UNDER?"""
        return self.outcome is not Outcome.INCONCLUSIVE
