from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import ageassure
import ageassure.results

MOST_NAMES = 22
HEAVY = ("numpy", "cv2", "onnxruntime", "jwt", "ageassure.provider", "ageassure.policy")
SOURCE = Path(str(ageassure.__file__))


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_names_are_sorted_and_few() -> None:
    assert ageassure.__all__ == sorted(ageassure.__all__)
    assert len(ageassure.__all__) == len(set(ageassure.__all__)) <= MOST_NAMES
    assert dir(ageassure) == ageassure.__all__


def test_what_type_checkers_see_is_what_is_loaded() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ageassure.")
        for alias in node.names
    }
    homes = {name: f"ageassure.{home}" for name, home in ageassure._HOMES.items()}
    assert seen == homes
    assert sorted(homes) == ageassure.__all__


@pytest.mark.parametrize("name", ageassure.__all__)
def test_every_name_can_be_had(name: str) -> None:
    if name == "FacialAgeEstimator" and importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("the extra face is not installed")
    assert getattr(ageassure, name).__name__ == name
    assert name in vars(ageassure), "loaded once, then found without __getattr__"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Oracle'"):
        ageassure.Oracle  # noqa: B018


@pytest.mark.parametrize(
    "statement", ["import ageassure", "import ageassure.verifier", "import ageassure.results"]
)
def test_a_relying_party_loads_nothing_heavy(statement: str) -> None:
    loaded = _loaded_after(statement)
    assert not loaded & set(HEAVY)


def test_a_verifier_loads_no_estimates() -> None:
    loaded = _loaded_after("import ageassure.verifier")
    assert {name for name in loaded if name.startswith("ageassure.results.")} == {
        "ageassure.results.terms"
    }


def test_a_verifier_loads_nothing_that_is_slow_to_load() -> None:
    slow = {"asyncio", "dataclasses", "http", "inspect", "logging", "sqlite3", "ssl", "urllib"}
    assert not _loaded_after("import ageassure.verifier") & slow


def test_every_name_of_the_results() -> None:
    for name in ageassure.results.__all__:
        assert getattr(ageassure.results, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Oracle'"):
        ageassure.results.Oracle  # noqa: B018


def test_the_package_itself_loads_nothing_of_the_library() -> None:
    assert {name for name in _loaded_after("import ageassure") if "ageassure." in name} == set()


@pytest.mark.parametrize(
    "module",
    ["age_token", "certificates", "declaration", "openid4vp", "sd_jwt_vc", "system_signals"],
)
def test_credentials_need_no_extra(module: str) -> None:
    loaded = _loaded_after(f"import ageassure.estimators.credential.{module}")
    assert not loaded & {*HEAVY, "cbor2", "zxingcpp"}


def test_the_policy_is_pure() -> None:
    loaded = _loaded_after("import ageassure.policy")
    assert not loaded & {"numpy", "cryptography", "cv2", "onnxruntime", "jwt"}
