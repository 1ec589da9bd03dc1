"""What one claim costs in each replay store, and whether it costs the same in a full one.

::

    python benchmarks/replay_stores.py
    python benchmarks/replay_stores.py --json benchmarks/results/replay_stores.json

Needs the extra ``redis`` and ``redis-server``, which is started on a free port without persistence.

* Memory: claims by the fifty, CPU time of one claim, in stores that hold 10³ to 10⁶ entries; and
  the longest of single claims.
* SQLite: single claims, wall time, one by one, likewise.
* Redis: claims and bare ``SET NX EX`` through the same client library with its own settings, one
  after the other, in an order that changes from round to round. The ratios are of these figures.

SQLite writes every claim to the disk (``fsync``) before it answers: that figure is the disk's.
The load average is noted, because on a busy machine medians are its neighbours' figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from timings import Json, spread

from ageassure.verifier import (
    MemoryReplayStore,
    RedisReplayStore,
    ReplayStore,
    SQLiteReplayStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MEMORY_CLAIMS = 20_000
SQLITE_CLAIMS = 500
ROUNDS = 300
CLAIMS_PER_ROUND = 50
PERCENTS = (95, 99)


def expiry() -> int:
    return int(time.time()) + 900


def single_claims(store: ReplayStore, count: int) -> Json:
    keys = [secrets.token_bytes(32) for _ in range(count)]
    expires_at = expiry()
    times: list[float] = []
    for key in keys:
        start = time.perf_counter_ns()
        first = store.claim(key, expires_at)
        times.append((time.perf_counter_ns() - start) / 1000)
        assert first
    return spread(times, PERCENTS)


def memory(entries: int) -> Json:
    store = MemoryReplayStore(entries + 2 * MEMORY_CLAIMS)
    expires_at = expiry()
    for number in range(entries):
        store.claim(secrets.token_bytes(32), expires_at + number % 300)
    rounds: list[float] = []
    for _ in range(MEMORY_CLAIMS // CLAIMS_PER_ROUND):
        keys = [secrets.token_bytes(32) for _ in range(CLAIMS_PER_ROUND)]
        start = time.process_time_ns()
        for key in keys:
            store.claim(key, expires_at)
        rounds.append((time.process_time_ns() - start) / CLAIMS_PER_ROUND / 1000)
    longest = 0
    for key in [secrets.token_bytes(32) for _ in range(MEMORY_CLAIMS)]:
        start = time.process_time_ns()
        store.claim(key, expires_at)
        longest = max(longest, time.process_time_ns() - start)
    return {"entries": entries, **spread(rounds, PERCENTS), "longest": round(longest / 1000, 1)}


def sqlite(entries: int, folder: Path) -> Json:
    path = folder / f"{entries}.db"
    store = SQLiteReplayStore(path, capacity=entries + 10 * SQLITE_CLAIMS)
    filled = sqlite3.connect(path)
    rows = ((secrets.token_bytes(32), expiry() + 3600) for _ in range(entries))
    filled.executemany("INSERT INTO claim VALUES (?, ?)", rows)
    filled.commit()
    filled.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    filled.close()
    size = path.stat().st_size
    return {
        "entries": entries,
        "bytes_per_entry": round(size / entries, 1),
        **single_claims(store, SQLITE_CLAIMS),
    }


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    executable = shutil.which("redis-server")
    assert executable is not None, "redis-server is not installed"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [executable, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, "redis-server did not start"
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait(10)


def timed(function: Callable[[bytes], object]) -> float:
    keys = [secrets.token_bytes(32) for _ in range(CLAIMS_PER_ROUND)]
    start = time.perf_counter_ns()
    for key in keys:
        function(key)
    return (time.perf_counter_ns() - start) / CLAIMS_PER_ROUND / 1000


def redis_claims(url: str, entries: int) -> Json:
    client = redis.Redis.from_url(url)
    client.flushall()
    for first in range(0, entries, 10_000):
        pipeline = client.pipeline(transaction=False)
        for _ in range(min(10_000, entries - first)):
            name = b"ageassure:replay:" + secrets.token_bytes(32)
            pipeline.set(name, b"1", nx=True, ex=3600)
        pipeline.execute()
    store = RedisReplayStore(url)
    expires_at = expiry()
    functions: dict[str, Callable[[bytes], object]] = {
        "store": lambda key: store.claim(key, expires_at),
        "bare": lambda key: client.set(b"bare:replay:key:" + key, b"1", nx=True, ex=1020),
    }
    figures: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(ROUNDS):
        for name in list(functions) if turn % 2 else reversed(functions):
            figures[name].append(timed(functions[name]))
    ratios = [a / b for a, b in zip(figures["store"], figures["bare"], strict=True)]
    return {
        "entries": entries,
        "microseconds": {name: spread(values, PERCENTS) for name, values in figures.items()},
        "ratio_store_to_bare": {
            "of_minima": round(min(figures["store"]) / min(figures["bare"]), 3),
            "median_of_rounds": round(statistics.median(ratios), 3),
        },
    }


def circumstances(url: str) -> Json:
    return {
        "made": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "ageassure": version("ageassure"),
        "redis_client": version("redis"),
        "redis_server": redis.Redis.from_url(url).info("server")["redis_version"],  # type: ignore[index]
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
        "machine": platform.machine(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count(),
    }


def show(result: Json) -> None:
    print(f"{'µs per claim':24}{'min':>10}{'median':>10}{'p95':>10}{'p99':>10}")
    for kind in ("memory", "sqlite"):
        for row in result[kind]:
            values = (row[name] for name in ("min", "median", "p95", "p99"))
            print(f"{kind} {row['entries']:>12,} held".ljust(24), end="")
            print("".join(f"{value:10.2f}" for value in values))
    for row in result["redis"]:
        for name, figures in row["microseconds"].items():
            print(f"{name} {row['entries']:>12,} held".ljust(24), end="")
            print("".join(f"{value:10.2f}" for value in figures.values()))
        print("  ratio", row["ratio_store_to_bare"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cost of a claim.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    path: Path | None = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as url:
        result = {
            "circumstances": circumstances(url),
            "memory": [memory(entries) for entries in SIZES],
            "sqlite": [sqlite(entries, Path(folder)) for entries in SIZES],
            "redis": [redis_claims(url, entries) for entries in SIZES],
        }
    show(result)
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
