"""A detached signature (Ed25519) over the files of a report.

What is signed are the names and SHA-256 digests of the files. The signature is worth what the key
is worth: whoever checks it pins the auditor's public key, which is never taken from the signature.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ageassure.errors import AuditSignatureError, ConfigurationError
from ageassure.files import open_regular, read_at_most
from ageassure.tokens import base64url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ageassure.tokens import SigningKey

FORMAT: Final = "ageassure-audit-signature-1"
SUFFIX: Final = ".sig"
MAX_FILES: Final = 32
_MAX_SIGNATURE_BYTES: Final = 64 * 1024
_MAX_KEY_BYTES: Final = 64 * 1024
_MEMBERS: Final = {"format", "files", "signature"}


def sign_files(files: Sequence[Path], key: SigningKey) -> bytes:
    """Sign files of one folder; the result is to be written beside them.

    Args:
        files: One or more, each with a name of its own.
        key: The auditor's, Ed25519.

    Raises:
        ConfigurationError: If the key is of another kind, or the files are none or share a name.
        AuditSignatureError: If a file cannot be read.
    """
    if key.alg not in ("EdDSA", "Ed25519"):
        raise ConfigurationError(f"got a key for {key.alg}, expected an Ed25519 key")
    names = [file.name for file in files]
    if not 0 < len(names) <= MAX_FILES or len(set(names)) != len(names):
        raise ConfigurationError(f"got no files, more than {MAX_FILES}, or two of one name")
    digests = {file.name: file_digest(file) for file in files}
    signature = base64url.encode(key.sign(_signed_bytes(digests)))
    document = {"format": FORMAT, "files": digests, "signature": signature}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def verify_files(signature: Path, key: Ed25519PublicKey) -> tuple[str, ...]:
    """Verify a signature and the digest of every file that it names, beside it.

    Returns:
        The files' names, sorted.

    Raises:
        AuditSignatureError: If it is malformed, not the key's, or a file is missing or altered.
    """
    document = _read(signature)
    digests: dict[str, str] = document["files"]
    proof = base64url.decode_text(document["signature"])
    valid = False
    with suppress(InvalidSignature):  # raised below
        if proof is not None:
            key.verify(proof, _signed_bytes(digests))
            valid = True
    if not valid:
        raise AuditSignatureError(f"{signature.name}: is not signed by the pinned key")
    for name, digest in digests.items():
        if file_digest(signature.parent / name) != digest:
            raise AuditSignatureError(f"{name}: was altered after it was signed")
    return tuple(sorted(digests))


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read an auditor's public key (PEM).

    Raises:
        ConfigurationError: If it cannot be read, or is no Ed25519 public key.
    """
    key: object = None
    with suppress(OSError, ValueError, TypeError):
        key = load_pem_public_key(bytes(read_at_most(path, _MAX_KEY_BYTES)))
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{path.name}: is no Ed25519 public key in PEM")
    return key


def _read(path: Path) -> dict[str, Any]:
    document: object = None
    with suppress(OSError, ValueError, RecursionError):
        content = read_at_most(path, _MAX_SIGNATURE_BYTES + 1)
        if len(content) <= _MAX_SIGNATURE_BYTES:
            document = json.loads(content)
    if (
        not isinstance(document, dict)
        or document.keys() != _MEMBERS
        or document["format"] != FORMAT
        or not _are_digests(document["files"])
    ):
        raise AuditSignatureError(f"{path.name}: is no signature in the format {FORMAT}")
    return document


def _are_digests(files: object) -> bool:
    return (
        isinstance(files, dict)
        and 0 < len(files) <= MAX_FILES
        and all(Path(name).name == name and name not in ("", ".", "..") for name in files)
        and all(isinstance(digest, str) for digest in files.values())
    )


def _signed_bytes(digests: dict[str, str]) -> bytes:
    text = json.dumps(digests, sort_keys=True, separators=(",", ":"))
    return f"{FORMAT}\n{text}".encode()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits.

    Raises:
        AuditSignatureError: If it cannot be read.
    """
    digest: str | None = None
    with suppress(OSError), open_regular(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest is None:
        raise AuditSignatureError(f"{path.name}: cannot be read")
    return digest
