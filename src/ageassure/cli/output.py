"""What the commands print, and the exit status that tells a script what happened."""

from __future__ import annotations

import json
from enum import IntEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec

import click

from ageassure.errors import (
    AgeAssuranceError,
    AuditError,
    ConfigurationError,
    EvidenceError,
    IssuanceError,
    ModelIntegrityError,
    RequestRefusedError,
    StatusError,
    UnfinishedError,
    VerificationError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")


class ExitStatus(IntEnum):
    """Exit status of every command. 2 is also click's own for wrong usage."""

    DONE = 0
    CONFIGURATION = 2
    EVIDENCE = 3
    INCONCLUSIVE = 4
    TOKEN_REFUSED = 5
    REQUEST_REFUSED = 6
    MODEL_INTEGRITY = 7
    RETAINED = 8
    AUDIT_INPUT = 9
    AUDIT_FINDING = 10
    UNFINISHED = 11


_STATUS_OF: tuple[tuple[type[AgeAssuranceError], ExitStatus], ...] = (
    (ConfigurationError, ExitStatus.CONFIGURATION),
    (EvidenceError, ExitStatus.EVIDENCE),
    (VerificationError, ExitStatus.TOKEN_REFUSED),
    (StatusError, ExitStatus.TOKEN_REFUSED),
    (RequestRefusedError, ExitStatus.REQUEST_REFUSED),
    (IssuanceError, ExitStatus.REQUEST_REFUSED),
    (ModelIntegrityError, ExitStatus.MODEL_INTEGRITY),
    (AuditError, ExitStatus.AUDIT_INPUT),
    (UnfinishedError, ExitStatus.UNFINISHED),
)


def status_of(error: AgeAssuranceError) -> ExitStatus:
    """Exit status that stands for ``error``."""
    return next(status for kind, status in _STATUS_OF if isinstance(error, kind))


def emit(document: Mapping[str, Any], lines: list[str], *, as_json: bool) -> None:
    """Print one JSON object, or the lines that say the same to a person."""
    click.echo(json.dumps(document, indent=2) if as_json else "\n".join(lines))


def leave(error: AgeAssuranceError, *, as_json: bool) -> NoReturn:
    """Print the error's code and message, and leave with its exit status."""
    if as_json:
        click.echo(json.dumps({"error": error.code, "message": str(error)}, indent=2))
    else:
        click.echo(f"ageassure: {error} ({error.code})", err=True)
    raise SystemExit(status_of(error))


def command_with_json(function: Callable[P, None]) -> Callable[P, None]:
    """Add ``--json`` to a command, and turn the library's errors into exit statuses."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except AgeAssuranceError as error:
            failure = error
        else:
            return
        leave(failure, as_json=bool(kwargs["as_json"]))

    return wrapped
