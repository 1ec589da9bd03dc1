"""What the fuzzers share: beginning at seeds, and recording what a run did. Needs atheris."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import atheris

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS = Path(__file__).resolve().parent / "results"
TIMEOUT_SECONDS = 10
"""An input that takes longer is a finding."""


def fuzz(
    seeds: Sequence[bytes],
    check: Callable[[bytes], None],
    options: Sequence[str],
    mutate: Callable[[bytes, int, int], bytes] | None = None,
) -> None:
    """Begin at the seeds, with libFuzzer's options; libFuzzer ends the process."""
    with TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(seed)
        own = {} if mutate is None else {"custom_mutator": mutate}
        arguments = [sys.argv[0], f"-timeout={TIMEOUT_SECONDS}", *options, folder]
        atheris.Setup(arguments, check, **own)
        atheris.Fuzz()


def statistics(log: str) -> dict[str, int]:
    """What libFuzzer says at its end, with ``-print_final_stats=1``."""
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", log))
    coverage = re.findall(r"cov: (\d+) ft: \d+", log)
    return {
        "executions": int(stats.get("number_of_executed_units", 0)),
        "slowest_seconds": int(stats.get("slowest_unit_time_sec", 0)),
        "peak_memory_mb": int(stats.get("peak_rss_mb", 0)),
        "edges": int(coverage[-1]) if coverage else 0,
    }


def main(
    target: str,
    seeds: Sequence[bytes],
    check: Callable[[bytes], None],
    *,
    max_bytes: int = 8192,
    mutate: Callable[[bytes, int, int], bytes] | None = None,
) -> None:
    """Fuzz with the options of the command line; ``--record SECONDS`` writes the run's figures."""
    if "--record" in sys.argv:
        _record(Path(sys.argv[0]), target, int(sys.argv[sys.argv.index("--record") + 1]))
        return
    fuzz(seeds, check, ["-rss_limit_mb=2048", f"-max_len={max_bytes}", *sys.argv[1:]], mutate)


def _record(script: Path, target: str, seconds: int) -> None:
    command = [sys.executable, str(script.resolve())]
    command += [f"-max_total_time={seconds}", "-print_final_stats=1"]
    with TemporaryDirectory() as folder:  # an input that fails is left there
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    results = {
        "command": f"python benchmarks/{script.name} --record {seconds}",
        "target": target,
        "seconds": seconds,
        **statistics(done.stderr),
        "findings": int(done.returncode != 0),
        "python": platform.python_version(),
    }
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
    text = json.dumps(results, indent=2) + "\n"
    (RESULTS / f"{script.stem}.json").write_text(text, encoding="utf-8")
    print(text, end="")
