"""Age from the answer of a service that checks documents."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ageassure.deadline import checkpoint
from ageassure.errors import (
    AgeAssuranceError,
    BirthDateError,
    ConfigurationError,
    DocumentError,
    UnfinishedError,
    plain,
)
from ageassure.estimators.birth_dates import BirthDate, age_interval
from ageassure.estimators.document.held import Hidden, malformed, sealed, utc_now
from ageassure.estimators.document.holder import document_provenance
from ageassure.estimators.external.answer import (
    CheckAnswer,
    CheckState,
    checked_id,
    unavailable,
)
from ageassure.estimators.external.service import DocumentCheckService
from ageassure.results import AgeInterval

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MAX_WAIT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class ExternalCheck(Hidden):
    """A check that was started for this very request.

    Attributes:
        check_id: The service's name of it.
        reference: What it was started with, from the caller's own session or computed again by
            :func:`check_reference`; never from what the service or the person sent. An answer for
            another reference is refused.
        answer: What a verified call of the service said; None: the service is asked.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    check_id: str
    reference: str
    answer: CheckAnswer | None = None

    def __post_init__(self) -> None:
        checked_id(self.check_id, "check_id")
        checked_id(self.reference, "reference")
        if self.answer is not None and not isinstance(self.answer, CheckAnswer):
            raise ConfigurationError("got an answer that is no CheckAnswer")


class ExternalCheckEstimator:
    """Completed years, or which side of a limit, as a service says it.

    NOT checked: that the service is right. Its answer is worth what the service is worth, and so is
    what it says of the holder.

    Args:
        service: Whom to ask.
        wait_seconds: How long to go on asking while the check is pending or the service cannot be
            reached, at most 60; 0 asks once. People take minutes: let them come back, or wait for
            the service's call, rather than hold a thread.
        pause_seconds: Between two questions.
        now: Clock that dates the estimate.
        sleep: Waits so many seconds.
        clock: Seconds that never go back.

    Raises:
        ConfigurationError: If one of these is malformed.
    """

    def __init__(
        self,
        service: DocumentCheckService,
        *,
        wait_seconds: float = 0,
        pause_seconds: float = 1,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(service, DocumentCheckService):
            raise ConfigurationError("got a service without start() and fetch()")
        if not 0 <= wait_seconds <= MAX_WAIT_SECONDS or not 0 < pause_seconds <= MAX_WAIT_SECONDS:
            raise ConfigurationError(
                f"got wait_seconds or pause_seconds outside 0 to {MAX_WAIT_SECONDS}"
            )
        self._service = service
        self._wait_seconds = wait_seconds
        self._pause_seconds = pause_seconds
        self._now = now
        self._sleep = sleep
        self._clock = clock

    def estimate(self, evidence: ExternalCheck) -> AgeInterval:
        """Take one check's answer.

        Raises:
            DocumentError: ``document_check_pending``, ``document_check_failed``,
                ``document_check_unavailable``, or ``document_check_unauthentic`` for an answer to
                another check.
            BirthDateError: If the service says an impossible birth date.
            UnfinishedError: If the work is to stop.
        """
        held = [evidence]
        del evidence
        return sealed(self._assess, held)

    def _assess(self, evidence: ExternalCheck) -> AgeInterval:
        if not isinstance(evidence, ExternalCheck):
            raise malformed("got no ExternalCheck")
        answer = evidence.answer or self._asked(evidence.check_id)
        mine = f"{evidence.check_id}.{evidence.reference}".encode()
        if not hmac.compare_digest(mine, f"{answer.check_id}.{answer.reference}".encode()):
            raise DocumentError(
                "got the answer to another check", code="document_check_unauthentic"
            )
        if answer.state is CheckState.PENDING:
            raise DocumentError("the check is not done", code="document_check_pending")
        if answer.age is None:
            raise DocumentError("the check was not passed", code="document_check_failed")
        provenance = document_provenance(answer.holder_check, self._now())
        if isinstance(answer.age, BirthDate):
            return age_interval(answer.age, provenance=provenance)
        limit, at_or_over = answer.age
        lower, upper = (limit, None) if at_or_over else (0, limit)
        return AgeInterval(lower_years=lower, upper_years=upper, provenance=provenance)

    def _asked(self, check_id: str) -> CheckAnswer:
        """Ask until the check is done or time has run out; the last answer, or its error."""
        until = self._clock() + self._wait_seconds
        while True:
            checkpoint()
            found = self._once(check_id)
            left = until - self._clock()
            pending = isinstance(found, CheckAnswer) and found.state is CheckState.PENDING
            gone = isinstance(found, DocumentError) and found.code == "document_check_unavailable"
            if left <= 0 or not (pending or gone):
                break
            self._sleep(min(self._pause_seconds, left))
        if isinstance(found, AgeAssuranceError):
            raise found
        return found

    def _once(self, check_id: str) -> CheckAnswer | AgeAssuranceError:
        """One answer, or an error without a trace of what the service said."""
        try:
            answer: object = self._service.fetch(check_id)
            if isinstance(answer, CheckAnswer):
                return answer
            return unavailable("the service gave no CheckAnswer")
        except (DocumentError, BirthDateError, ConfigurationError, UnfinishedError) as error:
            return plain(error) or unavailable(f"the service raised {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - a vendor's library may raise anything
            return unavailable(f"the service raised {type(error).__name__}")
