"""RFC 9901, 7.1: what an SD-JWT must be, and each thing that makes it refused.

By the steps of section 7.1:

* 1, the parts: ``test_no_sd_jwt``, ``test_limits.TestPresentations``;
* 2.1 and 2.2, algorithm and signature: ``test_sd_jwt_vc.test_another_algorithm``,
  ``test_no_signature``, ``test_a_wrong_signature``;
* 2.3, the issuer and its key: ``test_sd_jwt_vc.test_another_issuer``, ``test_another_key_name``,
  ``test_issuers``;
* 2.4, the hash algorithm: ``test_an_unknown_hash_algorithm``;
* 3.3, a disclosure in its place: ``test_a_member_for_an_element_and_the_reverse``,
  ``test_names_that_no_disclosure_may_have``, ``test_a_name_that_is_taken``,
  ``test_a_name_that_another_disclosure_has_taken``, ``test_disclosures_that_are_none``,
  ``test_digests_that_are_none``, ``test_elements_that_are_none``;
* 3.4 to 3.6, what is removed: ``test_what_is_not_disclosed_is_not_there``,
  ``test_disclosures_come_to_their_places``;
* 4, a digest twice: ``test_one_digest_twice`` and the two after it;
* 5, a disclosure that nothing refers to: ``test_a_disclosure_that_no_digest_refers_to``,
  ``test_a_disclosure_that_only_an_undisclosed_one_refers_to``, ``test_one_disclosure_twice``;
* 6, validity: ``test_sd_jwt_vc.test_times``,
  ``test_claims_that_may_not_be_disclosed_selectively``.

Section 7.3 is ``test_sd_jwt_vc.TestKeyBinding``.
"""

from __future__ import annotations

from typing import Any

import pytest

from ageassure.errors import CredentialError
from ageassure.estimators.credential.sd_jwt import (
    MAX_CHARACTERS,
    MAX_CLAIMS_DEPTH,
    MAX_DISCLOSURES,
    parse_sd_jwt,
    processed_claims,
)
from ageassure.tokens import base64url

from .wallets import (
    Credential,
    adult,
    code_of,
    digest,
    disclosure,
    dumped,
    estimator,
    evidence,
    interval,
    refusal,
    refusal_of,
)


def members(credential: Credential) -> dict[str, object]:
    return processed_claims(parse_sd_jwt(credential.presented())).members


def test_disclosures_come_to_their_places() -> None:
    credential = Credential()
    inner = credential.hides("inner", 3)
    credential.disclose("a", {"_sd": [inner], "open": 1})
    element = credential.hides({"_sd": [credential.hides("deep", [])]})
    credential.payload["list"] = [1, {"...": element}, {"...": credential.hides(2)}, {"x": [{}]}]
    credential.payload["empty"] = {"_sd": []}
    found = members(credential)
    assert found["a"] == {"open": 1, "inner": 3}
    assert found["list"] == [1, {"deep": []}, 2, {"x": [{}]}]
    assert found["empty"] == {}
    assert not {"_sd", "_sd_alg"} & found.keys()


def test_what_is_not_disclosed_is_not_there() -> None:
    credential = Credential()
    credential.payload["_sd"] = [credential.hides("name", "x", disclosed=False), "decoy"]
    credential.payload["list"] = [{"...": credential.hides("y", disclosed=False)}, 1]
    found = members(credential)
    assert "name" not in found
    assert found["list"] == [1]


@pytest.mark.parametrize(
    ("algorithm", "name"), [("sha-256", "sha256"), ("sha-384", "sha384"), ("sha-512", "sha512")]
)
def test_known_hash_algorithms(algorithm: str, name: str) -> None:
    credential = Credential(hash_name=name, payload={"_sd_alg": algorithm})
    assert interval(credential.state(_18=True)) == (18, 121)


@pytest.mark.parametrize(
    "algorithm", ["sha-1", "SHA-256", "md5", "sha256", "", None, 1, ["sha-256"]]
)
def test_an_unknown_hash_algorithm(algorithm: Any) -> None:
    credential = adult()
    credential.payload["_sd_alg"] = algorithm
    assert refusal(credential) == "malformed"


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"a.b.c~",
        "",
        "~",
        "a.b.c",
        "a.b.c~~",
        "a.b~",
        "a.b.c~\u00e9~",
        "a" * (MAX_CHARACTERS + 1),
        "a.b.c~" + "x~" * (MAX_DISCLOSURES + 1),
        "a.b.c" + "~" * 10_000,
    ],
)
def test_no_sd_jwt(text: Any) -> None:
    assert refusal_of(text) == "malformed"
    assert code_of(lambda: parse_sd_jwt(text)) == "malformed"


def test_as_many_disclosures_as_may_be() -> None:
    credential = Credential()
    for index in range(MAX_DISCLOSURES - 2):
        credential.disclose(f"c{index}", index)
    credential.state(_18=True)
    assert len(credential.disclosures) == MAX_DISCLOSURES
    assert interval(credential) == (18, 121)


@pytest.mark.parametrize(
    "payload", [b"[]", b"{", b'{"a":1,"a":1}', b'{"a":1.5}', b"\xff", b"{" * 10_000]
)
def test_a_payload_that_is_no_strict_object(payload: bytes) -> None:
    text = f"{base64url.encode(dumped({'alg': 'ES256', 'typ': 'dc+sd-jwt'}))}."
    assert refusal_of(f"{text}{base64url.encode(payload)}.AAAA~") == "malformed"


def test_one_digest_twice() -> None:
    credential = adult()
    credential.payload["_sd"].append(credential.payload["_sd"][0])
    assert refusal(credential) == "malformed"


def test_one_digest_twice_where_nothing_is_disclosed() -> None:
    credential = adult()
    credential.payload["_sd"] += ["decoy"]
    credential.payload["list"] = [{"...": "decoy"}]
    assert refusal(credential) == "malformed"


def test_one_digest_twice_through_a_disclosure() -> None:
    credential = adult()
    hidden = credential.hides("x", 1)
    credential.payload["_sd"].append(hidden)
    credential.disclose("y", {"_sd": [hidden]})
    assert refusal(credential) == "malformed"


def test_a_disclosure_that_no_digest_refers_to() -> None:
    credential = adult()
    credential.disclosures.append(disclosure("given_name", "Somebody"))
    assert refusal(credential) == "malformed"


def test_a_disclosure_that_only_an_undisclosed_one_refers_to() -> None:
    credential = adult()
    inner = credential.hides("street", "x")
    credential.payload["_sd"].append(credential.hides("address", {"_sd": [inner]}, disclosed=False))
    assert refusal(credential) == "malformed"


def test_one_disclosure_twice() -> None:
    credential = adult()
    credential.disclosures.append(credential.disclosures[-1])
    assert refusal(credential) == "malformed"


@pytest.mark.parametrize("digests", [None, "digest", {"a": 1}, [1], [None], [["x"]], True])
def test_digests_that_are_none(digests: Any) -> None:
    credential = adult()
    credential.payload["other"] = {"_sd": digests}
    assert refusal(credential) == "malformed"


@pytest.mark.parametrize("element", [{"...": "d", "x": 1}, {"...": 1}, {"...": None}, {"...": {}}])
def test_elements_that_are_none(element: Any) -> None:
    credential = adult()
    credential.payload["list"] = [element]
    assert refusal(credential) == "malformed"


def test_an_elements_name_in_an_object() -> None:
    credential = adult()
    credential.payload["..."] = "x"
    assert refusal(credential) == "malformed"


def test_an_inner_hash_algorithm() -> None:
    credential = adult()
    credential.payload["other"] = {"_sd_alg": "sha-256"}
    assert refusal(credential) == "malformed"


def test_a_member_for_an_element_and_the_reverse() -> None:
    credential = adult()
    credential.payload["list"] = [{"...": credential.hides("name", 1)}]
    assert refusal(credential) == "malformed"
    credential = adult()
    credential.payload["_sd"].append(credential.hides("only a value"))
    assert refusal(credential) == "malformed"


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg", 1, None, ["a"]])
def test_names_that_no_disclosure_may_have(name: Any) -> None:
    assert refusal(adult().disclose(name, ["x"])) == "malformed"


def test_a_name_that_is_taken() -> None:
    credential = adult()
    credential.payload["open"] = 1
    assert refusal(credential.disclose("open", 2)) == "malformed"


def test_a_name_that_another_disclosure_has_taken() -> None:
    assert refusal(adult().disclose("same", 1).disclose("same", 2)) == "malformed"


@pytest.mark.parametrize(
    "text",
    [
        base64url.encode(b'["salt","name","value"'),
        base64url.encode(b'["salt"]'),
        base64url.encode(b'["salt","a","b","c"]'),
        base64url.encode(b'{"salt":1}'),
        base64url.encode(b'[1,"name","value"]'),
        base64url.encode(b'["salt","name",NaN]'),
        base64url.encode(b'["salt","name",1.5]'),
        base64url.encode(b'["salt","name","\\ud800"]'),
        base64url.encode(b'["salt","name",' + b"[" * 8 + b"]" * 8 + b"]"),
        base64url.encode(b'["salt","name","value"]') + "=",
        "!",
        "A",
        "AB",
    ],
)
def test_disclosures_that_are_none(text: str) -> None:
    for place in ("_sd", "list"):  # referred to, so that only the disclosure itself is wrong
        credential = adult()
        credential.disclosures.append(text)
        if place == "_sd":
            credential.payload["_sd"].append(digest(text))
        else:
            credential.payload["list"] = [{"...": digest(text)}]
        with pytest.raises(CredentialError, match="no array of salt, name and value"):
            estimator().estimate(evidence(credential.presented()))


def nested(depth: int, value: object) -> Credential:
    """A chain of disclosures, each in the one before it."""
    credential = adult()
    for _ in range(depth):
        value = {"_sd": [credential.hides("x", value)]}
    credential.payload["deep"] = value
    return credential


def test_nesting_is_bounded() -> None:
    containers: list[object] = [{}, []]
    for value in containers:
        assert interval(nested(MAX_CLAIMS_DEPTH - 2, value)) == (18, 65)
        assert refusal(nested(MAX_CLAIMS_DEPTH - 1, value)) == "malformed"
    assert interval(nested(MAX_CLAIMS_DEPTH - 1, "text")) == (18, 65)
    assert refusal(nested(MAX_CLAIMS_DEPTH, "text")) == "malformed"


def test_nothing_is_shown() -> None:
    sd_jwt = parse_sd_jwt(adult().presented())
    assert repr(sd_jwt) == "<SDJWT (content hidden)>"
    assert repr(processed_claims(sd_jwt)) == "<Claims (content hidden)>"
