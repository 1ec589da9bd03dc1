"""Model files and the networks in them: manifest, digest, contract, session.

Nothing here touches the network. Loading happens when a function is called, never on import.
"""

from __future__ import annotations

from ageassure.extras import require_extra

require_extra("face", "numpy")

from ageassure.inference.manifest import Licence, ModelManifest, Tensor  # noqa: E402
from ageassure.inference.session import telemetry_was_off_in_time  # noqa: E402
from ageassure.inference.store import (  # noqa: E402
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
