"""Model files and the networks in them: manifest, digest, contract, session.

Nothing here touches the network. Loading happens when a function is called, never on import.
"""

from __future__ import annotations

from ageassure.inference.manifest import Licence, ModelManifest, Tensor
from ageassure.inference.session import telemetry_was_off_in_time
from ageassure.inference.store import (
    Model,
    ModelStatus,
    check_models,
    load_manifest,
    load_model,
    load_supplied_model,
    read_pinned,
)

__all__ = [
    "Licence",
    "Model",
    "ModelManifest",
    "ModelStatus",
    "Tensor",
    "check_models",
    "load_manifest",
    "load_model",
    "load_supplied_model",
    "read_pinned",
    "telemetry_was_off_in_time",
]
