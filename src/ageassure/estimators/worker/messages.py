"""What passes between the process that asks and the one that estimates.

Never a pickle: an estimate is personal data, and a process that met a hostile picture is not to be
believed more than its answer needs. Every message is a head of fixed size and a body of the length
that it gives; all numbers are little-endian.

* **Request**: :data:`REQUEST` (1 for a list of files, 0 for one; their number), a 64-bit size for
  each, then the files.
* **Answer**: :data:`ANSWER` (its kind, the size of its body), then the body: nothing for
  :attr:`Kind.READY`, the code, a zero byte and the message for :attr:`Kind.ERROR`, else the
  estimate's origin (:data:`_ORIGIN`) and its numbers.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Final

from ageassure import errors
from ageassure.errors import (
    AgeAssuranceError,
    ConfigurationError,
    EvidenceError,
    ModelIntegrityError,
    UnfinishedError,
)
from ageassure.results import (
    MAX_YEARS,
    AgeDistribution,
    AgeEstimate,
    AgeInterval,
    MethodClass,
    PresentationAttack,
    Provenance,
)

REQUEST: Final = struct.Struct("<?I")
SIZE: Final = struct.Struct("<Q")
ANSWER: Final = struct.Struct("<BI")

MAX_FILES: Final = 64
MAX_REQUEST_BYTES: Final = 256_000_000
MAX_ANSWER_BYTES: Final = 4_096
_MAX_TEXT_BYTES: Final = 1_000

# Method class, bound, presentation attack, microseconds since 1970, whether a digest follows.
_ORIGIN: Final = struct.Struct("<B?Bq?32s")
_PROBABILITIES: Final = struct.Struct(f"<{MAX_YEARS + 1}d")
_ENDS: Final = struct.Struct("<BB")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_METHODS: Final = tuple(MethodClass)
_ATTACKS: Final = tuple(PresentationAttack)

_PASSED_ON: Final = (EvidenceError, ConfigurationError, ModelIntegrityError, UnfinishedError)
"""As by the provider: other errors of an estimator say nothing that a caller could act upon."""


class Kind(IntEnum):
    """What an answer is."""

    READY = 1
    DISTRIBUTION = 2
    INTERVAL = 3
    ERROR = 4


def encode_estimate(estimate: AgeEstimate) -> tuple[Kind, bytes]:
    """Write an estimate as kind and body."""
    origin = _encode_origin(estimate.provenance)
    if isinstance(estimate, AgeInterval):
        lower, upper = estimate.interval(0.5)
        return Kind.INTERVAL, origin + _ENDS.pack(lower, upper)
    at_or_over = [estimate.probability_at_or_over(year) for year in range(MAX_YEARS + 2)]
    probabilities = [here - beyond for here, beyond in pairwise(at_or_over)]
    return Kind.DISTRIBUTION, origin + _PROBABILITIES.pack(*probabilities)


def encode_error(error: Exception) -> tuple[Kind, bytes]:
    """Write an error as kind and body; of foreign ones the class's name alone."""
    if isinstance(error, AgeAssuranceError):
        code, message = error.code, str(error)
    else:
        code, message = "evidence", f"the estimator raised {type(error).__name__}"
    return Kind.ERROR, f"{code}\0{message}".encode("utf-8", "replace")[:_MAX_TEXT_BYTES]


def decode_answer(kind: int, body: bytes) -> AgeEstimate | AgeAssuranceError | None:
    """Read an answer; None is :attr:`Kind.READY`.

    Raises:
        ValueError: If it is none. Anything that the process writes comes to one of these.
    """
    if kind == Kind.READY and not body:
        return None
    if kind == Kind.ERROR:
        code, _, message = body.decode("utf-8", "replace").partition("\0")
        return _error(code, message)
    failure = "got an answer of another form"
    try:
        if kind == Kind.DISTRIBUTION:
            numbers = _PROBABILITIES.unpack(body[_ORIGIN.size :])
            return AgeDistribution(probabilities=numbers, provenance=_decode_origin(body))
        if kind == Kind.INTERVAL:
            lower, upper = _ENDS.unpack(body[_ORIGIN.size :])
            return AgeInterval(
                lower_years=lower, upper_years=upper, provenance=_decode_origin(body)
            )
    except (struct.error, IndexError, OverflowError, ConfigurationError):
        failure = "got an answer that is no estimate"
    raise ValueError(failure)


def _encode_origin(origin: Provenance) -> bytes:
    digest = origin.pipeline_digest
    return _ORIGIN.pack(
        _METHODS.index(origin.method_class),
        origin.bound,
        _ATTACKS.index(origin.presentation_attack),
        (origin.as_of - _EPOCH) // timedelta(microseconds=1),
        digest is not None,
        bytes.fromhex(digest or ""),
    )


def _decode_origin(body: bytes) -> Provenance:
    method, bound, attack, microseconds, has_digest, digest = _ORIGIN.unpack_from(body)
    return Provenance(
        method_class=_METHODS[method],
        bound=bound,
        presentation_attack=_ATTACKS[attack],
        as_of=_EPOCH + timedelta(microseconds=microseconds),
        pipeline_digest=digest.hex() if has_digest else None,
    )


def _error(code: str, message: str) -> AgeAssuranceError:
    for cls in vars(errors).values():
        if isinstance(cls, type) and issubclass(cls, _PASSED_ON) and code in cls.codes:
            return cls(message, code=code)
    return EvidenceError(message)
