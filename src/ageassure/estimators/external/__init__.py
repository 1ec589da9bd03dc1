"""The slot for commercial services that check documents: start, wait or be called, take the answer.

A service is anything that keeps :class:`DocumentCheckService`. There is a complete one,
:class:`HTTPDocumentCheckService`, for a small JSON interface of our own; no vendor's ships.
The names below are loaded on first use, and need no extra.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageassure.estimators.external.answer import (
        CheckAnswer,
        CheckState,
        StartedCheck,
        check_reference,
    )
    from ageassure.estimators.external.estimator import ExternalCheck, ExternalCheckEstimator
    from ageassure.estimators.external.service import (
        DocumentCheckService,
        HTTPDocumentCheckService,
    )
    from ageassure.estimators.external.webhook import Notification, WebhookReceiver

_HOMES = {
    "CheckAnswer": "answer",
    "CheckState": "answer",
    "DocumentCheckService": "service",
    "ExternalCheck": "estimator",
    "ExternalCheckEstimator": "estimator",
    "HTTPDocumentCheckService": "service",
    "Notification": "webhook",
    "StartedCheck": "answer",
    "WebhookReceiver": "webhook",
    "check_reference": "answer",
}

__all__ = [
    "CheckAnswer",
    "CheckState",
    "DocumentCheckService",
    "ExternalCheck",
    "ExternalCheckEstimator",
    "HTTPDocumentCheckService",
    "Notification",
    "StartedCheck",
    "WebhookReceiver",
    "check_reference",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
