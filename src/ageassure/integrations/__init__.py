"""Age tokens in a web framework: one core, a thin adapter for each framework.

The core is :class:`AgeGate`. The adapters are ``ageassure.integrations.starlette`` (for FastAPI,
too), ``ageassure.integrations.flask`` and ``ageassure.integrations.django``; each needs the extra
of its name. The names below load no framework.
"""

from __future__ import annotations

from ageassure.integrations.core import AgeGate
from ageassure.integrations.counts import EventCounts
from ageassure.integrations.limits import AgeLimit, AgeResult

__all__ = ["AgeGate", "AgeLimit", "AgeResult", "EventCounts"]
