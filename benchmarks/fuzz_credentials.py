"""Coverage-guided fuzzing of credentials: SD-JWT, key binding, wallets' answers, signals, chains.

Not part of the test suite. Needs atheris (``pip install atheris``); runs until something other than
a ``CredentialError`` comes out, an input takes more than ten seconds or 2 GB, or the time is over::

    python benchmarks/fuzz_credentials.py -max_total_time=600

To reach what lies behind signatures, payloads, disclosures and proofs are signed anew for every
input, with keys of this run; in a payload ``@0`` … ``@9`` stand for the digests of the disclosures,
in a proof ``@h`` for that of the credential.
With ``--record SECONDS`` the run's figures are written to ``results/fuzz_credentials.json``.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from urllib.parse import urlencode

import atheris
from cryptography.hazmat.primitives.serialization import Encoding
from fuzzing import main

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "unit" / "estimators"))

INSTRUMENTED = ["ageassure.estimators.credential", "ageassure.tokens.jws", "ageassure.tokens.keys"]
with atheris.instrument_imports(include=INSTRUMENTED):
    from credential.test_issuers import ROOT, leaf, middle
    from credential.wallets import (
        AUDIENCE,
        HOLDER,
        KEY,
        NONCE,
        NOW,
        SECONDS,
        Credential,
        adult,
        digest,
        dumped,
        estimator,
        evidence,
        jws,
    )

    from ageassure.errors import CredentialError
    from ageassure.estimators.credential import (
        AppleAgeRange,
        AppleDeclaration,
        PlayAgeSignals,
        PlayTier,
        SystemSignalEstimator,
    )
    from ageassure.estimators.credential.certificates import TrustAnchors
    from ageassure.estimators.credential.openid4vp import (
        AgeQuery,
        BrowserAnswer,
        DirectPostAnswer,
        ResponseKey,
        WalletAgeEstimator,
        WalletRequest,
    )
    from ageassure.results import AgeEstimate
    from ageassure.tokens import base64url

SD_JWT = estimator()
WALLET = WalletAgeEstimator(sd_jwt=SD_JWT, mdocs={})
RESPONSE_KEY = ResponseKey.generate()
QUERY = AgeQuery(age_limit=18, sd_jwt_types=("urn:example:pid:1",))
POSTED = WalletRequest.by_direct_post(
    QUERY,
    client_id=AUDIENCE,
    response_uri="https://provider.example/answers",
    response_key=None,
    random_text=lambda: NONCE,
)
BROWSED = WalletRequest.by_browser(QUERY, origin="https://provider.example", response_key=None)
SIGNALS = SystemSignalEstimator(
    play_tiers=list(PlayTier), apple_declarations=list(AppleDeclaration)
)
ANCHORS = TrustAnchors([ROOT])
HEADER = {"alg": "ES256", "typ": "dc+sd-jwt", "kid": KEY.kid}


def presented(payload: bytes, disclosures: list[bytes]) -> str:
    """Sign a payload; disclosures are JSON, and may name the digests of those behind them."""
    names: dict[bytes, bytes] = {}
    texts: list[str] = []
    for place in reversed(range(len(disclosures))):
        text = base64url.encode(named(disclosures[place], names))
        names[b"@%d" % place] = digest(text).encode()
        texts.append(text)
    issued = "~".join([jws(HEADER, named(payload, names), KEY), *texts]) + "~"
    claims = {"aud": AUDIENCE, "nonce": NONCE, "iat": SECONDS, "sd_hash": digest(issued)}
    return issued + jws({"alg": "ES256", "typ": "kb+jwt"}, dumped(claims), HOLDER)


def named(text: bytes, names: dict[bytes, bytes]) -> bytes:
    return re.sub(rb"@[0-9]", lambda match: names.get(match[0], match[0]), text)


def seeds() -> list[bytes]:
    """Make inputs of each kind; the first byte says which."""
    whole = adult().presented()
    payload = dict(Credential().payload)
    ages = [
        b'["s","age_equal_or_over",{"_sd":["@1","@2"]}]',
        b'["s","18",true]',
        b'["s","65",false]',
        b'["s",{"x":[1,{"...":"decoy"}]}]',
    ]
    members = {**payload, "_sd": ["@0"], "_sd_alg": "sha-256", "list": [{"...": "@3"}]}
    birth = {**payload, "_sd": ["@0"]}
    proof = {"aud": AUDIENCE, "nonce": NONCE, "iat": SECONDS, "sd_hash": "@h"}
    play = {
        "ageSignalsStatus": "SHARED",
        "ageRangeSource": "TIER_A",
        "ageLower": 13,
        "ageUpper": 15,
    }
    apple = {"response": "sharing", "lowerBound": 13, "ageRangeDeclaration": "selfDeclared"}
    chain = [
        base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in (leaf(), middle())
    ]
    token = {"age_sd_jwt": [whole]}
    return [
        b"\x00" + whole.encode(),
        b"\x01" + b"\n".join([dumped(members), *ages]),
        b"\x01" + b"\n".join([dumped(birth), b'["s","birthdate","2000-01-31"]']),
        b"\x02" + dumped(proof),
        b"\x03" + urlencode({"vp_token": json.dumps(token), "state": NONCE}).encode(),
        b"\x03" + urlencode({"error": "access_denied", "state": NONCE}).encode(),
        b"\x04" + dumped({"vp_token": token}),
        b"\x05" + b"eyJhbGciOiJFQ0RILUVTIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
        b"\x06" + dumped(play),
        b"\x07" + dumped(apple),
        b"\x08" + dumped({"alg": "ES256", "x5c": chain}),
        b"\x09" + dumped({"alg": "ES256", "typ": "dc+sd-jwt", "kid": KEY.kid}),
    ]


def read(kind: int, rest: bytes) -> object:
    text = rest.decode("utf-8", "surrogateescape")
    if kind == 0:
        return SD_JWT.estimate(evidence(text))
    if kind == 1:
        payload, *disclosures = rest.split(b"\n")[:11]
        return SD_JWT.estimate(evidence(presented(payload, disclosures)))
    if kind == 2:
        issued = adult().issued()
        claims = rest.replace(b"@h", digest(issued).encode())
        proof = jws({"alg": "ES256", "typ": "kb+jwt"}, claims, HOLDER)
        return SD_JWT.estimate(evidence(issued + proof))
    if kind == 3:
        return WALLET.estimate(DirectPostAnswer(request=POSTED, form=rest))
    if kind == 4:
        answer = BrowserAnswer(request=BROWSED, protocol="openid4vp-v1-unsigned", data=rest)
        return WALLET.estimate(answer)
    if kind == 5:
        return RESPONSE_KEY.decrypt(text)
    if kind == 6:
        return SIGNALS.estimate(PlayAgeSignals(answer=rest))
    if kind == 7:
        return SIGNALS.estimate(AppleAgeRange(answer=rest))
    try:
        header = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    if kind == 8 and isinstance(header, dict):
        return ANCHORS.key(header, issuer=header.get("iss"), at=NOW)
    head, _, tail = adult().presented().partition(".")
    return SD_JWT.estimate(evidence(f"{base64url.encode(rest)}.{tail}" if head else tail))


def check(data: bytes) -> None:
    """Read the input as what its first byte says; anything but a refusal is a finding."""
    kind, rest = (data[0] % 10, data[1:]) if data else (0, b"")
    try:
        result = read(kind, rest)
    except CredentialError as error:
        if error.__context__ is not None or error.__cause__ is not None:
            raise AssertionError("a refusal keeps another error, and its frames, alive") from None
        return
    if kind not in (5, 8) and not isinstance(result, AgeEstimate | None):
        raise AssertionError("got neither an estimate nor a refusal")


if __name__ == "__main__":
    main(
        "SD-JWT, key binding, OpenID4VP answers, JWE, x5c, operating systems' signals",
        seeds(),
        check,
    )
