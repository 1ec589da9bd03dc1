"""Every token vector through the verifier: class, code and result."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from ageassure import errors
from ageassure.errors import (
    ConfigurationError,
    KeySetUnavailableError,
    ReplayStoreError,
    VerificationError,
)
from ageassure.results import AssuranceLevel, MethodClass
from ageassure.verifier import JWKSet, MemoryReplayStore, ReplayStore, TokenVerifier, VerifiedAge

FOLDER = Path(__file__).parent / "tokens"
IDS = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json"))
ERROR_CLASSES = {
    code: value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, VerificationError)
    for code in value.codes
    # The vectors pin their key sets; only a verifier that fetches them can miss one.
    if value not in (VerificationError, KeySetUnavailableError)
}

REQUIRED = ["iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over"]


class Clock:
    """A clock that stands where the vector puts it."""

    def __init__(self) -> None:
        self.moment = datetime.fromtimestamp(0, UTC)

    def __call__(self) -> datetime:
        return self.moment


class UnavailableStore:
    """A replay store that cannot answer."""

    def claim(self, key: bytes, expires_at: int) -> bool:  # noqa: ARG002
        raise ReplayStoreError("the store is down")


def made(setup: dict[str, Any], clock: Clock) -> TokenVerifier:
    store: ReplayStore = UnavailableStore()
    if setup["replay_store"]["available"]:
        store = MemoryReplayStore(setup["replay_store"]["capacity"], now=clock)
    return TokenVerifier(
        issuers={issuer: JWKSet.from_dict(keys) for issuer, keys in setup["issuers"].items()},
        audience=setup["audience"],
        replay_store=store,
        now=clock,
        leeway_seconds=setup["leeway_seconds"],
    )


def typed(kind: type[MethodClass | AssuranceLevel], value: object) -> object:
    """The member of the enumeration where there is one; the vectors also give unknown words."""
    return next((member for member in kind if member.value == value), value)


def verify(verifier: TokenVerifier, call: dict[str, Any]) -> VerifiedAge:
    demanded: dict[str, Any] = {
        name: value for name, value in call.items() if name not in ("clock", "token", "expect")
    }
    if "methods" in demanded:
        demanded["methods"] = [typed(MethodClass, value) for value in demanded["methods"]]
    if "minimum_level" in demanded:
        demanded["minimum_level"] = typed(AssuranceLevel, demanded["minimum_level"])
    return verifier.verify(call["token"], **demanded)


def as_json(result: VerifiedAge) -> dict[str, object]:
    return {
        "issuer": result.issuer,
        "audience": result.audience,
        "age_over": result.age_over,
        "age_under": result.age_under,
        "proven_limit": result.proven_limit,
        "method_class": result.method_class,
        "level": result.level,
        "policy_uri": result.policy_uri,
        "issued_at": result.issued_at.timestamp(),
        "expires_at": result.expires_at.timestamp(),
        "holder_jkt": result.holder_jkt,
    }


def check(verifier: TokenVerifier, call: dict[str, Any]) -> None:
    expect = call["expect"]
    if "accept" in expect:
        assert as_json(verify(verifier, call)) == expect["accept"]
    elif "refuse" in expect:
        with pytest.raises(VerificationError) as caught:
            verify(verifier, call)
        assert caught.value.code == expect["refuse"]
        assert type(caught.value) is ERROR_CLASSES[expect["refuse"]]
    else:
        assert expect == {"configuration_error": True}
        with pytest.raises(ConfigurationError):
            verify(verifier, call)


@pytest.mark.parametrize("name", IDS)
def test_vector(name: str) -> None:
    vector = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    assert vector["id"] == name
    clock = Clock()
    if vector.get("construction_error"):
        with pytest.raises(ConfigurationError):
            made(vector["verifier"], clock)
        return
    verifier = made(vector["verifier"], clock)
    assert vector["calls"]
    for call in vector["calls"]:
        moment = datetime.fromtimestamp(call["clock"]["epoch_seconds"], UTC)
        assert moment == datetime.fromisoformat(call["clock"]["utc"])
        clock.moment = moment
        check(verifier, call)


# PyJWT does not know the name Ed25519 (RFC 9864) for EdDSA.
READABLE = [name for name in IDS if name.startswith("valid/") and name != "valid/ed25519"]


@pytest.mark.parametrize("name", READABLE)
def test_pyjwt_accepts_what_must_be_accepted(name: str) -> None:
    """PyJWT as an oracle: what this verifier accepts, a library that others use accepts."""
    vector = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    key_sets = vector["verifier"]["issuers"].values()
    keys = {key["kid"]: key for key_set in key_sets for key in key_set["keys"]}
    for call in vector["calls"]:
        if "accept" not in call["expect"]:
            continue
        header = jwt.get_unverified_header(call["token"])
        claims = jwt.decode(
            call["token"],
            jwt.PyJWK(keys[header["kid"]], algorithm=header["alg"]),
            algorithms=[header["alg"]],
            audience=vector["verifier"]["audience"],
            issuer=call["expect"]["accept"]["issuer"],
            # The clock of the vectors is not the machine's.
            options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
        )
        assert claims["nonce"] == call["nonce"]


@pytest.mark.parametrize("code", sorted(ERROR_CLASSES))
def test_every_code_has_vectors(code: str) -> None:
    vectors = [json.loads(path.read_text()) for path in (FOLDER / code).glob("*.json")]
    assert vectors
    assert all(
        any(call["expect"] == {"refuse": code} for call in vector["calls"]) for vector in vectors
    )


def test_no_folder_without_a_code() -> None:
    folders = {path.name for path in FOLDER.iterdir()}
    assert folders == {*ERROR_CLASSES, "valid", "configuration"}
