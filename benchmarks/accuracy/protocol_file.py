"""The file of a protocol: small, TOML, read strictly.

Nothing may be missing, unknown or of another type. Its ``[data_set]`` names the manifest by its
SHA-256, so that all estimators meet the same pictures with the same labels. Its ``[plan]`` is the
plan of an audit (``docs/reference/report.md``), but for ``chosen_on``, and with one more value: a
``challenge_age_years`` of ``"earned"`` is earned by each estimator on the people of
``[earned_on]``, whose manifest ``chosen_on`` then names.
"""

from __future__ import annotations

import hashlib
import tomllib
from typing import TYPE_CHECKING, Any, Final

from protocol import Part, Protocol

from ageassure.audit.datasets.statement import SHA256, AgeProof
from ageassure.audit.plan import LEAST_RESAMPLES, EvaluationPlan, OperatingPoint
from ageassure.errors import ConfigurationError
from ageassure.policy import AgeBand

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "ageassure-accuracy-protocol-1"
EARNED: Final = "earned"
MAX_BYTES: Final = 65_536

SPLIT_LAYOUT: Final = "fairface-shards"
"""The one layout that has parts: ``models/data/fairface_split.py`` tells them."""

_TOP: Final = ({"format", "data_set", "plan"}, {"earned_on"})
_DATA_SET: Final = (
    {
        "name",
        "layout",
        "manifest_sha256",
        "licence",
        "age_proof",
        "border_pixels",
        "distribution",
    },
    {"part"},
)
_EARNED_ON: Final = ({"part", "manifest_sha256"}, set[str]())
_PLAN: Final = ({"seed", "axes", "points"}, {"pair_with", "resamples"})
_POINT: Final = ({"limit_years", "challenge_age_years", "alpha", "protected_band"}, set[str]())

Json = dict[str, Any]


def read_protocol(path: Path) -> Protocol:
    """Read a protocol.

    Raises:
        ConfigurationError: If it cannot be read, or is none; the message names the members.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name}: cannot be read: {error.strerror}") from None
    try:
        document = tomllib.loads(content.decode()) if len(content) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if document is None:
        raise ConfigurationError(f"{path.name}: is no TOML of at most {MAX_BYTES} bytes")
    reader = _Reader(path.name)
    reader.members(document, "the file", _TOP)
    if document["format"] != FORMAT:
        raise ConfigurationError(f"{path.name}: got another format than {FORMAT}")
    data = reader.members(document["data_set"], "[data_set]", _DATA_SET)
    earned = document.get("earned_on")
    if earned is not None:
        reader.members(earned, "[earned_on]", _EARNED_ON)
    plan = reader.members(document["plan"], "[plan]", _PLAN)
    points = plan["points"] if isinstance(plan["points"], list) else [plan["points"]]
    to_earn = {n for n, point in enumerate(points) if _is_to_be_earned(point)}
    if bool(to_earn) != (earned is not None):
        raise ConfigurationError(
            f"{path.name}: [earned_on] and a challenge_age_years of {EARNED!r} need each other"
        )
    tested = reader.part(data, data["layout"])
    return Protocol(
        name=path.stem,
        sha256=hashlib.sha256(content).hexdigest(),
        data_name=reader.text(data, "name"),
        layout=reader.text(data, "layout"),
        licence=reader.text(data, "licence"),
        age_proof=reader.age_proof(data),
        border_pixels=reader.whole(data, "border_pixels"),
        distribution=reader.truth(data, "distribution"),
        tested=tested,
        earned_on=None if earned is None else reader.part(earned, data["layout"]),
        plan=EvaluationPlan(
            points=tuple(reader.point(point) for point in points),
            axes=tuple(reader.texts(plan, "axes")),
            pair_with=plan.get("pair_with"),
            seed=plan["seed"],
            resamples=plan.get("resamples", LEAST_RESAMPLES),
        ),
        to_earn=frozenset(to_earn),
    )


def _is_to_be_earned(point: object) -> bool:
    return isinstance(point, dict) and point.get("challenge_age_years") == EARNED


class _Reader:
    """Checks members, and names the file in what it says."""

    def __init__(self, name: str) -> None:
        self._name = name

    def members(self, found: object, where: str, allowed: tuple[set[str], set[str]]) -> Json:
        required, optional = allowed
        if not isinstance(found, dict):
            raise ConfigurationError(f"{self._name}: {where} is no table")
        for what, names in (
            ("is without", required - found.keys()),
            ("has unknown members", found.keys() - required - optional),
        ):
            if names:
                raise ConfigurationError(
                    f"{self._name}: {where} {what} {', '.join(sorted(names))}; it takes "
                    f"{', '.join(sorted(required | optional))}"
                )
        return found

    def text(self, found: Json, member: str) -> str:
        value = found[member]
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{self._name}: {member} is no text")
        return value

    def texts(self, found: Json, member: str) -> list[str]:
        values = found[member]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ConfigurationError(f"{self._name}: {member} is no list of texts")
        return values

    def whole(self, found: Json, member: str) -> int:
        value = found[member]
        if type(value) is not int or value < 0:
            raise ConfigurationError(f"{self._name}: {member} is no whole number from 0")
        return value

    def truth(self, found: Json, member: str) -> bool:
        value = found[member]
        if not isinstance(value, bool):
            raise ConfigurationError(f"{self._name}: {member} is neither true nor false")
        return value

    def age_proof(self, found: Json) -> AgeProof:
        if found["age_proof"] not in list(AgeProof):
            raise ConfigurationError(f"{self._name}: age_proof is none of {', '.join(AgeProof)}")
        return AgeProof(found["age_proof"])

    def part(self, found: Json, layout: object) -> Part:
        part = self.text(found, "part") if "part" in found else ""
        if part and layout != SPLIT_LAYOUT:
            raise ConfigurationError(f"{self._name}: only {SPLIT_LAYOUT} has parts")
        digest = self.text(found, "manifest_sha256")
        if not SHA256.fullmatch(digest):
            raise ConfigurationError(
                f"{self._name}: manifest_sha256 is not 64 lower-case hex digits"
            )
        return Part(part=part, manifest_sha256=digest)

    def point(self, found: object) -> OperatingPoint:
        point = self.members(found, "a point of [plan]", _POINT)
        age, band = point["challenge_age_years"], point["protected_band"]
        if not isinstance(band, list) or len(band) != 2:
            raise ConfigurationError(
                f"{self._name}: protected_band is not its first and last completed year, [17, 17]"
            )
        return OperatingPoint(
            limit_years=point["limit_years"],
            challenge_age_years=point["limit_years"] if age == EARNED else age,
            alpha=point["alpha"],
            protected_band=AgeBand(first_years=band[0], last_years=band[1]),
            chosen_on=None,
        )
