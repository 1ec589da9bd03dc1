"""Tries many mutants of a module on tests that are loaded once.

pytest collects the tests with the library as it is; then, for every mutant, a forked process gives
the functions that the mutant changes their new code, in place, and runs the tests. A test that
fails there kills the mutant, if by itself and without any change it passes. One that lives is not a
survivor yet: what ran while the library and the tests were loaded, and constants that other modules
have taken over, did not see it. Those, and mutants that change no function, are for a run from
scratch.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import time
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest


class Loaded:
    """A pytest plug-in that runs the collected tests once for every mutant.

    Args:
        file: Where the module is, as it was imported.
        source: Its text.
        mutants: Texts of the mutants, by name.
        known: The test that killed a mutant the last time, by the mutant's name. It runs first,
            then those that killed others, then the rest.
        seconds: How long the tests may take with one of them.
        answers: A file descriptor; a line ``name<TAB>first failure`` is written for every mutant
            that was killed.
    """

    def __init__(
        self,
        file: str,
        source: str,
        *,
        mutants: Mapping[str, str],
        known: Mapping[str, str],
        seconds: float,
        answers: int,
    ) -> None:
        self._file, self._mutants, self._known = file, mutants, known
        self._original = _codes(compile(source, file, "exec"))
        self._seconds, self._answers = seconds, answers

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        functions: dict[str, list[FunctionType]] = {}
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename == self._file:
                functions.setdefault(each.__code__.co_qualname, []).append(each)
        killers: list[str] = []
        sound: dict[str, bool] = {"timeout": True}
        for name, text in self._mutants.items():
            changed = [
                (function, code)
                for qualname, code in _codes(compile(text, self._file, "exec")).items()
                if not _same(code, self._original.get(qualname))
                for function in functions.get(qualname, [])
            ]
            first = [self._known[name], *killers] if name in self._known else killers
            failed = self._tried(_ordered(session.items, first), changed) if changed else ""
            if failed and failed not in sound:
                alone = [item for item in session.items if item.nodeid == failed]
                sound[failed] = not self._tried(alone, [])
            if failed and sound[failed]:
                killers = [failed, *(each for each in killers if each != failed)]
                os.write(self._answers, f"{name}\t{failed}\n".encode())
        return True

    def _tried(self, items: list[pytest.Item], changed: list[tuple[FunctionType, CodeType]]) -> str:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _run(items, changed, writer)
        os.close(writer)
        deadline = time.monotonic() + self._seconds
        ended = 0
        while not ended and time.monotonic() < deadline:
            ended, _ = os.waitpid(child, os.WNOHANG)
            if not ended:
                time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # also what it has started
        if not ended:
            os.waitpid(child, 0)
        with os.fdopen(reader, "rb") as answer:
            failed = answer.read().decode()
        return failed if ended else "timeout"


def _run(
    items: list[pytest.Item], changed: list[tuple[FunctionType, CodeType]], answer: int
) -> None:
    """In the child: change the functions, run the tests to the first failure, never return."""
    try:
        os.setsid()
        for function, code in changed:
            function.__code__ = code
        items[0].config.pluginmanager.register(_Ending(answer))
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    except ValueError:  # the new code closes over something else: for a run from scratch
        pass
    finally:
        os._exit(0)


class _Ending:
    """A pytest plug-in that ends the process with the first failure."""

    def __init__(self, answer: int) -> None:
        self._answer = answer

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name the test, and end."""
        if report.failed:
            os.write(self._answer, report.nodeid.encode()[:4000])
            os._exit(1)


def _ordered(items: list[pytest.Item], first: list[str]) -> list[pytest.Item]:
    places = {name: place for place, name in enumerate(first)}
    return sorted(items, key=lambda item: places.get(item.nodeid, len(first)))


def _codes(code: CodeType) -> dict[str, CodeType]:
    """The functions' code by qualified name; of two with one name neither."""
    found: dict[str, CodeType] = {}
    twice: set[str] = set()
    waiting: list[Any] = [*code.co_consts]
    while waiting:
        each = waiting.pop()
        if isinstance(each, CodeType):
            if each.co_qualname in found:
                twice.add(each.co_qualname)
            found[each.co_qualname] = each
            waiting += each.co_consts
    return {name: each for name, each in found.items() if name not in twice}


def _same(one: CodeType, other: CodeType | None) -> bool:
    """Do both do the same, wherever they stand?"""
    return other is not None and (
        one.co_code == other.co_code
        and one.co_names == other.co_names
        and len(one.co_consts) == len(other.co_consts)
        and all(
            _same(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else _equal(a, b)
            for a, b in zip(one.co_consts, other.co_consts, strict=True)
        )
    )


def _equal(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other
