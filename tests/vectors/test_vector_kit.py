"""The committed vectors are what the checked-in script makes, without the library's help."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for name in ("tokens", "key_sets")
        for path in sorted((folder / name).rglob("*"))
        if path.is_file()
    }


def test_the_script_makes_the_committed_files(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "make_vectors.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    committed, made = contents(HERE), contents(tmp_path)
    assert committed.keys() == made.keys()
    changed = [name for name in committed if committed[name] != made[name]]
    assert changed == []


def test_the_kit_never_imports_the_library() -> None:
    modules = {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for path in [HERE / "make_vectors.py", *(HERE / "kit").glob("*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {module.partition(".")[0] for module in modules}
    assert roots <= sys.stdlib_module_names | {"cryptography", "kit"}
