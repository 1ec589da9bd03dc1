"""Every public name of a room is on its page of the reference."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = {"ageassure.verifier": {"JWKSet"}}


@pytest.mark.parametrize(
    "room",
    [
        "deadline",
        "errors",
        "estimators",
        "estimators.credential",
        "estimators.credential.mdoc",
        "estimators.credential.zk",
        "hardening",
        "imaging",
        "inference",
        "integrations",
        "policy",
        "provider",
        "results",
        "testing",
        "threads",
        "tokens",
        "verifier",
        "wiping",
    ],
)
def test_every_public_name_is_shown(root: Path, room: str) -> None:
    name = room.removesuffix(".mdoc").removesuffix(".zk")  # shown with the other credentials
    page = (root / "docs" / "reference" / "api" / f"{name}.md").read_text(encoding="utf-8")
    module = import_module(f"ageassure.{room}")
    blocks = re.findall(r"automodule:: (\S+)\n((?:   .*\n)*)", page)
    if (module.__name__, "") in blocks or (module.__name__, "   :show-inheritance:\n") in blocks:
        # autodoc shows what is there without being asked for: nothing that is loaded later.
        shown = set(vars(module))
    else:
        shown = set(re.findall(rf"auto\w+:: {module.__name__}\.(\w+)$", page, re.MULTILINE))
    public = set(getattr(module, "__all__", ())) - ELSEWHERE.get(module.__name__, set())
    assert public <= shown
