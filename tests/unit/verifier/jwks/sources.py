"""A fetcher and a clock that a test moves, and the client that is made of them."""

from __future__ import annotations

import json
import threading
from typing import Any

from ageassure.tokens import SigningKey
from ageassure.verifier.jwks import JWKSetClient, KeySetResponse

URI = "https://keys.example/jwks.json"
OLD, NEW, STRANGER = (SigningKey.generate() for _ in range(3))


class Source:
    """A fetcher that gives what the test put into it."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.max_age: int | None = 100
        self.failing: Exception | None = None
        self.body: bytes | None = None
        self.etags: list[str | None] = []
        self.let_go = threading.Event()
        self.let_go.set()
        self.entered = threading.Event()

    def fetch(
        self,
        uri: str,  # noqa: ARG002
        *,
        etag: str | None,
        timeout_seconds: float,  # noqa: ARG002
    ) -> KeySetResponse:
        self.etags.append(etag)
        failing, body = self.failing, self.body
        version = ",".join(key.kid for key in self.keys)
        if body is None:
            jwks = {"keys": [key.public.to_dict() for key in self.keys]}
            body = json.dumps(jwks).encode()
        self.entered.set()
        self.let_go.wait(10)
        if failing is not None:
            raise failing
        if self.body is None and etag == version:
            return KeySetResponse(body=None, etag=etag, max_age_seconds=self.max_age)
        return KeySetResponse(body=body, etag=version, max_age_seconds=self.max_age)


class Elapsed:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(source: Any, elapsed: Elapsed, **changes: Any) -> JWKSetClient:
    arguments: dict[str, Any] = {
        "fetcher": source,
        "elapsed": elapsed,
        "timeout_seconds": 2,
        "min_fresh_seconds": 60,
        "max_fresh_seconds": 1000,
        "stale_seconds": 500,
        "cooldown_seconds": 30,
    }
    return JWKSetClient(URI, **(arguments | changes))
