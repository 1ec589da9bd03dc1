"""What verification costs, next to the bare signature check and to PyJWT.

::

    python benchmarks/verification.py
    python benchmarks/verification.py --json benchmarks/results/verification.json

In every round the same tokens go through three functions, one after the other, in an order that
changes from round to round, so that a slower moment of the machine meets all three:

* the signature check of ``cryptography`` alone, with the key loaded and the signature in DER;
* ``TokenVerifier.verify`` whole, with a memory replay store in which no token has been seen;
* PyJWT's ``decode``, with the key loaded and what a careful user sets: one algorithm, audience,
  issuer, required claims, a strict audience. It checks neither nonce nor replay nor age.

Time is the process's CPU time: what else the machine does is not counted, though it still empties
the caches. The ratios are of these figures of one run; microseconds differ between machines.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cryptography
import jwt
from cryptography.hazmat.backends.openssl.backend import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.tokens.jws import parse_compact
from ageassure.verifier import MemoryReplayStore, TokenVerifier

ROUNDS = 400
TOKENS = 25
IMPORT_RUNS = 21
STORE_SIZES = (1_000, 10_000, 100_000, 1_000_000)
CLAIMS = 10_000

ISSUER = "https://age.example"
AUDIENCE = "https://shop.example"
NONCE = "n" * 43
REQUIRED = ["iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over"]

Json = dict[str, Any]
Measured = Callable[[], None]


def now() -> datetime:
    return datetime.now(UTC)


def issued(key: SigningKey, count: int) -> list[str]:
    issuer = TokenIssuer(issuer=ISSUER, signing_key=key)
    request = AgeRequest(audience=AUDIENCE, nonce=NONCE, age_over=18, tell_method=True)
    return [
        issuer.issue(
            request,
            outcome=Outcome.OVER,
            method_class=MethodClass.ESTIMATION,
            level=AssuranceLevel.ASSERTED,
        )
        for _ in range(count)
    ]


def raw_check(key: ec.EllipticCurvePublicKey, tokens: list[str]) -> Measured:
    scheme = ec.ECDSA(hashes.SHA256())
    prepared: list[tuple[bytes, bytes]] = []
    for token in tokens:
        jws = parse_compact(token)
        r, s = (int.from_bytes(half, "big") for half in (jws.signature[:32], jws.signature[32:]))
        prepared.append((encode_dss_signature(r, s), jws.signing_input))

    def measured() -> None:
        for signature, data in prepared:
            key.verify(signature, data, scheme)

    return measured


def our_check(keys: SigningKey, tokens: list[str]) -> Measured:
    """A verifier with an empty store, so that every token is a fresh one."""
    verifier = TokenVerifier(
        issuers={ISSUER: keys.public_set()},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=now),
        now=now,
    )

    def measured() -> None:
        for token in tokens:
            verifier.verify(token, nonce=NONCE, age_over=18)

    return measured


def pyjwt_check(key: ec.EllipticCurvePublicKey, tokens: list[str]) -> Measured:
    options: Json = {"require": REQUIRED, "strict_aud": True}

    def measured() -> None:
        for token in tokens:
            jwt.decode(
                token,
                key,
                algorithms=["ES256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=options,
            )

    return measured


def microseconds(function: Measured, calls: int) -> float:
    start = time.process_time_ns()
    function()
    return (time.process_time_ns() - start) / calls / 1000


def verification() -> Json:
    key = SigningKey.generate()
    public = key.public.key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    tokens = issued(key, TOKENS)
    raw, pyjwt = raw_check(public, tokens), pyjwt_check(public, tokens)
    figures: dict[str, list[float]] = {"raw": [], "ageassure": [], "pyjwt": []}
    for turn in range(ROUNDS):
        functions = {"raw": raw, "ageassure": our_check(key, tokens), "pyjwt": pyjwt}
        names = list(functions)
        for name in names[turn % 3 :] + names[: turn % 3]:
            figures[name].append(microseconds(functions[name], TOKENS))
    return {
        "rounds": ROUNDS,
        "tokens_per_round": TOKENS,
        "token_characters": len(tokens[0]),
        "microseconds": {name: spread(values) for name, values in figures.items()},
        "ratio_ageassure_to_raw": ratio(figures["ageassure"], figures["raw"]),
        "ratio_pyjwt_to_raw": ratio(figures["pyjwt"], figures["raw"]),
        "ratio_ageassure_to_pyjwt": ratio(figures["ageassure"], figures["pyjwt"]),
    }


def spread(values: list[float]) -> Json:
    ordered = sorted(values)
    return {
        "min": round(ordered[0], 2),
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[int(len(ordered) * 0.95)], 2),
    }


def ratio(ours: list[float], theirs: list[float]) -> Json:
    """Of the two minima, and the median of the ratios within each round."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    return {
        "of_minima": round(min(ours) / min(theirs), 3),
        "median_of_rounds": round(statistics.median(pairs), 3),
    }


def replay_store(entries: int) -> Json:
    """Time of one claim in a store that holds so many entries."""
    store = MemoryReplayStore(entries + CLAIMS, now=now)
    expires_at = int(now().timestamp()) + 600
    for number in range(entries):
        store.claim(number.to_bytes(32, "big"), expires_at + number % 300)
    keys = [secrets.token_bytes(32) for _ in range(CLAIMS)]
    times: list[float] = []
    for key in keys:
        start = time.perf_counter_ns()
        first = store.claim(key, expires_at)
        times.append((time.perf_counter_ns() - start) / 1000)
        assert first
    return {"entries": entries, "max": round(max(times), 1)} | spread(times)


def imports() -> Json:
    """CPU milliseconds of an import in a fresh interpreter, and what it must not load.

    Every module has its bytecode at hand, as installed packages have it.
    """
    modules = {
        "ageassure.verifier": "ageassure.verifier",
        "cryptography ec": "cryptography.hazmat.primitives.asymmetric.ec",
        "jwt": "jwt",
    }
    times: dict[str, list[float]] = {name: [] for name in modules}
    with TemporaryDirectory() as bytecode:
        for run in range(IMPORT_RUNS + 1):
            for name, module in modules.items():
                code = (
                    "import time; start = time.process_time_ns(); "
                    f"import {module}; print((time.process_time_ns() - start) / 1e6)"
                )
                milliseconds = float(fresh_interpreter(code, bytecode))
                if run > 0:  # the first run writes the bytecode
                    times[name].append(milliseconds)
        heavy = ("numpy", "cv2", "onnxruntime", "jwt")
        code = f"import ageassure.verifier, sys; print([m for m in {heavy!r} if m in sys.modules])"
        loaded = fresh_interpreter(code, bytecode).strip()
    return {
        "cpu_milliseconds": {name: spread(values) for name, values in times.items()},
        "ratio_to_cryptography_ec": ratio(times["ageassure.verifier"], times["cryptography ec"]),
        "heavy_modules_loaded": loaded,
    }


def fresh_interpreter(code: str, bytecode: str) -> str:
    environment = dict(os.environ) | {"PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def circumstances() -> Json:
    return {
        "made": now().date().isoformat(),
        "python": platform.python_version(),
        "ageassure": version("ageassure"),
        "cryptography": cryptography.__version__,
        "openssl": backend.openssl_version_text(),
        "pyjwt": jwt.__version__,
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
    }


def show(result: Json) -> None:
    v = result["verification"]
    print(f"ES256, tokens of {v['token_characters']} characters, {v['rounds']} rounds")
    print(f"{'':24}{'min':>10}{'median':>10}{'p95':>10}  µs per token")
    for name, figures in v["microseconds"].items():
        print(f"{name:24}" + "".join(f"{value:10.2f}" for value in figures.values()))
    for name in ("ratio_ageassure_to_raw", "ratio_pyjwt_to_raw", "ratio_ageassure_to_pyjwt"):
        figures = v[name]
        print(f"{name}: {figures['of_minima']} of minima, {figures['median_of_rounds']} median")
    print(
        f"\nmemory replay store{'':5}{'min':>10}{'median':>10}{'p95':>10}{'max':>10}  µs per claim"
    )
    for row in result["replay_store"]:
        values = (row["min"], row["median"], row["p95"], row["max"])
        print(f"{row['entries']:>16,} held   " + "".join(f"{value:10.2f}" for value in values))
    print(f"\nimport{'':18}{'min':>10}{'median':>10}{'p95':>10}  CPU ms")
    for name, figures in result["imports"]["cpu_milliseconds"].items():
        print(f"{name:24}" + "".join(f"{value:10.2f}" for value in figures.values()))
    figures = result["imports"]["ratio_to_cryptography_ec"]
    print(
        f"ageassure.verifier to ec: {figures['of_minima']} of minima, "
        f"{figures['median_of_rounds']} median"
    )
    print(f"heavy modules loaded: {result['imports']['heavy_modules_loaded']}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cost of verification.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    path: Path | None = parser.parse_args().json
    result = {
        "circumstances": circumstances(),
        "verification": verification(),
        "replay_store": [replay_store(entries) for entries in STORE_SIZES],
        "imports": imports(),
    }
    show(result)
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
