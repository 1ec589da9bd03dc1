"""Token Status Lists: the published vectors, and what is built, signed and refused."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ageassure.errors import ConfigurationError, IssuanceError, StatusError
from ageassure.tokens import JWKSet, SigningKey, base64url
from ageassure.tokens.jws import sign_compact
from ageassure.tokens.status import (
    INVALID,
    MAX_LIST_BYTES,
    MAX_STATUS_TOKEN_BYTES,
    MAX_TTL_SECONDS,
    SUSPENDED,
    VALID,
    StatusList,
    StatusListBuilder,
    StatusReference,
    VerifiedStatusList,
    read_status_list,
    reading,
    sign_status_list,
    signing,
)
from ageassure.tokens.status.lists import inflated
from ageassure.tokens.status.reading import _unpacked

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(START.timestamp())
URI = "https://issuer.example/statuslists/1"
KEY = SigningKey.generate()
LIST = StatusList(bits=1, data=b"\xb9\xa3")
Json = dict[str, Any]


def test_the_numbers() -> None:
    assert (VALID, INVALID, SUSPENDED) == (0, 1, 2)  # section 7.1 of the draft
    assert MAX_LIST_BYTES == 4 * 1024 * 1024
    assert MAX_STATUS_TOKEN_BYTES == 2 * 1024 * 1024
    assert MAX_TTL_SECONDS == 366 * 86_400


def test_the_longest_list_and_the_longest_times_that_can_be_made() -> None:
    assert len(StatusListBuilder(MAX_LIST_BYTES, bits=8).build()) == MAX_LIST_BYTES
    seconds = 366 * 86_400
    token = sign_status_list(
        LIST,
        uri=URI,
        signing_key=KEY,
        lifetime_seconds=seconds,
        ttl_seconds=seconds,
        now=clock,
    )
    found = read(token)
    assert (found.expires_at, found.ttl_seconds) == (T0 + seconds, seconds)


def test_the_ends_of_times() -> None:
    found = read(signed(exp=2**53, ttl=2**53))
    assert (found.expires_at, found.ttl_seconds) == (2**53, 2**53)
    assert read(signed(iat=0, ttl=1)).issued_at == 0
    for name, value in (("exp", 2**53 + 1), ("ttl", 2**53 + 1), ("ttl", 0), ("exp", -1)):
        beyond: Json = {name: value}
        assert "malformed times" in refusal(signed(**beyond))
    assert "malformed times" in refusal(signed(iat=-1))


def clock() -> datetime:
    return START


def signed(header: Json | None = None, **claims: Any) -> str:
    """A token with some claims replaced, or left out where None."""
    payload = {
        "sub": URI,
        "iat": T0,
        "exp": T0 + 3600,
        "ttl": 60,
        "status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"},
        **claims,
    }
    kept = {name: value for name, value in payload.items() if value is not None}
    head = {"typ": "statuslist+jwt", "alg": "ES256", "kid": KEY.kid, **(header or {})}
    return sign_compact(head, json.dumps(kept).encode(), KEY)


def read(token: Any, **replaced: Any) -> VerifiedStatusList:
    expected: Json = {"uri": URI, "keys": KEY.public_set(), "now": clock, **replaced}
    return read_status_list(token, **expected)


def refusal(token: Any, **replaced: Any) -> str:
    with pytest.raises(StatusError) as caught:
        read(token, **replaced)
    assert caught.value.code == "status_refused"
    return str(caught.value)


@pytest.fixture(scope="module")
def vectors(shared_dir: Path) -> Json:
    path = shared_dir / "vectors" / "token-status-list" / "tsl_vectors.json"
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_published_lists(vectors: Json) -> None:
    assert [vector["bits"] for vector in vectors["large"]] == [1, 2, 4, 8]
    for vector in vectors["large"]:
        statuses = _unpacked({"bits": vector["bits"], "lst": vector["lst"]})
        assert len(statuses) == vector["size"]
        told = {int(index): value for index, value in vector["statuses"].items()}
        assert {index: statuses.status(index) for index in told} == told
        builder = StatusListBuilder(vector["size"], bits=vector["bits"])
        for index, value in told.items():
            builder.set(index, value)
        assert builder.build() == statuses  # and everything else is 0
    for vector in vectors["small"]:
        statuses = _unpacked({"bits": vector["bits"], "lst": vector["lst"]})
        assert statuses.data == bytes.fromhex(vector["bytes"])


def test_published_token(vectors: Json) -> None:
    jwk = {**vectors["jwt_example_key_public"], "kid": "12"}
    expected: Json = {
        "uri": "https://example.com/statuslists/1",
        "keys": JWKSet.from_dict({"keys": [jwk]}),
        "now": clock,
    }
    token = vectors["jwt_example"]
    found = read_status_list(token, **expected)
    assert found.statuses == LIST
    assert (found.issued_at, found.expires_at) == (1686920170, 2291720170)
    assert found.ttl_seconds == 43200
    places = [0, len(token) // 3, token.index(".") + 3, token.rindex(".") + 2, len(token) - 1]
    for place in places:
        other = "A" if token[place] != "A" else "Q"
        refusal(token[:place] + other + token[place + 1 :], **expected)
    refusal(token, **{**expected, "keys": KEY.public_set()})


def test_the_order_of_bits() -> None:
    # Figures of section 4.1 of the draft.
    one = StatusList(bits=1, data=bytes.fromhex("b9a3"))
    assert [one.status(i) for i in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    two = StatusList(bits=2, data=bytes.fromhex("c944f9"))
    assert [two.status(i) for i in range(12)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


@given(
    st.sampled_from([1, 2, 4, 8]),
    st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=50),
)
def test_what_is_built_signed_and_read_is_the_same(
    bits: int, changes: list[tuple[int, int]]
) -> None:
    builder = StatusListBuilder(200, bits=bits)
    expected = [0] * 200
    for index, status in changes:
        expected[index] = status % 2**bits
        builder.set(index, status % 2**bits)
    token = sign_status_list(
        builder.build(),
        uri=URI,
        signing_key=KEY,
        lifetime_seconds=3600,
        ttl_seconds=60,
        now=clock,
    )
    found = read(token)
    assert [found.statuses.status(index) for index in range(200)] == expected
    assert (found.issued_at, found.expires_at, found.ttl_seconds) == (T0, T0 + 3600, 60)
    again = StatusListBuilder.from_list(found.statuses)
    assert again.build() == found.statuses


def test_a_builder_goes_on_after_building() -> None:
    builder = StatusListBuilder(10, bits=4)
    first = builder.build()
    builder.set(3, 15)
    builder.set(3, 2)
    assert first.status(3) == 0
    assert builder.build().status(3) == 2
    assert len(StatusListBuilder(10).build()) == 16  # padded to whole bytes


def test_good_tokens() -> None:
    assert read(signed()).statuses == LIST
    assert read(signed({"typ": "application/statuslist+jwt"})).statuses == LIST
    assert read(signed({"x5c": ["never followed"]}, iss="https://issuer.example")).uri == URI
    assert read(signed(exp=None, ttl=None)).expires_at is None
    assert read(signed(iat=T0 + 30), leeway_seconds=30).issued_at == T0 + 30


@pytest.mark.parametrize(
    "token",
    [
        signed({"typ": "JWT"}),
        signed({"typ": "age-result+jwt"}),
        signed({"kid": "other"}),
        signed({"kid": 7}),
        signed({"crit": ["exp"]}),
        signed()[:-4] + "AAAA",
        signed() + "\n",
        "",
        None,
        b"bytes",
        "A" * (2 * 1024 * 1024),
    ],
)
def test_tokens_that_no_pinned_key_has_signed(token: Any) -> None:
    assert "no pinned key" in refusal(token)


def test_size_is_named_as_size() -> None:
    assert "more than 2097152 bytes" in refusal("A" * (MAX_STATUS_TOKEN_BYTES + 1))


def test_another_key_of_the_same_name() -> None:
    other = SigningKey.generate()
    jwk = {**other.public.to_dict(), "kid": KEY.kid}
    assert "no pinned key" in refusal(signed(), keys=JWKSet.from_dict({"keys": [jwk]}))


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"sub": f"{URI}/"}, "another uri"),
        ({"sub": None}, "another uri"),
        ({"iat": None}, "times"),
        ({"iat": True}, "times"),
        ({"iat": str(T0)}, "times"),
        ({"iat": -1}, "times"),
        ({"iat": T0 + 1}, "future"),
        ({"exp": "never"}, "times"),
        ({"exp": 2**60}, "times"),
        ({"exp": T0}, "expired"),
        ({"ttl": 0}, "times"),
        ({"ttl": -5}, "times"),
        ({"ttl": True}, "times"),
        ({"ttl": "60"}, "times"),
        ({"iat": T0 - 0.5}, "pinned key"),
        ({"status_list": None}, "malformed status list"),
        ({"status_list": []}, "malformed status list"),
        ({"status_list": {"bits": 1}}, "malformed status list"),
    ],
)
def test_claims_that_are_refused(claims: Json, message: str) -> None:
    assert message in refusal(signed(**claims))


def packed(data: bytes) -> str:
    return base64url.encode(data)


GOOD = zlib.compress(b"\xb9\xa3", 9)
RAW = zlib.compressobj(9, zlib.DEFLATED, -15)


@pytest.mark.parametrize("bits", [0, 3, 16, -1, True, "1", 1.0, None])
def test_other_numbers_of_bits(bits: Any) -> None:
    refusal(signed(status_list={"bits": bits, "lst": packed(GOOD)}))


@pytest.mark.parametrize(
    "lst",
    [
        "",
        7,
        None,
        packed(GOOD) + "=",
        packed(GOOD)[:-1] + "R",  # not canonical
        packed(GOOD[:-1]),  # cut off
        packed(GOOD[:-1] + b"\0"),  # wrong checksum
        packed(GOOD + b"\0"),  # something behind it
        packed(GOOD + GOOD),  # two streams
        packed(RAW.compress(b"\xb9\xa3") + RAW.flush()),  # without the zlib header
        packed(zlib.compress(b"")),
        packed(b"no stream at all"),
    ],
)
def test_lists_that_are_no_one_whole_stream(lst: Any) -> None:
    assert "malformed status list" in refusal(signed(status_list={"bits": 1, "lst": lst}))


def test_a_bomb_is_not_inflated() -> None:
    bomb = packed(zlib.compress(bytes(MAX_LIST_BYTES + 1), 9))
    assert len(bomb) < 10_000
    refusal(signed(status_list={"bits": 1, "lst": bomb}))
    largest = packed(zlib.compress(bytes(MAX_LIST_BYTES), 9))
    found = read(signed(status_list={"bits": 8, "lst": largest}))
    assert len(found.statuses) == MAX_LIST_BYTES
    huge = zlib.compress(bytes(16 * MAX_LIST_BYTES), 9)
    tracemalloc.start()
    assert inflated(huge) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_LIST_BYTES


@pytest.mark.parametrize("index", [-1, 16, True, 1.0, "1", None])
def test_places_that_are_not_in_the_list(index: Any) -> None:
    with pytest.raises(StatusError) as caught:
        LIST.status(index)
    assert caught.value.code == "status_refused"


def test_references() -> None:
    reference = StatusReference(uri=URI, index=7)
    assert StatusReference.from_claim(reference.to_claim()) == reference
    assert StatusReference.from_claim({"status_list": {"idx": 0, "uri": URI}}).index == 0


@pytest.mark.parametrize(
    "claim",
    [
        None,
        [],
        {},
        {"status_list": None},
        {"status_list": {"idx": 0}},
        {"status_list": {"uri": URI}},
        {"status_list": {"idx": -1, "uri": URI}},
        {"status_list": {"idx": True, "uri": URI}},
        {"status_list": {"idx": "0", "uri": URI}},
        {"status_list": {"idx": 0, "uri": 7}},
        {"status_list": {"idx": 0, "uri": "http://issuer.example/1"}},
        {"status_list": {"idx": 0, "uri": "https://issuer.example/a/../1"}},
        {"status_list": {"idx": 0, "uri": "https://issuer.example/.."}},
        {"status_list": {"idx": 0, "uri": "https://user@issuer.example/1"}},
        {"status_list": {"idx": 0, "uri": "https://Issuer.example/1"}},
        {"status_list": {"idx": 0, "uri": "https://issuer.example"}},
        {"status_list": {"idx": 0, "uri": "https://issuer.example/1?a=b"}},
        {"status_list": {"idx": 0, "uri": "file:///etc/passwd"}},
    ],
)
def test_bad_references(claim: Any) -> None:
    with pytest.raises(StatusError) as caught:
        StatusReference.from_claim(claim)
    assert caught.value.code == "status_refused"


@pytest.mark.parametrize(
    "make",
    [
        lambda: StatusList(bits=3, data=b"\0"),
        lambda: StatusList(bits=True, data=b"\0"),
        lambda: StatusList(bits=1, data=b""),
        lambda: StatusList(bits=1, data="text"),  # type: ignore[arg-type]
        lambda: StatusList(bits=1, data=bytes(MAX_LIST_BYTES + 1)),
        lambda: StatusListBuilder(0),
        lambda: StatusListBuilder(True),
        lambda: StatusListBuilder(8, bits=3),
        lambda: StatusListBuilder(8, bits=True),
        lambda: StatusListBuilder(8, bits=1.0),  # type: ignore[arg-type]
        lambda: StatusListBuilder(8).set(True, 1),
        lambda: StatusListBuilder(8).set(1.0, 1),  # type: ignore[arg-type]
        lambda: StatusListBuilder(MAX_LIST_BYTES + 1, bits=8),
        lambda: StatusListBuilder(8).set(8, 1),
        lambda: StatusListBuilder(8).set(-1, 1),
        lambda: StatusListBuilder(8).set(0, 2),
        lambda: StatusListBuilder(8).set(0, -1),
        lambda: StatusListBuilder(8).set(0, True),
    ],
)
def test_bad_lists(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


@pytest.mark.parametrize(
    "replaced",
    [
        {"uri": "http://issuer.example/1"},
        {"uri": None},
        {"uri": "https://Issuer.example/1"},  # whose host no fetcher takes
        {"uri": "https://issuer.example"},
        {"statuses": b"data"},
        {"lifetime_seconds": 0},
        {"lifetime_seconds": True},
        {"ttl_seconds": 0},
        {"ttl_seconds": 366 * 24 * 3600 + 1},
        {"now": lambda: START.replace(tzinfo=None) + timedelta(0)},
    ],
)
def test_bad_arguments_of_signing(replaced: Json) -> None:
    with pytest.raises(ConfigurationError):
        sign(**replaced)


def sign(statuses: Any = LIST, **replaced: Any) -> str:
    arguments: Json = {
        "uri": URI,
        "signing_key": KEY,
        "lifetime_seconds": 60,
        "ttl_seconds": 60,
        "now": clock,
        **replaced,
    }
    return sign_status_list(statuses, **arguments)


def incompressible(size: int) -> StatusList:
    return StatusList(bits=8, data=Random(size).randbytes(size))


def test_a_list_whose_token_is_too_long_is_not_signed() -> None:
    with pytest.raises(ConfigurationError, match=r"token of \d{7} bytes, expected at most 2097152"):
        sign(incompressible(1_200_000))


def test_the_longest_token_is_signed_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    length = len(sign())
    for module in (reading, signing):
        monkeypatch.setattr(module, "MAX_STATUS_TOKEN_BYTES", length)
    assert read(sign()).statuses == LIST
    monkeypatch.setattr(signing, "MAX_STATUS_TOKEN_BYTES", length - 1)
    with pytest.raises(ConfigurationError, match=f"{length} bytes"):
        sign()


class OtherName:
    """A signer whose ``kid`` is not its key's."""

    public, alg, kid = KEY.public, KEY.alg, "other"

    def sign(self, data: bytes) -> bytes:
        return KEY.sign(data)


@pytest.mark.parametrize(
    "replaced",
    [
        {"signing_key": OtherName()},
        {"now": lambda: datetime(1969, 12, 31, tzinfo=UTC)},
    ],
)
def test_what_a_reader_would_refuse_is_not_handed_out(replaced: Json) -> None:
    with pytest.raises(IssuanceError, match="not read back") as caught:
        sign(**replaced)
    assert caught.value.__cause__ is caught.value.__context__ is None
