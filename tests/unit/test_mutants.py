"""The mutation drill finds every refusal, and changes nothing else."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''"""Text with raise, if and é."""
LIMIT: Final = 8
if TYPE_CHECKING:
    import x


def check(value: int | None) -> bool:
    """Not touched."""
    if value is None or not value < LIMIT:
        raise ValueError("é")
    assert value
    verify(value)
    return value in KNOWN
'''


@pytest.fixture(scope="module")
def mutants() -> Any:
    path = ROOT / "tools" / "mutation" / "mutants.py"
    spec = importlib.util.spec_from_file_location("mutants", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    del sys.modules["mutants"]
    return module


def changed(mutants: Any) -> dict[str, str]:
    """Each mutant's changed line, by the mutant's name."""
    before = SOURCE.splitlines()
    lines = {}
    for mutant in mutants.mutants_of(SOURCE):
        after = mutant.apply(SOURCE).splitlines()
        differing = [new for old, new in zip(before, after, strict=True) if old != new]
        assert len(differing) == 1, mutant
        lines[mutant.name] = differing[0].strip()
    return lines


def test_every_refusal_is_found(mutants: Any) -> None:
    condition = "value is None or not value < LIMIT"
    assert changed(mutants) == {
        "LIMIT: Final = 8: limit +1: 8": "LIMIT: Final = (8) + 1",
        "LIMIT: Final = 8: limit -1: 8": "LIMIT: Final = (8) - 1",
        f"check: if false: {condition}": "if False:",
        f"check: if true: {condition}": "if True:",
        "check: operand: value is None": "if False or not value < LIMIT:",
        "check: compare: value is None @ is": "if value is not None or not value < LIMIT:",
        "check: operand: not value < LIMIT": "if value is None or False:",
        "check: not: not value < LIMIT": "if value is None or (value < LIMIT):",
        "check: compare: value < LIMIT @ <": "if value is None or not value <= LIMIT:",
        "check: raise: raise ValueError('é')": "pass",
        "check: call: verify(value)": "pass",
        "check: return true: value in KNOWN": "return True",
        "check: return false: value in KNOWN": "return False",
        "check: compare: value in KNOWN @ in": "return value not in KNOWN",
    }


def test_equal_places_have_names_of_their_own(mutants: Any) -> None:
    names = [mutant.name for mutant in mutants.mutants_of("def f():\n    g()\n    g()\n")]
    assert names == ["f: call: g()", "f: call: g() #2"]


@pytest.mark.parametrize("path", sorted((ROOT / "src" / "ageassure" / "verifier").glob("*.py")))
def test_mutants_of_real_modules_are_python(mutants: Any, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    for mutant in mutants.mutants_of(source):
        after = mutant.apply(source)
        assert after != source
        ast.parse(after)
