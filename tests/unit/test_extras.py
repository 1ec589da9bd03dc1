"""What is said where an optional dependency is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ageassure.errors import MissingExtraError
from ageassure.extras import require_extra


def test_what_is_there_is_not_complained_of() -> None:
    require_extra("face", "json", "math")


def test_one_missing_module_is_enough() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[face\]'"):
        require_extra("face", "json", "no_such_module_anywhere")


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("ageassure.inference", "face"),
        ("ageassure.imaging", "face"),
        ("ageassure.estimators.facial", "face"),
        ("ageassure.audit.evaluation", "audit"),
        ("ageassure.audit.datasets.manifest", "audit"),
        ("ageassure.audit.pseudonyms", "audit"),
    ],
)
def test_a_public_module_without_its_extra_says_what_to_install(module: str, extra: str) -> None:
    code = f"import sys; sys.modules['numpy'] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ageassure.errors.MissingExtraError: ")
    assert last.endswith(f"pip install 'ageassure[{extra}]'")
