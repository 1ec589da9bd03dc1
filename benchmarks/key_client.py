"""What a key client adds to a verification, and what a token with an invented ``kid`` costs.

::

    python benchmarks/key_client.py
    python benchmarks/key_client.py --json benchmarks/results/key_client.json

In every round the same tokens go through ``TokenVerifier.verify`` with a fixed ``JWKSet`` and with
a ``JWKSetClient`` that holds the same set (fresh, its fetcher in memory), one after the other, in
an order that changes from round to round, each with an empty replay store. In the same rounds as
many tokens with invented names are refused by the verifier that has the client.

The ratios are of these figures of one run; microseconds differ between machines.
"""

from __future__ import annotations

import argparse
import base64
import json
import platform
import statistics
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import cryptography
from timings import AUDIENCE, ISSUER, NONCE, Json, issued, spread

from ageassure.errors import VerificationError
from ageassure.tokens import JWKSet, SigningKey
from ageassure.verifier import JWKSetClient, MemoryReplayStore, TokenVerifier
from ageassure.verifier.jwks import KeySetResponse

ROUNDS = 300
TOKENS = 25
KEYS = 3


class InMemory:
    """A fetcher that has the set already."""

    def __init__(self, key_set: JWKSet) -> None:
        self.body = json.dumps(key_set.to_dict()).encode()
        self.fetches = 0

    def fetch(self, *_: object, **__: object) -> KeySetResponse:
        """Give it."""
        self.fetches += 1
        return KeySetResponse(body=self.body, max_age_seconds=3600)


def now() -> datetime:
    return datetime.now(UTC)


def verifier(keys: JWKSet | JWKSetClient) -> TokenVerifier:
    store = MemoryReplayStore(now=now)
    return TokenVerifier(issuers={ISSUER: keys}, audience=AUDIENCE, replay_store=store, now=now)


def invented(first: int) -> list[str]:
    tokens = []
    for number in range(first, first + TOKENS):
        header = f'{{"typ":"age-result+jwt","alg":"ES256","kid":"{number:043d}"}}'
        part = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
        tokens.append(f"{part}.e30.{'A' * 86}")
    return tokens


def microseconds(made: TokenVerifier, tokens: list[str]) -> float:
    start = time.perf_counter_ns()
    for token in tokens:
        with suppress(VerificationError):
            made.verify(token, nonce=NONCE, age_over=18)
    return (time.perf_counter_ns() - start) / len(tokens) / 1000


def measured() -> Json:
    signing = [SigningKey.generate() for _ in range(KEYS)]
    key_set = JWKSet(keys=tuple(key.public for key in signing))
    tokens = issued(signing[-1], TOKENS)
    fetcher = InMemory(key_set)
    client = JWKSetClient("https://age.example/jwks.json", fetcher=fetcher)
    client.refresh()
    times: dict[str, list[float]] = {"fixed set": [], "key client": [], "invented kid": []}
    for turn in range(ROUNDS):
        with_client = verifier(client)
        with_client.verify(issued(signing[0], 1)[0], nonce=NONCE, age_over=18)
        runs = [
            ("fixed set", verifier(key_set), tokens),
            ("key client", with_client, tokens),
            ("invented kid", with_client, invented(turn * TOKENS)),
        ]
        for name, made, batch in runs[turn % 3 :] + runs[: turn % 3]:
            times[name].append(microseconds(made, batch))
    pairs = zip(times["key client"], times["fixed set"], strict=True)
    return {
        "rounds": ROUNDS,
        "tokens_per_round": TOKENS,
        "keys": KEYS,
        "microseconds": {name: spread(values) for name, values in times.items()},
        "ratio_client_to_fixed": {
            "of_minima": round(min(times["key client"]) / min(times["fixed set"]), 3),
            "median_of_rounds": round(statistics.median(ours / other for ours, other in pairs), 3),
        },
        "fetches": fetcher.fetches,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the key client adds.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    path: Path | None = parser.parse_args().json
    result = {
        "circumstances": {
            "made": now().date().isoformat(),
            "python": platform.python_version(),
            "cryptography": cryptography.__version__,
            "system": platform.system(),
            "machine": platform.machine(),
        },
        "key_client": measured(),
    }
    print(json.dumps(result, indent=2))
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
