"""Does a running service decide as the audited system did? Rates of outcomes, held side by side.

Only counts come in; nothing about a person does. A difference says that the two differ, not why:
another mix of ages or cameras moves the rates of a system that has not changed at all. That is the
use of it: the audit's figures hold for people like the audit's. Samples are taken as independent:
where people try several times, or an audit has several pictures of each, differences are found too
easily.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.intervals import chance_of_same_rate, clopper_pearson, holm
from ageassure.errors import ReportError
from ageassure.files import read_at_most
from ageassure.results import MAX_YEARS

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "ageassure-service-counts-1"
LEAST_DECISIONS: Final = 100
"""Decisions of a service below which nothing is said."""

MAX_COUNT: Final = 10**12
MAX_CODES: Final = 64
_MAX_BYTES: Final = 64 * 1024
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Drift(StrEnum):
    """What was seen."""

    SEEN = "DRIFT"
    NOT_SEEN = "NO DRIFT SEEN"
    TOO_FEW = "TOO FEW"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCounts:
    """Decisions of a service over some time.

    Attributes:
        limit_years: Limit that was asked about.
        challenge_age_years: Challenge age of the service; compared with the audit's at the same.
        presented: Samples that were presented.
        passed: Of these, estimates at or over the challenge age.
        refused: Of these, by the code of the refusal: failures to process.

    Raises:
        ReportError: If a count is none, or the parts exceed the whole.
    """

    limit_years: int
    challenge_age_years: float
    presented: int
    passed: int
    refused: dict[str, int]

    def __post_init__(self) -> None:
        age = self.challenge_age_years
        if isinstance(age, bool) or not self.limit_years <= age <= MAX_YEARS:
            raise ReportError(f"got a challenge age that is not the limit or over, to {MAX_YEARS}")
        if not all(_CODE.fullmatch(code) for code in self.refused):
            raise ReportError("got a code of a refusal that is not of a-z, 0-9 and _")
        counts = [self.presented, self.passed, *self.refused.values()]
        if not all(type(count) is int and 0 <= count <= MAX_COUNT for count in counts):
            raise ReportError("got a count that is no whole number from 0")
        if len(self.refused) > MAX_CODES or self.passed + self.not_processed > self.presented:
            raise ReportError("got more passed and refused than presented, or too many codes")

    @property
    def not_processed(self) -> int:
        """Failures to process."""
        return sum(self.refused.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One rate in the service and in the audit.

    Attributes:
        name: ``passed``, ``not_processed``, or the code of a refusal.
        service: Count in the service.
        audit: Count in the audit.
        service_low: Lower end of the service's 95 % Clopper–Pearson interval.
        service_high: Its upper end.
        audit_rate: Share in the audit.
        p_value: Of "both have the same rate" (Fisher's exact test).
        differs: Found by Holm's procedure at 5 % over all rates?
    """

    name: str
    service: int
    audit: int
    service_low: float
    service_high: float
    audit_rate: float
    p_value: float
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What was compared, and whether the service has drifted.

    Attributes:
        drift: What was seen.
        service_presented: Samples of the service.
        audit_presented: Samples of the audit.
        audit_clustered: Has the audit several samples of one person? Then see the module.
        rates: Each rate; empty if there were too few samples.
    """

    drift: Drift
    service_presented: int
    audit_presented: int
    audit_clustered: bool
    rates: tuple[Rate, ...]


def read_counts(path: Path) -> ServiceCounts:
    """Read a service's counts, JSON with exactly these members.

    Members: ``format`` (:data:`FORMAT`), ``limit_years``, ``challenge_age_years``, ``presented``,
    ``passed``, ``refused`` (code → count).

    Raises:
        ReportError: If it is anything else.
    """
    if not path.is_file():
        raise ReportError(f"{path.name}: is not there")
    found: object = None
    with suppress(OSError, ValueError, RecursionError):
        content = read_at_most(path, _MAX_BYTES + 1)
        if len(content) <= _MAX_BYTES:
            found = json.loads(content)
    match found:
        case {
            "format": str(form),
            "limit_years": int(limit),
            "challenge_age_years": float(age) | int(age),
            "presented": int(presented),
            "passed": int(passed),
            "refused": dict(refused),
            **others,
        } if form == FORMAT and not others:
            return ServiceCounts(
                limit_years=limit,
                challenge_age_years=age,
                presented=presented,
                passed=passed,
                refused=refused,
            )
    raise ReportError(f"{path.name}: is no file of counts in the format {FORMAT}")


def compare_with_audit(report: dict[str, Any], service: ServiceCounts) -> DriftReport:
    """Compare a service's counts with those of the audit at its limit and its challenge age.

    Raises:
        ReportError: If the report has no such operating point, or another form.
    """
    limit, age = service.limit_years, service.challenge_age_years
    found = _counts_of(report, limit, age)
    if found is None:
        raise ReportError(
            f"the report has no operating point at the limit {limit} with the challenge age {age:g}"
        )
    audit, clustered = found
    if min(service.presented, audit.presented) < LEAST_DECISIONS:
        return DriftReport(
            drift=Drift.TOO_FEW,
            service_presented=service.presented,
            audit_presented=audit.presented,
            audit_clustered=clustered,
            rates=(),
        )
    names = ["passed", *sorted(service.refused.keys() | audit.refused.keys())]
    pairs = [(_count(service, name), _count(audit, name)) for name in names]
    p_values = [chance_of_same_rate(s, service.presented, a, audit.presented) for s, a in pairs]
    differs = holm(p_values)
    rates = []
    for name, (s, a), p_value, different in zip(names, pairs, p_values, differs, strict=True):
        low, high = clopper_pearson(s, service.presented)
        rates.append(
            Rate(
                name=name,
                service=s,
                audit=a,
                service_low=low,
                service_high=high,
                audit_rate=a / audit.presented,
                p_value=p_value,
                differs=different,
            )
        )
    return DriftReport(
        drift=Drift.SEEN if any(differs) else Drift.NOT_SEEN,
        service_presented=service.presented,
        audit_presented=audit.presented,
        audit_clustered=clustered,
        rates=tuple(rates),
    )


def _count(counts: ServiceCounts, name: str) -> int:
    return counts.passed if name == "passed" else counts.refused.get(name, 0)


def _counts_of(report: dict[str, Any], limit: int, age: float) -> tuple[ServiceCounts, bool] | None:
    """The audit's own counts, everybody, and is it clustered? None without such a point."""
    evaluation = report["evaluation"]
    try:
        points = [
            point
            for point in evaluation["points"]
            if (point["point"]["limit_years"], point["point"]["challenge_age_years"])
            == (limit, age)
        ]
        if not points:
            return None
        everybody = next(c["figures"] for c in points[0]["cells"] if not c["where"])
        failures = next(c["figures"] for c in evaluation["failures"] if not c["where"])
        across = everybody["passed_across_limit"]["k"]
        fpr, fnr = everybody["fpr"], everybody["fnr"]
        counts = ServiceCounts(
            limit_years=limit,
            challenge_age_years=age,
            presented=failures["ftp"]["n"],
            passed=fpr["k"] + fnr["n"] - fnr["k"] + (across or 0),
            refused={
                key.removeprefix("status_"): value["k"]
                for key, value in failures.items()
                if key.startswith("status_")
            },
        )
        return counts, bool(evaluation["counts"]["clustered"])
    except (KeyError, TypeError, StopIteration, AttributeError):
        pass
    raise ReportError("the report's evaluation has another form")
