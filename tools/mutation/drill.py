"""Mutation drill: disable or invert every refusal in turn; some test must fail each time.

    python tools/mutation/drill.py                       # what has no result yet
    python tools/mutation/drill.py --only tokens/holder.py
    python tools/mutation/drill.py --again survived      # after writing the missing tests

Works in a temporary copy of one commit, never in the checkout. One mutant at a time, each in a
forked process: first where the tests are loaded already (``loaded.py``), then, if it lives, from
scratch. Results are kept in ``results.json`` after every mutant, so that a run can be
stopped and taken up again; those of a file that has changed since are dropped. ``results.md`` is
the table. ``equivalent.toml`` lists mutants that no test can tell from the original, each with its
reason. Needs a system with ``fork``; not part of ``.ci/run``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

# Loaded before forking, so that no mutant waits for them; the library itself must not be.
import cryptography.hazmat.primitives.asymmetric.ec  # noqa: F401
import hypothesis.strategies  # noqa: F401
import jwt  # noqa: F401
import pytest
from loaded import Loaded
from mutants import Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = "src/ageassure"
TIMEOUT_SECONDS = 120
OPTIONS = [
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "--rootdir=.",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",  # for what is loaded before forking
]

Results = dict[str, dict[str, Any]]


class _FirstFailure:
    """A pytest plug-in: the name of the first test that failed."""

    def __init__(self) -> None:
        self.name = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def _enter(copy: Path) -> None:
    """In a child: a session of its own, no output, and the library from the copy."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(copy)
    sys.path.insert(0, str(copy / "src"))
    os.environ["PYTHONPATH"] = str(copy / "src")


def _run_tests(copy: Path, tests: list[str], answer: int) -> None:
    """In the child: run the tests, write the first failure to the pipe, never return."""
    status = 3
    try:
        _enter(copy)
        failure = _FirstFailure()
        status = int(pytest.main([*OPTIONS, *tests], plugins=[failure]))
        library = sys.modules.get("ageassure")
        if library is not None and not str(library.__file__).startswith(str(copy)):
            failure.name = "tested another copy"
            status = 3
        os.write(answer, failure.name.encode()[:4000])
    finally:
        os._exit(status)


def first_failure(copy: Path, stages: list[list[str]], *, known: str = "") -> str | None:
    """The first test that fails; "timeout"; None if all pass.

    The test that noticed the mutant the last time, if known, is tried alone before all others.
    """
    if known and _failure(copy, [known]) == known:
        return known
    for tests in stages:
        failed = _failure(copy, tests)
        if failed is not None:
            return failed
    return None


def _failure(copy: Path, tests: list[str]) -> str | None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _run_tests(copy, tests, writer)
    os.close(writer)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    ended, status = 0, 0
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            time.sleep(0.01)
    if not ended:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as answer:
        name = answer.read().decode()
    if not ended:
        return "timeout"
    if name == "tested another copy":
        raise SystemExit("the tests imported the library from elsewhere")
    return (name or "the process ended") if status else None


def killed_at_once(
    copy: Path,
    path: Path,
    stages: list[list[str]],
    mutants: list[Mutant],
    noticed: dict[str, str],
) -> Iterator[tuple[str, str]]:
    """Mutants that a test kills where it was loaded before, each with that test, as it happens."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _enter(copy)
            source = path.read_text(encoding="utf-8")
            texts = {mutant.name: mutant.apply(source) for mutant in mutants}
            plugin = Loaded(
                str(path),
                source,
                mutants=texts,
                known={name: _test_of(outcome) for name, outcome in noticed.items()},
                seconds=TIMEOUT_SECONDS,
                answers=writer,
            )
            tests = [test for stage in stages for test in stage]
            pytest.main([*OPTIONS, "-s", *tests], plugins=[plugin])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "r", encoding="utf-8") as answers:
        for line in answers:
            name, _, test = line.rstrip("\n").partition("\t")
            yield name, test
    os.waitpid(child, 0)


_passing: list[list[str]] = []


def _require_passing(copy: Path, stages: list[list[str]]) -> None:
    """See, once for each stage, that its tests pass without any mutant."""
    for tests in stages:
        if tests not in _passing:
            failed = _failure(copy, tests)
            if failed is not None:
                raise SystemExit(f"without any mutant fails {failed}")
            _passing.append(tests)


def _write(path: Path, text: str, version: int) -> None:
    # Python's bytecode cache compares sizes and whole seconds: every version has its own second.
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_000_000_000 + version, 1_000_000_000 + version))


def _plan() -> dict[str, list[list[str]]]:
    plan = tomllib.loads((HERE / "plan.toml").read_text(encoding="utf-8"))
    return {file: module["stages"] for module in plan["module"] for file in module["files"]}


def _equivalents() -> dict[str, dict[str, str]]:
    return tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))


def _load() -> Results:
    with contextlib.suppress(FileNotFoundError):
        return json.loads((HERE / "results.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    return {}


def _save(results: Results) -> None:
    text = json.dumps(dict(sorted(results.items())), indent=1, ensure_ascii=False) + "\n"
    (HERE / "results.json").write_text(text, encoding="utf-8")
    (HERE / "results.md").write_text(_table(results), encoding="utf-8")


def _table(results: Results) -> str:
    lines = [
        "# Mutation drill",
        "",
        "Made by `python tools/mutation/drill.py`; every outcome is in `results.json`, the reasons",
        "for equivalents in `equivalent.toml`. *Commit*: one that holds the file as it was tried;",
        "results of a file that has not changed since are kept.",
        "",
        "| file | mutants | killed | equivalent | survived | not tried | commit |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    total = [0, 0, 0, 0, 0]
    survivors = []
    for file, entry in sorted(results.items()):
        outcomes = entry["mutants"]
        counts = [
            entry["of"],
            sum(outcome.startswith("killed") for outcome in outcomes.values()),
            sum(outcome == "equivalent" for outcome in outcomes.values()),
            sum(outcome == "survived" for outcome in outcomes.values()),
            entry["of"] - len(outcomes),
        ]
        total = [one + other for one, other in zip(total, counts, strict=True)]
        shown = " | ".join(map(str, counts))
        lines.append(f"| `{file}` | {shown} | `{entry['commit'][:12]}` |")
        survivors += [
            f"* `{file}` – {n}" for n, outcome in outcomes.items() if outcome == "survived"
        ]
    lines.append(f"| all | {' | '.join(map(str, total))} | |")
    return "\n".join([*lines, *(["", "Survived:", "", *survivors] if survivors else []), ""])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", metavar="FILE", action="append", help=f"below {SOURCE}")
    parser.add_argument("--commit", default="HEAD", help="what to test (default: HEAD)")
    parser.add_argument("--again", choices=["survived", "all"], help="try these anew")
    parser.add_argument("--list", action="store_true", help="show the mutants, run nothing")
    return parser.parse_args()


def _wanted(mutant: Mutant, before: dict[str, str], again: str | None) -> bool:
    outcome = before.get(mutant.name)
    return outcome is None or again == "all" or outcome == again


def _test_of(outcome: str) -> str:
    """The test in an outcome; empty where it names none."""
    test = outcome.removeprefix("killed by ")
    return test if "::" in test else ""


def _show(alive: str, mutant: str, number: int) -> None:
    print(f"\n{alive}: {mutant}" if alive else ".", end="", flush=True)
    if alive or number % 50 == 0:
        print(f" {number}", flush=True)


def _drill_file(copy: Path, file: str, commit: str, again: str | None, results: Results) -> None:
    path = copy / SOURCE / file
    source = path.read_text(encoding="utf-8")
    digest = sha256(source.encode("utf-8")).hexdigest()
    stages, equivalents = _plan()[file], _equivalents().get(file, {})
    mutants = mutants_of(source)
    unknown = equivalents.keys() - {mutant.name for mutant in mutants}
    if unknown:
        raise SystemExit(f"equivalent.toml lists mutants of {file} that are not there: {unknown}")
    before = results.get(file, {})
    noticed = dict(before.get("mutants", {}))
    outcomes: dict[str, str] = before["mutants"] if before.get("sha256") == digest else {}
    wanted = [mutant for mutant in mutants if _wanted(mutant, outcomes, again)]
    if wanted:
        _require_passing(copy, stages)

    def keep(name: str, failed: str | None) -> str:
        """Record an outcome; returns how the mutant lives on, or an empty string."""
        listed = name in equivalents
        if failed is not None and listed:
            raise SystemExit(f"{file}: {name} is listed as equivalent; killed by {failed}")
        alive = "equivalent" if listed else "survived"
        outcomes[name] = alive if failed is None else f"killed by {failed}"
        ordered = {one.name: outcomes[one.name] for one in mutants if one.name in outcomes}
        results[file] = {
            "commit": commit,
            "sha256": digest,
            "of": len(mutants),
            "mutants": ordered,
        }
        _save(results)
        return alive if failed is None else ""

    killed: set[str] = set()
    for name, test in killed_at_once(copy, path, stages, wanted, noticed) if wanted else ():
        keep(name, test)
        killed.add(name)
        _show("", name, len(killed))
    for number, mutant in enumerate([one for one in wanted if one.name not in killed], 1):
        _write(path, mutant.apply(source), number)
        failed = first_failure(copy, stages, known=_test_of(noticed.get(mutant.name, "")))
        _write(path, source, 0)
        alive = keep(mutant.name, failed)
        _show(alive, f"{file}:{mutant.line} {mutant.name}", len(killed) + number)
    print(f"\n{file}: {len(wanted)} of {len(mutants)} tried", flush=True)


def main() -> None:
    """Run the drill over what is asked for."""
    sys.dont_write_bytecode = False  # whatever the caller's: the copy is read again and again
    arguments = _arguments()
    commit = _git("rev-parse", f"{arguments.commit}^{{commit}}").decode().strip()
    files = arguments.only or list(_plan())
    results = _load()
    with TemporaryDirectory() as folder:
        copy = Path(folder).resolve()
        with tarfile.open(fileobj=BytesIO(_git("archive", commit))) as archive:
            archive.extractall(copy, filter="data")
        for file in files:
            if arguments.list:
                source = (copy / SOURCE / file).read_text(encoding="utf-8")
                for mutant in mutants_of(source):
                    print(f"{file}:{mutant.line} {mutant.name}")
            else:
                _drill_file(copy, file, commit, arguments.again, results)


if __name__ == "__main__":
    main()
