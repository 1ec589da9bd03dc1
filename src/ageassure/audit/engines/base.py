"""The protocol of an engine, and what it is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ageassure.audit.prediction.assessing import UNCHANGED, Assessor, Showing
from ageassure.audit.table import P_OVER_YEARS
from ageassure.estimators.worker.loading import load_estimator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.prediction.assessing import Answer, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What every worker makes for itself; small, and may be sent to other machines.

    Attributes:
        estimator: Name as in :func:`~ageassure.estimators.worker.loading.load_estimator`, on every
            machine.
        showing: How pictures are shown to it.
        p_over_years: Ages a at which P(age ≥ a) is answered.
    """

    estimator: str
    showing: Showing = UNCHANGED
    p_over_years: tuple[int, ...] = P_OVER_YEARS

    def assessor(self) -> Assessor:
        """Load the estimator; done once a process.

        Raises:
            ConfigurationError: If there is no such estimator.
            ModelIntegrityError: If a model file is not the pinned one.
        """
        return Assessor(
            load_estimator(self.estimator), showing=self.showing, p_over_years=self.p_over_years
        )


class Engine(Protocol):
    """Answers jobs, in any order, each at least once.

    Attributes:
        at_once: Pictures assessed at the same time, at the most.
    """

    at_once: int

    def answers(self, task: Task, jobs: Sequence[Job]) -> Iterator[list[Answer]]:
        """Answer all jobs, in batches.

        Raises:
            AgeAssuranceError: If the run cannot go on; what was given before stays good.
        """
        ...
