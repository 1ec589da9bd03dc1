"""The published examples of SD-JWT, SD-JWT VC and OpenID4VP, and altered ones.

Their keys are public, and their nonce is shorter than this library asks with; what needs a long
one is therefore given the short one here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from ageassure.errors import AlgorithmError, CredentialError, SignatureError
from ageassure.estimators.credential import SDJWTEstimator, SDJWTPresentation, TrustedIssuers
from ageassure.estimators.credential.key_binding import holder_key, verify_key_binding
from ageassure.estimators.credential.sd_jwt import (
    SDJWT,
    parse_sd_jwt,
    processed_claims,
    unverified_members,
)
from ageassure.tokens import JWKSet, PublicJWK
from ageassure.tokens.jws import parse_compact, verify_signature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SD_JWT: Final = [
    "address_only_flat",
    "address_only_recursive",
    "address_only_structured",
    "address_only_structured_one_open",
    "arf-pid",
    "complex_eidas",
    "complex_eidas_proposal",
    "complex_ekyc",
    "jsonld",
    "simple",
    "simple_structured",
    "w3c-vc",
    "w3c-vc_for_slide_deck",
]
FOLDERS: Final = [
    *(f"sd-jwt/gen/{name}" for name in SD_JWT),
    *(f"sd-jwt-vc/gen/{name}" for name in ("01", "02", "03-pid")),
    "openid4vp/1.0/examples/sd_jwt_vcld/01",
]
BOUND: Final = [
    "sd-jwt/gen/arf-pid",
    "sd-jwt/gen/jsonld",
    "sd-jwt/gen/simple",
    "sd-jwt/gen/w3c-vc",
    "sd-jwt-vc/gen/01",
    "sd-jwt-vc/gen/03-pid",
    "openid4vp/1.0/examples/sd_jwt_vcld/01",
]
ABOUT_AN_AGE: Final = ["sd-jwt/gen/arf-pid", "sd-jwt-vc/gen/03-pid"]
NONCE: Final = "1234567890"
ISSUER_KEY: Final = PublicJWK.from_dict(
    {
        "kid": "doc-signer-05-25-2022",  # as example 01 and the published metadata name it
        "kty": "EC",
        "crv": "P-256",
        "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
        "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
    }
)
KEYS: Final = JWKSet(keys=(ISSUER_KEY,))


def process(text: str) -> dict[str, object]:
    sd_jwt = parse_sd_jwt(text)
    verify_signature(sd_jwt.jws, ISSUER_KEY)
    return processed_claims(sd_jwt).members


def text_of(path: Path) -> str:
    return "".join(path.read_text(encoding="utf-8").split())


def presentation(shared_dir: Path, folder: str) -> str:
    return text_of(shared_dir / "vectors" / folder / "sd_jwt_presentation.txt")


def json_of(shared_dir: Path, folder: str, name: str) -> dict[str, Any]:
    path = shared_dir / "vectors" / folder / name
    members: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return members


def test_every_published_example_is_here(shared_dir: Path) -> None:
    found = (shared_dir / "vectors").glob("**/sd_jwt_presentation.txt")
    assert {str(p.parent.relative_to(shared_dir / "vectors")) for p in found} == set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_is_processed_as_published(shared_dir: Path, folder: str) -> None:
    sd_jwt = parse_sd_jwt(presentation(shared_dir, folder))
    verify_signature(sd_jwt.jws, ISSUER_KEY)
    assert unverified_members(sd_jwt) == json_of(shared_dir, folder, "sd_jwt_payload.json")
    published = json_of(shared_dir, folder, "verified_contents.json")
    assert processed_claims(sd_jwt).members == published
    assert (sd_jwt.key_binding is not None) == (folder in BOUND)


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_that_was_issued_is_processed(shared_dir: Path, folder: str) -> None:
    issued = parse_sd_jwt(text_of(shared_dir / "vectors" / folder / "sd_jwt_issuance.txt"))
    members = processed_claims(issued).members
    text = (shared_dir / "vectors" / folder / "user_claims.json").read_text(encoding="utf-8")
    # The lines of a long value are folded in that file.
    user = json.loads(re.sub(r"\n {4}(?=\S)", "", text) if "portrait" in text else text)
    assert user.items() <= members.items()


def bind(sd_jwt: SDJWT, audience: str, nonce: str = NONCE, **changes: Any) -> None:
    claims = processed_claims(sd_jwt)
    assert sd_jwt.key_binding is not None
    made_at = json.loads(parse_compact(sd_jwt.key_binding).payload)["iat"]
    arguments: dict[str, Any] = {"now_seconds": made_at, "leeway_seconds": 0} | changes
    verify_key_binding(
        sd_jwt.key_binding,
        key=holder_key(claims.members["cnf"]),
        presented=sd_jwt.presented,
        hash_name=claims.hash_name,
        audience=audience,
        nonce=nonce,
        **arguments,
    )


@pytest.mark.parametrize("folder", BOUND)
def test_its_key_binding_holds(shared_dir: Path, folder: str) -> None:
    sd_jwt = parse_sd_jwt(presentation(shared_dir, folder))
    audience = json_of(shared_dir, folder, "kb_jwt_payload.json")["aud"]
    bind(sd_jwt, audience)
    for changes in ({"audience": "other"}, {"audience": audience, "nonce": "other"}):
        with pytest.raises(CredentialError) as caught:
            bind(sd_jwt, **changes)
        assert caught.value.code == "credential_wrong_transaction"


def estimate(shared_dir: Path, folder: str, text: str | None = None) -> tuple[int, int]:
    text = presentation(shared_dir, folder) if text is None else text
    payload = json_of(shared_dir, folder, "sd_jwt_payload.json")
    binding = shared_dir / "vectors" / folder / "kb_jwt_payload.json"
    bound: dict[str, Any] = {"aud": "x", "iat": 1_700_000_000}
    if binding.is_file():
        bound = json.loads(binding.read_text(encoding="utf-8"))
    evidence = SDJWTPresentation(presentation=text, audience=bound["aud"], nonce="n" * 22)
    object.__setattr__(evidence, "nonce", NONCE)  # shorter than would be taken
    estimator = SDJWTEstimator(
        issuers=TrustedIssuers({payload.get("iss", "https://example.com"): KEYS}),
        types=[payload.get("vct", "none")],
        status=None,
        now=lambda: datetime.fromtimestamp(bound["iat"], UTC),
    )
    return estimator.estimate(evidence).interval(0.5)


@pytest.mark.parametrize("folder", ABOUT_AN_AGE)
def test_the_examples_about_an_age_say_it(shared_dir: Path, folder: str) -> None:
    assert estimate(shared_dir, folder) == (18, 121)


@pytest.mark.parametrize("folder", [each for each in FOLDERS if each not in ABOUT_AN_AGE])
def test_all_others_are_refused(shared_dir: Path, folder: str) -> None:
    expected = "untrusted"  # another type of token than an SD-JWT VC, or no issuer
    if folder in ("sd-jwt-vc/gen/01", "openid4vp/1.0/examples/sd_jwt_vcld/01"):
        expected = "no_age"
    elif folder == "sd-jwt-vc/gen/02":
        expected = "not_bound"
    with pytest.raises(CredentialError) as caught:
        estimate(shared_dir, folder)
    assert caught.value.code == f"credential_{expected}"


def altered(text: str) -> Iterator[str]:
    """Another character at every thirteenth place, pieces left out, doubled and exchanged."""
    for place in range(0, len(text), 13):
        other = "B" if text[place] != "B" else "C"
        yield f"{text[:place]}{other}{text[place + 1 :]}"
        yield text[:place] + text[place + 1 :]
    *parts, last = text.split("~")
    for place, part in enumerate(parts):
        yield "~".join([*parts[:place], *parts[place + 1 :], last])
        yield "~".join([*parts[: place + 1], part, *parts[place + 1 :], last])
    yield "~".join([parts[0], *reversed(parts[1:]), last])
    yield "~".join([*parts, ""])


@pytest.mark.parametrize("folder", ABOUT_AN_AGE)
def test_altered_ones_are_refused(shared_dir: Path, folder: str) -> None:
    refused = 0
    for text in altered(presentation(shared_dir, folder)):
        with pytest.raises(CredentialError) as caught:
            estimate(shared_dir, folder, text)
        assert caught.value.code in CredentialError.codes
        refused += 1
    assert refused > 300


@pytest.mark.parametrize("folder", FOLDERS)
def test_altered_ones_are_not_processed(shared_dir: Path, folder: str) -> None:
    """Without key binding a holder may leave disclosures out, but change nothing."""
    text = presentation(shared_dir, folder).rpartition("~")[0] + "~"
    for place in range(0, len(text) - 1, 13):
        other = "B" if text[place] != "B" else "C"
        with pytest.raises((CredentialError, AlgorithmError, SignatureError)):
            process(f"{text[:place]}{other}{text[place + 1 :]}")
