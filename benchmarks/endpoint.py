"""What verifying a token costs a Starlette server: CPU time per request, next to a bare endpoint.

::

    python benchmarks/endpoint.py
    python benchmarks/endpoint.py --json benchmarks/results/endpoint.json

Needs the dependency group ``benchmark``. A server (uvicorn, one process) runs in a process of its
own (``endpoint_server.py``); this one loads it over 8 connections that are kept open, each with one
request at a time. All endpoints take the same form post. Three stand alone:

* ``bare`` reads the form and looks at nothing;
* ``async`` awaits ``TokenVerifier.verify_async``, which verifies in a thread;
* ``direct`` calls ``TokenVerifier.verify`` in the event loop, as one may with a fixed key set and
  a memory store, which wait for nothing.

Three belong to a site with Starlette's sessions in signed cookies, and are sent such a cookie:

* ``session`` reads form and session, and verifies nothing;
* ``gate`` is the address for tokens of the shipped adapter, which finds the challenge in the
  session, verifies in a thread, and writes the result into the session;
* ``require_age`` is a page behind the shipped dependency; the session has a result.

They are loaded in turn, in an order that changes from round to round, each time with tokens that
were not seen before. CPU time is the server's own (all threads), by its clock, from before the
first request of a round to after the last. The least of the rounds is the one that was disturbed
least; requests per second and latencies are in wall time, on a busy machine its neighbours' too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from endpoint_server import CHALLENGE_PATH, ENDPOINTS, NONCE, Endpoint
from timings import Json, issued

from ageassure.tokens import SigningKey

ROUNDS = 40
REQUESTS = 100
CONNECTIONS = 8


class Reply(NamedTuple):
    """What came back."""

    status: int
    content: bytes
    cookie: str


class Connection:
    """One kept-alive connection that asks one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def opened(cls, port: int) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes, cookie: str = "") -> Reply:
        """Ask, and read the answer."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nCookie: {cookie}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        first, *fields = answer.decode("latin-1").rstrip().split("\r\n")
        named = {name.lower(): value for name, _, value in (one.partition(": ") for one in fields)}
        content = await self.reader.readexactly(int(named["content-length"]))
        return Reply(int(first.split()[1]), content, named.get("set-cookie", "").partition(";")[0])


async def loaded(
    connections: list[Connection], endpoint: Endpoint, cookie: str, bodies: list[bytes]
) -> Json:
    """One round: every body once."""
    latencies: list[float] = []
    waiting = iter(bodies)

    async def work(connection: Connection) -> None:
        for body in waiting:
            start = time.perf_counter()
            reply = await connection.post(endpoint.path, body, cookie)
            latencies.append((time.perf_counter() - start) * 1000)
            assert (reply.status, reply.content) == endpoint.answer, (endpoint.path, reply.status)

    before = int((await connections[0].post("/spent", b"")).content)
    start = time.perf_counter()
    await asyncio.gather(*map(work, connections))
    seconds = time.perf_counter() - start
    after = int((await connections[0].post("/spent", b"")).content)
    return {
        "cpu_microseconds": (after - before) / 1000 / len(bodies),
        "requests_per_second": len(bodies) / seconds,
        "latencies": latencies,
    }


def bodies(key: SigningKey, count: int) -> list[bytes]:
    return [b"age_token=" + token.encode() for token in issued(key, count, nonce=NONCE)]


async def cookies(connection: Connection, key: SigningKey) -> dict[str, str]:
    """The cookie of a session with an open challenge, and that of one with a result."""
    asked = await connection.post(CHALLENGE_PATH, b"")
    passed = await connection.post(ENDPOINTS["gate"].path, bodies(key, 1)[0], asked.cookie)
    assert (asked.status, passed.status) == (201, 303)
    return {"": "", "asked": asked.cookie, "passed": passed.cookie}


async def rounds(key: SigningKey, port: int, count: int) -> dict[str, list[Json]]:
    connections = [await Connection.opened(port) for _ in range(CONNECTIONS)]
    jar = await cookies(connections[0], key)
    found: dict[str, list[Json]] = {name: [] for name in ENDPOINTS}
    order = list(ENDPOINTS)
    for turn in range(count + 1):
        first = turn % len(order)
        for name in order[first:] + order[:first]:
            endpoint = ENDPOINTS[name]
            one = await loaded(connections, endpoint, jar[endpoint.cookie], bodies(key, REQUESTS))
            if turn:  # the first one warms up
                found[name].append(one)
    # What verifies refuses a token that was seen, and the page one who has no result.
    again = bodies(key, 1)[0]
    for name, cookie, status in (
        ("async", "", 200),
        ("direct", "", 403),
        ("gate", "asked", 403),
        ("require_age", "asked", 401),
    ):
        reply = await connections[0].post(ENDPOINTS[name].path, again, jar[cookie])
        assert reply.status == status, name
    for connection in connections:
        connection.writer.close()
        await connection.writer.wait_closed()
    return found


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.05)
        else:
            return


def measured(count: int) -> Json:
    key = SigningKey.generate()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(__file__).with_name("endpoint_server.py")
    server = subprocess.Popen([sys.executable, str(program), str(port)], stdin=subprocess.PIPE)
    try:
        assert server.stdin is not None
        server.stdin.write(json.dumps(key.public_set().to_dict()).encode())
        server.stdin.close()
        wait_for(port)
        found = asyncio.run(rounds(key, port, count))
    finally:
        server.terminate()
        server.wait(10)
    return {name: summary(one, found["bare"]) for name, one in found.items()}


def summary(rounds: list[Json], bare: list[Json]) -> Json:
    spent, bare_spent = ([one["cpu_microseconds"] for one in some] for some in (rounds, bare))
    latencies = sorted(latency for one in rounds for latency in one["latencies"])
    return {
        "cpu_microseconds": {
            "min": round(min(spent), 1),
            "median": round(statistics.median(spent), 1),
        },
        "ratio_to_bare": {
            "of_minima": round(min(spent) / min(bare_spent), 3),
            "of_medians": round(statistics.median(spent) / statistics.median(bare_spent), 3),
        },
        "requests_per_second": {
            "median": round(statistics.median(one["requests_per_second"] for one in rounds)),
            "max": round(max(one["requests_per_second"] for one in rounds)),
        },
        "latency_milliseconds": {
            "median": round(statistics.median(latencies), 2),
            "p95": round(latencies[int(len(latencies) * 0.95)], 2),
        },
    }


def circumstances() -> Json:
    return {
        "made": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "ageassure": version("ageassure"),
        "starlette": version("starlette"),
        "uvicorn": version("uvicorn"),
        "system": platform.system(),
        "machine": platform.machine(),
        "load_average_before": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure an endpoint that verifies.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help="fewer to try it")
    arguments = parser.parse_args()
    result = {
        "circumstances": circumstances(),
        "rounds": arguments.rounds,
        "requests_per_round": REQUESTS,
        "connections": CONNECTIONS,
        "endpoints": measured(arguments.rounds),
    }
    print(json.dumps(result, indent=2))
    path: Path | None = arguments.json
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
