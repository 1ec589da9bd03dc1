"""A platform as a FastAPI service: its room is for people of 18 or over.

    uvicorn --app-dir examples platform_service:app --port 8002

It follows the key set of ``provider_service.py``; PROVIDER_KEYS names another address. Needs the
extra ``starlette``, FastAPI and uvicorn. ``docs/tutorial/two-services.md`` leads through it.
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.middleware.sessions import SessionMiddleware

from ageassure.integrations import AgeGate, AgeResult
from ageassure.integrations.starlette import AgeAssurance
from ageassure.verifier import JWKSetClient, MemoryReplayStore, TokenVerifier

KEYS = os.environ.get("PROVIDER_KEYS", "http://127.0.0.1:8001/.well-known/jwks.json")


def utc_now() -> datetime:
    return datetime.now(UTC)


verifier = TokenVerifier(
    issuers={"https://provider.example": JWKSetClient(KEYS)},
    audience="https://platform.example",
    replay_store=MemoryReplayStore(now=utc_now),  # of one process: several share another store
    now=utc_now,
)
age = AgeAssurance(AgeGate(verifier, age_over=[18], result_seconds=30 * 86_400, next_path="/room"))

app = FastAPI()
# Elsewhere a secret that is kept and that all processes share, out of your secret store.
app.add_middleware(SessionMiddleware, secret_key=secrets.token_urlsafe(), https_only=True)
age.install(app)


@app.get("/room")
def room(result: Annotated[AgeResult, Depends(age.require_age(18))]) -> str:
    return f"welcome, {result.limit.name}"
