"""The vectors of passport chips, through the library; and that the script makes them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ageassure.errors import DocumentError
from ageassure.estimators.document.chip.estimator import ChipAgeEstimator, ChipData
from ageassure.estimators.document.holder import HolderCheck

HERE = Path(__file__).parent
VECTORS = sorted((HERE / "chip").rglob("*.json"))
YEARS = (51, 52)  # 12 August 1974, on 15 June 2026


def read(path: Path) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return vector


def estimate(vector: dict[str, Any]) -> tuple[int, int]:
    at = datetime.fromisoformat(vector["at"])
    anchors = [bytes.fromhex(each) for each in vector["country_signing_certificates"]]
    evidence = ChipData(
        security_object=bytearray.fromhex(vector["security_object"]),
        data_group_1=bytearray.fromhex(vector["data_group_1"]),
        holder_check=HolderCheck.NOT_MADE,
    )
    estimator = ChipAgeEstimator(country_signing_certificates=anchors, now=lambda: at)
    try:
        return estimator.estimate(evidence).interval(0.5)
    finally:
        for file in (evidence.security_object, evidence.data_group_1):
            assert not any(file), "the file was not wiped"


@pytest.mark.parametrize("path", VECTORS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_vector_gives_what_its_folder_says(path: Path) -> None:
    vector = read(path)
    if path.parent.name == "accepted":
        assert estimate(vector) == YEARS
        return
    with pytest.raises(DocumentError) as caught:
        estimate(vector)
    assert caught.value.code == path.parent.name, caught.value
    assert caught.value.__context__ is None
    assert "ERIKSSON" not in str(caught.value)


def test_there_are_vectors_of_every_kind() -> None:
    folders = {path.parent.name for path in VECTORS}
    assert folders == {
        "accepted",
        "check_digit",
        "document_altered",
        "document_expired",
        "document_malformed",
        "document_untrusted",
    }
    assert len(VECTORS) > 150


def test_the_script_makes_the_committed_files(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "make_chip_vectors.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    made = {p.relative_to(tmp_path).as_posix(): p for p in (tmp_path / "chip").rglob("*.json")}
    committed = {p.relative_to(HERE).as_posix(): p for p in VECTORS}
    assert made.keys() == committed.keys()
    assert [n for n, p in made.items() if p.read_bytes() != committed[n].read_bytes()] == []


def test_the_kit_never_imports_the_library() -> None:
    modules = {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for path in [HERE / "make_chip_vectors.py", *(HERE / "chip_kit").glob("*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {module.partition(".")[0] for module in modules}
    assert roots <= sys.stdlib_module_names | {"cryptography", "chip_kit"}
