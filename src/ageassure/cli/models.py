"""``ageassure models``: which model files there are, and whether they are the pinned ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ageassure.cli.output import ExitStatus, command_with_json, emit
from ageassure.extras import require_extra

if TYPE_CHECKING:
    from ageassure.inference import ModelStatus


def _statuses() -> list[ModelStatus]:
    require_extra("face", "numpy", "onnxruntime", "ageassure_models")
    from ageassure.inference import check_models

    return check_models()


@click.group()
def models() -> None:
    """Model files (needs the extra face)."""


@models.command("list")
@command_with_json
def list_models(*, as_json: bool) -> None:
    """Name each model, what it does and its licence."""
    statuses = _statuses()
    emit(
        {"models": [{"id": s.id, "role": s.role, "licence": s.licence} for s in statuses]},
        [f"{s.id:<16} {s.role or '?':<16} {s.licence or '?'}" for s in statuses],
        as_json=as_json,
    )


@models.command()
@command_with_json
def check(*, as_json: bool) -> None:
    """Compare every model file with the digest pinned in code."""
    statuses = _statuses()
    emit(
        {"models": [{"id": s.id, "problem": s.problem} for s in statuses]},
        [f"{s.id:<16} {s.problem or 'is the pinned one'}" for s in statuses],
        as_json=as_json,
    )
    if any(s.problem for s in statuses):
        raise SystemExit(ExitStatus.MODEL_INTEGRITY)
