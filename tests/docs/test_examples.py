"""No block of code in the documentation escapes being run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RUN = {"python", "console"}
NOT_CODE = {"shell", "text", "json", "toml"}


def test_every_block_is_run_or_is_marked_as_something_else(root: Path) -> None:
    for path in [root / "README.md", *(root / "docs").rglob("*.md")]:
        fences = re.findall(r"^ *```+(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        for language in fences:
            directive = re.fullmatch(r"\{(?!code|doctest|testcode)[\w-]+\}.*", language)
            assert language in RUN | NOT_CODE or directive, f"{path}: {language}"


def test_blocks_that_are_not_run_hold_no_python(root: Path) -> None:
    for path in [root / "README.md", *(root / "docs").rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        for block in re.findall(r"^```(?:shell|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            assert not re.search(r"^(import|from) ", block, re.MULTILINE), path
