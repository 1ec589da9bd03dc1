"""The package's names, what they load, and the page that shows them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ageassure.estimators.document as package
from ageassure.estimators import external

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[4]
SOURCE = Path(str(package.__file__))
HEAVY = {"numpy", "cv2", "zxingcpp", "cryptography", "onnxruntime"}


def test_names_are_sorted_and_what_type_checkers_see_is_what_is_loaded() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    seen = {
        alias.name: str(node.module).partition("document.")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and "document." in str(node.module)
        for alias in node.names
    }
    assert seen == package._HOMES
    assert sorted(seen) == package.__all__


@pytest.mark.parametrize("room", [package, external], ids=["document", "external"])
def test_every_name_can_be_had_and_is_shown(room: ModuleType) -> None:
    page = (ROOT / "docs" / "reference" / "api" / "documents.md").read_text(encoding="utf-8")
    for name in room.__all__:
        assert getattr(room, name).__name__ == name
        assert re.search(rf"auto\w+:: {room.__name__}\.{name}$", page, re.MULTILINE), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Oracle'"):
        package.Oracle  # noqa: B018


def test_reading_texts_loads_no_extra() -> None:
    code = (
        "import sys, ageassure.estimators.document as d; d.MRZAgeEstimator; d.LicenceAgeEstimator;"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not HEAVY & set(done.stdout.split())
