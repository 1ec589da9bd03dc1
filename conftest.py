"""Runs every example in README.md and docs/ as a test.

``python`` blocks are executed top to bottom, one namespace for a page. In ``console`` blocks every
line after ``$`` is run by bash and must succeed; printed lines are compared where the block shows
any, ``...`` stands for anything. Both run in an empty folder of the page's own. Nothing can be
skipped: what cannot run (installing, placeholders) is a ``shell`` or ``text`` block.
"""

from __future__ import annotations

import doctest
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

if TYPE_CHECKING:
    import pytest
    from _pytest._code.code import Traceback
    from sybil import Example


def _commands(source: str) -> list[tuple[str, str]]:
    """Split a ``console`` block into commands, each with the output that it shows."""
    commands: list[tuple[str, str]] = []
    for line in source.rstrip("\n").split("\n"):
        if line.startswith("$ "):
            commands.append((line[2:], ""))
        elif commands and not commands[-1][1] and commands[-1][0].endswith("\\"):
            commands[-1] = (f"{commands[-1][0]}\n{line}", "")
        else:
            commands[-1] = (commands[-1][0], f"{commands[-1][1]}{line}\n")
    return commands


def run_console(example: Example) -> str | None:
    """Run a ``console`` block; return what differs, or None."""
    bash = shutil.which("bash")
    if bash is None:
        raise SkipTest("needs bash")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command, shown in _commands(example.parsed):
        done = subprocess.run(  # noqa: S603 - the commands stand in this repository
            [bash, "-euo", "pipefail", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": path},
        )
        if done.returncode:
            return f"$ {command}\nstatus {done.returncode}\n{done.stdout}{done.stderr}"
        checker = doctest.OutputChecker()
        if shown and not checker.check_output(shown.strip(), done.stdout.strip(), doctest.ELLIPSIS):
            return f"$ {command}\nexpected\n{shown}\ngot\n{done.stdout}"
    return None


def _enter_folder(namespace: dict[str, Any]) -> None:
    namespace["__name__"] = "__docs__"
    folder = TemporaryDirectory()
    namespace["__left__"] = (Path.cwd(), folder)
    os.chdir(folder.name)


def _leave_folder(namespace: dict[str, Any]) -> None:
    before, folder = namespace["__left__"]
    os.chdir(before)
    folder.cleanup()


def _filter_traceback(item: SybilItem, excinfo: pytest.ExceptionInfo[BaseException]) -> Traceback:
    # Sybil's own raises IndexError, and ends the run, for what did not come through the example: a
    # file left open, for instance, is noticed when it is collected.
    try:
        return _sybils_filter(item, excinfo)
    except IndexError:
        return excinfo.traceback


_sybils_filter = SybilItem._traceback_filter  # noqa: SLF001
SybilItem._traceback_filter = _filter_traceback  # type: ignore[method-assign, assignment]  # noqa: SLF001


def _examples(path: str, pattern: str, exclude: str | None = None) -> Sybil:
    return Sybil(
        parsers=[
            PythonCodeBlockParser(),
            CodeBlockParser(language="console", evaluator=run_console),
        ],
        path=path,
        pattern=pattern,
        exclude=exclude,
        setup=_enter_folder,
        teardown=_leave_folder,
    )


pytest_collect_file = (
    _examples("docs", "*.md") + _examples(".", "README.md", exclude="*/README.md")
).pytest()
