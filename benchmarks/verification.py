"""What verification costs, next to the bare signature check and to three JOSE libraries.

::

    python benchmarks/verification.py
    python benchmarks/verification.py --json benchmarks/results/verification.json

Needs the dependency group ``benchmark`` (``pip install --group benchmark``). The bare check is the
signature check of ``cryptography``, with the key loaded and the signature in DER. Next to it, in
turn and with the same tokens, stand

* ``TokenVerifier.verify`` whole, with a memory replay store in which no token has been seen;
* PyJWT, joserfc and Authlib, each with the key loaded and what a careful user sets: one algorithm,
  audience, issuer, required claims, and the times. None of them checks nonce, replay or age.

Time is the process's CPU time. A measurement is one of these right after a bare check; each first
takes a few tokens that are not counted, so that the change from one to the next is not. Where the
system interrupted the process meanwhile, the measurement is left out: others have emptied the
caches. Ratios are within one measurement; microseconds differ between machines.

Two threads: as many tokens in each of two threads as in one, raw and verified, in wall time, the
quickest of some rounds. What is told is how much two threads get done in the time of one, and
(``of_raw``) our figure in relation to the bare check's own, which need not be 2. Only a machine
that has two idle processors for the quickest round tells anything here.

The memory replay store is measured by ``replay_stores.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import cryptography
import jwt
from cryptography.hazmat.backends.openssl.backend import backend
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey
from timings import AUDIENCE, ISSUER, NONCE, Json, issued, spread

from ageassure.tokens import SigningKey
from ageassure.tokens.jws import parse_compact
from ageassure.verifier import MemoryReplayStore, TokenVerifier

with warnings.catch_warnings(record=True):
    # Authlib sends new users to joserfc; what is in use today is measured none the less.
    from authlib.jose import JsonWebKey, JsonWebToken

ROUNDS = 400
TOKENS = 25
WARM_UP_TOKENS = 5
IMPORT_RUNS = 41
THREAD_ROUNDS = 60
THREAD_TOKENS = 1_500

REQUIRED = ["iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over"]

Check = Callable[[list[str]], None]


def now() -> datetime:
    return datetime.now(UTC)


def raw_check(key: ec.EllipticCurvePublicKey, tokens: list[str]) -> Check:
    scheme = ec.ECDSA(hashes.SHA256())
    prepared: dict[str, tuple[bytes, bytes]] = {}
    for token in tokens:
        jws = parse_compact(token)
        r, s = (int.from_bytes(half, "big") for half in (jws.signature[:32], jws.signature[32:]))
        prepared[token] = (encode_dss_signature(r, s), jws.signing_input)

    def check(tokens: list[str]) -> None:
        for token in tokens:
            key.verify(*prepared[token], scheme)

    return check


def our_check(keys: SigningKey) -> Check:
    """A verifier with an empty store, so that every token is a fresh one."""
    verifier = TokenVerifier(
        issuers={ISSUER: keys.public_set()},
        audience=AUDIENCE,
        replay_store=MemoryReplayStore(now=now),
        now=now,
    )

    def check(tokens: list[str]) -> None:
        for token in tokens:
            verifier.verify(token, nonce=NONCE, age_over=18)

    return check


def pyjwt_check(key: ec.EllipticCurvePublicKey) -> Check:
    options: Json = {"require": REQUIRED, "strict_aud": True}

    def check(tokens: list[str]) -> None:
        for token in tokens:
            jwt.decode(
                token,
                key,
                algorithms=["ES256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=options,
            )

    return check


def required_claims() -> dict[str, Json]:
    """The options of joserfc and Authlib, which have the same form."""
    told: dict[str, Json] = {name: {"essential": True} for name in REQUIRED}
    told["iss"]["value"], told["aud"]["value"] = ISSUER, AUDIENCE
    return told


def joserfc_check(keys: SigningKey) -> Check:
    key = ECKey.import_key(keys.public.to_dict())
    registry = joserfc_jwt.JWTClaimsRegistry(**required_claims())  # type: ignore[arg-type]

    def check(tokens: list[str]) -> None:
        for token in tokens:
            registry.validate(joserfc_jwt.decode(token, key, algorithms=["ES256"]).claims)

    return check


def authlib_check(keys: SigningKey) -> Check:
    key, reader = JsonWebKey.import_key(keys.public.to_dict()), JsonWebToken(["ES256"])
    options = required_claims()

    def check(tokens: list[str]) -> None:
        for token in tokens:
            reader.decode(token, key, claims_options=options).validate()

    return check


def microseconds(check: Check, tokens: list[str]) -> float | None:
    """CPU time of one token, or None if the process was interrupted meanwhile."""
    check(tokens[:WARM_UP_TOKENS])
    interrupted = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
    start = time.process_time_ns()
    check(tokens[WARM_UP_TOKENS:])
    spent = time.process_time_ns() - start
    if resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw != interrupted:
        return None
    return spent / TOKENS / 1000


def verification() -> Json:
    key = SigningKey.generate()
    public = key.public.key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    tokens = issued(key, WARM_UP_TOKENS + TOKENS, tell_method=True)
    raw = raw_check(public, tokens)
    others = {
        "pyjwt": pyjwt_check(public),
        "joserfc": joserfc_check(key),
        "authlib": authlib_check(key),
    }
    pairs: dict[str, list[tuple[float, float]]] = {"ageassure": [], **{n: [] for n in others}}
    for _ in range(ROUNDS):
        for name, found in pairs.items():
            check = our_check(key) if name == "ageassure" else others[name]
            bare, theirs = microseconds(raw, tokens), microseconds(check, tokens)
            if bare is not None and theirs is not None:
                found.append((bare, theirs))
    bare_checks = [bare for found in pairs.values() for bare, _ in found]
    times = {name: [theirs for _, theirs in found] for name, found in pairs.items()}
    return {
        "rounds": ROUNDS,
        "tokens_per_round": TOKENS,
        "token_characters": len(tokens[0]),
        "not_interrupted": {name: len(found) for name, found in pairs.items()},
        "microseconds": {name: spread(v) for name, v in {"raw": bare_checks, **times}.items()},
        "ratio_to_raw": {name: ratio(found) for name, found in pairs.items()},
    }


def seconds_in_threads(check: Check, batches: list[list[str]]) -> float:
    """Wall time from the common start to the last one's end."""
    gate = Barrier(len(batches) + 1)

    def run(tokens: list[str]) -> None:
        gate.wait()
        check(tokens)

    threads = [Thread(target=run, args=(tokens,)) for tokens in batches]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def two_threads() -> Json:
    key = SigningKey.generate()
    public = key.public.key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    halves = [issued(key, THREAD_TOKENS, tell_method=True) for _ in range(2)]
    raw = raw_check(public, halves[0] + halves[1])
    best = {(name, count): float("inf") for name in ("raw", "ageassure") for count in (1, 2)}
    for _ in range(THREAD_ROUNDS):
        for name, count in best:
            # One verifier for both threads, as a server has it; a new one, so that none is seen.
            check = raw if name == "raw" else our_check(key)
            best[name, count] = min(best[name, count], seconds_in_threads(check, halves[:count]))
    gained = {name: 2 * best[name, 1] / best[name, 2] for name in ("raw", "ageassure")}
    return {
        "rounds": THREAD_ROUNDS,
        "tokens_per_thread": THREAD_TOKENS,
        "done_by_two": {name: round(value, 3) for name, value in gained.items()},
        "of_raw": round(gained["ageassure"] / gained["raw"], 3),
    }


def ratio(pairs: list[tuple[float, float]]) -> Json:
    """Of the two minima, and the median of the ratios within each pair."""
    bare, other = zip(*pairs, strict=True)
    return {
        "of_minima": round(min(other) / min(bare), 3),
        "median": round(statistics.median(b / a for a, b in pairs), 3),
    }


def imports() -> Json:
    """CPU milliseconds of an import in a fresh interpreter, and what it must not load.

    Every module has its bytecode at hand, as installed packages have it.
    """
    modules = {
        "ageassure.verifier": "ageassure.verifier",
        "cryptography ec": "cryptography.hazmat.primitives.asymmetric.ec",
        "jwt": "jwt",
        "joserfc": "joserfc.jwt",
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
        "ratio_to_cryptography_ec": ratio(
            list(zip(times["cryptography ec"], times["ageassure.verifier"], strict=True))
        ),
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
        "joserfc": version("joserfc"),
        "authlib": version("authlib"),
        "load_average_before": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count(),
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
    for name, figures in v["ratio_to_raw"].items():
        print(f"{name} to raw: {figures['of_minima']} of minima, {figures['median']} median")
    threads = result["two_threads"]
    print(f"two threads: {threads['done_by_two']}, {threads['of_raw']} of the bare check's")
    print(f"\nimport{'':18}{'min':>10}{'median':>10}{'p95':>10}  CPU ms")
    for name, figures in result["imports"]["cpu_milliseconds"].items():
        print(f"{name:24}" + "".join(f"{value:10.2f}" for value in figures.values()))
    figures = result["imports"]["ratio_to_cryptography_ec"]
    print(f"ageassure.verifier to ec: {figures['of_minima']} of minima, {figures['median']} median")
    print(f"heavy modules loaded: {result['imports']['heavy_modules_loaded']}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the cost of verification.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    path: Path | None = parser.parse_args().json
    result = {
        "circumstances": circumstances(),
        "verification": verification(),
        "two_threads": two_threads(),
        "imports": imports(),
    }
    show(result)
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
