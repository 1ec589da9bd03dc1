"""What is said of a data set as a whole, as a report prints it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ageassure.errors import ConfigurationError
from ageassure.policy.strict import instance, text


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStatement:
    """Which people these are, and how their age is known. Printed beside every figure.

    Attributes:
        name: Data set and part of it.
        digest: SHA-256 of its manifest, 64 hex digits.
        licence: Under which it was used.
        age_proof: How age was proved: identity document, self-reported, apparent (judged by
            others). Apparent age is not proven age.
        subjects_known: Does the data say which samples show one person? Where it does not, every
            sample counts as a person of its own, and intervals may be too narrow.

    Raises:
        ConfigurationError: If a member is malformed.
    """

    name: str
    digest: str
    licence: str
    age_proof: str
    subjects_known: bool

    def __post_init__(self) -> None:
        for name in ("name", "licence", "age_proof"):
            text(getattr(self, name), name)
        if not re.fullmatch(r"[0-9a-f]{64}", text(self.digest, "digest")):
            raise ConfigurationError("got a malformed digest, expected 64 hex digits")
        instance(self.subjects_known, bool, "subjects_known")
