"""The model files of ageassure: where they lie, and nothing else.

Nothing is loaded, checked or downloaded here. `ageassure.inference` compares the
digest of each file with the one pinned in its code before it uses the file.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["model_dir", "model_ids"]

_ROOT = Path(__file__).resolve().parent


def model_ids() -> tuple[str, ...]:
    """Identifiers of the models in this distribution, sorted."""
    return tuple(sorted(path.parent.name for path in _ROOT.glob("*/model.toml")))


def model_dir(model_id: str) -> Path:
    """Folder with a model's `model.toml`, network, model card and further files.

    Args:
        model_id: one of `model_ids()`, such as `"age-v1"`.

    Raises:
        LookupError: there is no such model. A path is never one.
    """
    if model_id not in model_ids():
        raise LookupError(f"got model {model_id!r}, expected one of {model_ids()}")
    return _ROOT / model_id
