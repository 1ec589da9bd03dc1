"""The bars that the shipped pipeline has earned, read from ``operating_points.json``.

The file is JSON with the members ``format``, ``pipeline_digest``, ``challenge_ages``,
``lower_bars`` and what was measured with them. An entry names ``age_limit``, ``alpha`` and ``bar``,
which is null where too few people were measured; ``insufficient_evidence`` then says why. Whether a
bar's evidence carries its error is recomputed when the bar is built, not believed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import ConfigurationError, InsufficientEvidenceError, ModelIntegrityError
from ageassure.policy import ChallengeAge, LowerBar

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "ageassure-operating-points-1"


class OperatingPoints:
    """All bars of one pipeline.

    Args:
        text: The file, whose digest was checked.
        pipeline_digest: The pipeline that is going to be judged by them.

    Raises:
        ModelIntegrityError: If the file is not of this format, or for another pipeline.
    """

    def __init__(self, text: bytes, *, pipeline_digest: str) -> None:
        document: Mapping[str, Any] = _parsed(text)
        if document.get("format") != FORMAT:
            raise ModelIntegrityError(f"got another format of operating points, expected {FORMAT}")
        if document.get("pipeline_digest") != pipeline_digest:
            raise ModelIntegrityError("the operating points were earned through another pipeline")
        self._challenge_ages = _by_limit(document, "challenge_ages")
        self._lower_bars = _by_limit(document, "lower_bars")

    def challenge_age(self, age_limit: int, *, alpha: float) -> ChallengeAge:
        """The challenge age for a limit and an error.

        Raises:
            ConfigurationError: If none was sought for this limit and error.
            InsufficientEvidenceError: If too few people were measured.
        """
        return ChallengeAge.from_dict(_bar(self._challenge_ages, age_limit, alpha))

    def lower_bar(self, age_limit: int, *, alpha: float) -> LowerBar:
        """The lower bar for a limit and an error.

        Raises:
            ConfigurationError: If none was sought for this limit and error.
            InsufficientEvidenceError: If too few people were measured.
        """
        return LowerBar.from_dict(_bar(self._lower_bars, age_limit, alpha))


def _parsed(text: bytes) -> Mapping[str, Any]:
    document: object = None
    with suppress(ValueError, RecursionError):
        document = json.loads(text)
    if not isinstance(document, dict):
        raise ModelIntegrityError("got operating points that are no JSON object")
    return document


def _by_limit(document: Mapping[str, Any], name: str) -> dict[tuple[int, float], dict[str, Any]]:
    found: dict[tuple[int, float], dict[str, Any]] | None = None
    with suppress(KeyError, TypeError):
        found = {(entry["age_limit"], entry["alpha"]): entry for entry in document[name]}
    if found is None:
        raise ModelIntegrityError(f"got operating points with malformed {name}")
    return found


def _bar(
    entries: Mapping[tuple[int, float], dict[str, Any]], age_limit: int, alpha: float
) -> object:
    entry = None
    with suppress(TypeError):  # what cannot be hashed is no limit
        entry = entries.get((age_limit, alpha))
    if entry is None:
        sought = ", ".join(f"{limit} at {share:g}" for limit, share in sorted(entries))
        raise ConfigurationError(f"got another limit and alpha, expected one of: {sought}")
    if entry.get("bar") is None:
        raise InsufficientEvidenceError(str(entry.get("insufficient_evidence")))
    return entry["bar"]
