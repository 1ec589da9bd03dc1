from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ageassure.audit.report.signature import read_public_key, sign_files, verify_files
from ageassure.errors import AuditSignatureError, ConfigurationError
from ageassure.tokens import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PRIVATE = Ed25519PrivateKey.generate()
KEY = SigningKey(PRIVATE)
PUBLIC: Ed25519PublicKey = PRIVATE.public_key()


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    for name in ("report.json", "report.html"):
        (tmp_path / name).write_text(f"content of {name}")
    path = tmp_path / "report.json.sig"
    path.write_bytes(sign_files([tmp_path / "report.json", tmp_path / "report.html"], KEY))
    return path


def test_what_was_signed_is_verified(signed: Path) -> None:
    assert verify_files(signed, PUBLIC) == ("report.html", "report.json")


def test_the_same_files_give_the_same_signature(signed: Path) -> None:
    folder = signed.parent
    again = sign_files([folder / "report.html", folder / "report.json"], KEY)
    assert again == signed.read_bytes()


@pytest.mark.parametrize("name", ["report.json", "report.html"])
def test_an_altered_or_missing_file_is_refused(signed: Path, name: str) -> None:
    file = signed.parent / name
    file.write_text(file.read_text() + " ")
    with pytest.raises(AuditSignatureError, match=f"{name}: was altered"):
        verify_files(signed, PUBLIC)
    file.unlink()
    with pytest.raises(AuditSignatureError, match=f"{name}: cannot be read"):
        verify_files(signed, PUBLIC)


def test_another_key_is_refused(signed: Path) -> None:
    with pytest.raises(AuditSignatureError, match="pinned key"):
        verify_files(signed, Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(format="x"),
        lambda d: d.pop("files"),
        lambda d: d.update(extra=1),
        lambda d: d.update(files={}),
        lambda d: d.update(files=[]),
        lambda d: d.update(files={"../report.json": "0" * 64}),
        lambda d: d.update(files={"..": "0" * 64}),
        lambda d: d.update(files={"": "0" * 64}),
        lambda d: d.update(files={"report.json": 3}),
        lambda d: d.update(files={str(n): "0" for n in range(33)}),
        lambda d: d["files"].pop("report.html"),
        lambda d: d["files"].update({"report.json": "0" * 64}),
        lambda d: d.update(signature=3),
        lambda d: d.update(signature=""),
        lambda d: d.update(signature=d["signature"] + "="),
        lambda d: d.update(signature="BA"[d["signature"][0] == "B"] + d["signature"][1:]),
    ],
)
def test_a_spoilt_signature_is_refused(
    signed: Path, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    document = json.loads(signed.read_text())
    spoil(document)
    signed.write_text(json.dumps(document))
    with pytest.raises(AuditSignatureError):
        verify_files(signed, PUBLIC)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 60_000, b" " * 70_000])
def test_something_else_than_a_signature_is_refused(signed: Path, content: bytes) -> None:
    signed.write_bytes(content)
    with pytest.raises(AuditSignatureError, match="is no signature"):
        verify_files(signed, PUBLIC)
    with pytest.raises(AuditSignatureError, match="is no signature"):
        verify_files(signed.with_name("none.sig"), PUBLIC)


def test_what_cannot_be_signed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("x")
    with pytest.raises(ConfigurationError, match="Ed25519"):
        sign_files([file], SigningKey.generate())
    for files in ([], [file, file], [tmp_path / str(n) for n in range(33)]):
        with pytest.raises(ConfigurationError):
            sign_files(files, KEY)
    with pytest.raises(AuditSignatureError, match="cannot be read"):
        sign_files([tmp_path / "none"], KEY)


def test_public_keys(tmp_path: Path) -> None:
    path = tmp_path / "auditor.pub"
    path.write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert read_public_key(path) == PUBLIC
    for content in (b"", b"no key", SigningKey.generate().to_pem()):
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="no Ed25519"):
            read_public_key(path)
    with pytest.raises(ConfigurationError):
        read_public_key(tmp_path / "none")
