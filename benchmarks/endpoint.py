"""What verifying a token costs a Starlette server: CPU time per request, next to a bare endpoint.

::

    python benchmarks/endpoint.py
    python benchmarks/endpoint.py --json benchmarks/results/endpoint.json

Needs the dependency group ``benchmark``. A server (uvicorn, one process) runs in a process of its
own; this one loads it over 8 connections that are kept open, each with one request at a time. Three
endpoints take the same form post and answer with the same few bytes:

* ``/bare`` reads the form and looks at nothing;
* ``/async`` awaits ``TokenVerifier.verify_async``, which verifies in a thread;
* ``/direct`` calls ``TokenVerifier.verify`` in the event loop, as one may with a fixed key set and
  a memory store, which wait for nothing.

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
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from timings import AUDIENCE, ISSUER, NONCE, Json, issued

from ageassure.errors import VerificationError
from ageassure.tokens import JWKSet, SigningKey
from ageassure.verifier import MemoryReplayStore, TokenVerifier

if TYPE_CHECKING:
    from starlette.requests import Request

ENDPOINTS = ("/bare", "/async", "/direct")
ROUNDS = 40
REQUESTS = 100
CONNECTIONS = 8


def now() -> datetime:
    return datetime.now(UTC)


# -- the server -----------------------------------------------------------------------------------


def application(keys: JWKSet) -> Starlette:
    verifier = TokenVerifier(
        issuers={ISSUER: keys}, audience=AUDIENCE, replay_store=MemoryReplayStore(), now=now
    )
    refused = PlainTextResponse("refused", 403)

    async def bare(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse("come in")

    async def in_a_thread(request: Request) -> PlainTextResponse:
        token = (await request.body()).decode().removeprefix("age_token=")
        try:
            await verifier.verify_async(token, nonce=NONCE, age_over=18)
        except VerificationError:
            return refused
        return PlainTextResponse("come in")

    async def direct(request: Request) -> PlainTextResponse:
        token = (await request.body()).decode().removeprefix("age_token=")
        try:
            verifier.verify(token, nonce=NONCE, age_over=18)
        except VerificationError:
            return refused
        return PlainTextResponse("come in")

    async def spent(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(time.process_time_ns()))

    posts = zip(ENDPOINTS, (bare, in_a_thread, direct), strict=True)
    routes = [Route(path, endpoint, methods=["POST"]) for path, endpoint in posts]
    return Starlette(routes=[*routes, Route("/spent", spent, methods=["POST"])])


def serve(port: int) -> None:
    keys = JWKSet.from_json(sys.stdin.buffer.read())
    uvicorn.run(application(keys), host="127.0.0.1", port=port, log_level="error", access_log=False)


# -- the load -------------------------------------------------------------------------------------


class Connection:
    """One kept-alive connection that asks one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def opened(cls, port: int) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Ask, and read status and body."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        lines = answer.decode("latin-1").lower().split("\r\n")
        (length,) = (int(line[15:]) for line in lines if line.startswith("content-length:"))
        return int(lines[0].split()[1]), await self.reader.readexactly(length)


async def loaded(connections: list[Connection], path: str, bodies: list[bytes]) -> Json:
    """One round: every body once."""
    latencies: list[float] = []
    waiting = iter(bodies)

    async def work(connection: Connection) -> None:
        for body in waiting:
            start = time.perf_counter()
            status, content = await connection.post(path, body)
            latencies.append((time.perf_counter() - start) * 1000)
            assert (status, content) == (200, b"come in"), (path, status)

    before = int((await connections[0].post("/spent", b""))[1])
    start = time.perf_counter()
    await asyncio.gather(*map(work, connections))
    seconds = time.perf_counter() - start
    after = int((await connections[0].post("/spent", b""))[1])
    return {
        "cpu_microseconds": (after - before) / 1000 / len(bodies),
        "requests_per_second": len(bodies) / seconds,
        "latencies": latencies,
    }


def bodies(key: SigningKey, count: int) -> list[bytes]:
    return [b"age_token=" + token.encode() for token in issued(key, count)]


async def rounds(key: SigningKey, port: int) -> dict[str, list[Json]]:
    connections = [await Connection.opened(port) for _ in range(CONNECTIONS)]
    found: dict[str, list[Json]] = {path: [] for path in ENDPOINTS}
    for turn in range(ROUNDS + 1):
        first = turn % len(ENDPOINTS)
        for path in ENDPOINTS[first:] + ENDPOINTS[:first]:
            one = await loaded(connections, path, bodies(key, REQUESTS))
            if turn:  # the first one warms up
                found[path].append(one)
    # A token that was seen is refused: the endpoints verify.
    again = bodies(key, 1)[0]
    for path in ENDPOINTS[1:]:
        assert (await connections[0].post(path, again))[0] == (200 if path == "/async" else 403)
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


def measured() -> Json:
    key = SigningKey.generate()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(port)], stdin=subprocess.PIPE
    )
    try:
        assert server.stdin is not None
        server.stdin.write(json.dumps(key.public_set().to_dict()).encode())
        server.stdin.close()
        wait_for(port)
        found = asyncio.run(rounds(key, port))
    finally:
        server.terminate()
        server.wait(10)
    return {path.strip("/"): summary(one, found["/bare"]) for path, one in found.items()}


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
        "made": now().date().isoformat(),
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
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve)
        return
    result = {
        "circumstances": circumstances(),
        "rounds": ROUNDS,
        "requests_per_round": REQUESTS,
        "connections": CONNECTIONS,
        "endpoints": measured(),
    }
    print(json.dumps(result, indent=2))
    path: Path | None = arguments.json
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
