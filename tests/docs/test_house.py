"""The floors that are drawn are those that import-linter checks."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_the_floors_are_those_of_the_contract(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [
        one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers"
    ]
    floors = {
        (number, room.strip().removeprefix("ageassure."))
        for number, layer in enumerate(reversed(contract["layers"]))
        for room in layer.split("|")
    }
    page = (root / "docs" / "explanation" / "the-house.md").read_text(encoding="utf-8")
    drawn = {
        (int(number), room)
        for number, rooms in re.findall(r"^\| (\d+) \| ([^|]+) \|", page, re.MULTILINE)
        for room in re.findall(r"`([\w.]+)`", rooms)
    }
    assert drawn == floors
