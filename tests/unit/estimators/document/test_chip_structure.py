"""The structure of a chip's security object: nothing may stand behind what is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ageassure.errors import DocumentError
from ageassure.estimators.document import ChipAgeEstimator, ChipData, HolderCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = Path(__file__).parents[3] / "vectors" / "chip" / "accepted"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MORE = b"\x0c\x00"
"""An empty UTF8String, which no structure of a security object has."""

RSA_KEY = bytes.fromhex("06092a864886f70d0101010500")


class Part(NamedTuple):
    """An element as it stands in a file: its tag, and its contents."""

    tag: bytes
    content: bytes

    def encoded(self) -> bytes:
        size = len(self.content)
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets
        return self.tag + length + self.content


def parts(data: bytes) -> list[Part]:
    found = []
    while data:
        head = 2 if data[0] & 0x1F == 0x1F else 1
        size, start = data[head], head + 1
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[head + 1 : start], "big")
        found.append(Part(data[:head], data[start : start + size]))
        data = data[start + size :]
    return found


def lengthened(data: bytes) -> Iterator[bytes]:
    """``data`` with one element more behind each structure in turn.

    Names are left out, which are compared as they are and not read, and so are the parameters of an
    RSA key, which are stepped over.
    """
    elements = parts(data)
    for index, element in enumerate(elements):
        if not element.tag[0] & 0x20:
            continue
        within = list(parts(element.content))
        if {each.tag for each in within} == {b"\x31"} or element.content == RSA_KEY:
            continue
        for content in (element.content + MORE, *lengthened(element.content)):
            changed = [*elements[:index], Part(element.tag, content), *elements[index + 1 :]]
            yield b"".join(each.encoded() for each in changed)


def estimate(vector: dict[str, Any], security_object: bytes) -> tuple[int, int]:
    estimator = ChipAgeEstimator(
        country_signing_certificates=[
            bytes.fromhex(each) for each in vector["country_signing_certificates"]
        ],
        now=lambda: NOW,
    )
    return estimator.estimate(
        ChipData(
            security_object=security_object,
            data_group_1=bytes.fromhex(vector["data_group_1"]),
            holder_check=HolderCheck.NOT_MADE,
        )
    ).interval(0.5)


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "ecdsa_p256_explicit",
        "lds_version_1",
        "pss_trailer_1",
        "rsa_pkcs1_sha256",
        "signer_by_key_identifier",
    ],
)
def test_no_structure_may_be_longer(name: str) -> None:
    vector: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("ascii"))
    whole = bytes.fromhex(vector["security_object"])
    assert b"".join(part.encoded() for part in parts(whole)) == whole
    changed = list(lengthened(whole))
    assert len(changed) > 30
    for each in changed:
        with pytest.raises(DocumentError) as caught:
            estimate(vector, each)
        assert caught.value.code == "document_malformed", each.hex()
