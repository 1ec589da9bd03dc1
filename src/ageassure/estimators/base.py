"""The plug-in point: an estimator turns evidence into an :class:`AgeEstimate`.

Third parties register an estimator under the entry point group ``ageassure.estimators``; the entry
point names a callable without arguments that returns it.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, runtime_checkable

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from ageassure.results import AgeEstimate

ENTRY_POINT_GROUP: Final = "ageassure.estimators"

EvidenceT_contra = TypeVar("EvidenceT_contra", contravariant=True)


@runtime_checkable
class Estimator(Protocol[EvidenceT_contra]):
    """One method that says something about an age.

    Implementations keep nothing of the evidence after they return or raise, raise only
    :class:`~ageassure.errors.EvidenceError` for evidence that they cannot assess, and may be
    called from several threads at once.
    """

    def estimate(self, evidence: EvidenceT_contra) -> AgeEstimate:
        """Assess one piece of evidence.

        Raises:
            EvidenceError: If the evidence cannot be assessed; the code says why.
        """
        ...


def discover_estimator(name: str) -> Estimator[Any]:
    """Load the estimator that is registered under ``name``.

    Raises:
        ConfigurationError: If none or several are registered under this name, or what the entry
            point makes is no estimator.
    """
    found = list(entry_points(group=ENTRY_POINT_GROUP, name=name))
    if len(found) != 1:
        names = ", ".join(sorted(entry_points(group=ENTRY_POINT_GROUP).names)) or "none"
        raise ConfigurationError(
            f"got {len(found)} estimators named {name!r}, expected one; entry points: {names}"
        )
    estimator = found[0].load()()
    if not isinstance(estimator, Estimator):
        raise ConfigurationError(f"entry point {name!r} makes no estimator")
    return estimator
