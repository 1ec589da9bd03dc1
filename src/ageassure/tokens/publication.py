"""What an issuer publishes: a metadata document and its JWK Set, as static files.

Any web server can serve them, or a bucket behind a CDN; nothing of it runs with the private key.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens.claims import (
    IAT_GRANULARITY_SECONDS,
    MAX_LIFETIME_SECONDS,
    MIN_LIFETIME_SECONDS,
    TOKEN_TYPE,
    checked_issuer,
    checked_policy_uri,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ageassure.tokens.keys import JWKSet

METADATA_PATH: Final = ".well-known/age-issuer.json"
KEY_SET_PATH: Final = ".well-known/jwks.json"

_READABLE_BY_ALL: Final = 0o644


def publication_files(
    *,
    issuer: str,
    key_set: JWKSet,
    policy_uri: str | None = None,
    lifetime_seconds: int = MAX_LIFETIME_SECONDS,
) -> dict[str, bytes]:
    """The documents to be served, by their path below the issuer's URL.

    The same arguments give the same bytes, so that a server's entity tags stay the same. The
    metadata document is for people and for their configuration: no verifier of this library
    follows it, because a platform pins issuer and ``jwks_uri`` itself.

    Args:
        issuer: ``iss`` of the tokens, to which the paths are appended.
        key_set: Every key with which tokens are signed, were signed in the last 16 minutes, or
            will be signed soon.
        policy_uri: The public practice statement, or None.
        lifetime_seconds: Of every token.

    Raises:
        ConfigurationError: If one of these is ill-formed.
        KeySetError: If a ``kid`` is not the thumbprint of its key.
    """
    base = checked_issuer(issuer).rstrip("/")
    if any(key.kid != key.thumbprint for key in key_set):
        raise KeySetError("got a kid that is not the thumbprint of its key")
    if (
        type(lifetime_seconds) is not int
        or not MIN_LIFETIME_SECONDS <= lifetime_seconds <= MAX_LIFETIME_SECONDS
    ):
        raise ConfigurationError("got another lifetime_seconds than a token may have")
    metadata: dict[str, object] = {
        "issuer": issuer,
        "jwks_uri": f"{base}/{KEY_SET_PATH}",
        "token_type": TOKEN_TYPE,
        "signing_algorithms": sorted({key.alg for key in key_set}),
        "token_lifetime_seconds": lifetime_seconds,
        "iat_granularity_seconds": IAT_GRANULARITY_SECONDS,
    }
    if policy_uri is not None:
        metadata["policy_uri"] = checked_policy_uri(policy_uri)
    return {KEY_SET_PATH: _document(key_set.to_dict()), METADATA_PATH: _document(metadata)}


def _document(members: Mapping[str, object]) -> bytes:
    return (json.dumps(members, indent=2) + "\n").encode("ascii")


def write_publication(folder: str | os.PathLike[str], files: Mapping[str, bytes]) -> list[str]:
    """Write the documents below a web server's folder, each one whole or not at all.

    A document is put in place by renaming, so that nobody is served half of it; one that has not
    changed is not touched. Existing files are replaced: these are public documents.

    Args:
        folder: What is served as the issuer's URL; made if it is absent.
        files: Of :func:`publication_files`.

    Returns:
        The paths that were written, in the order of ``files``: the key set first.

    Raises:
        ConfigurationError: If a file cannot be written; the documents before it are in place.
    """
    written: list[str] = []
    reason: str | None = None
    try:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_bytes() != content:
                _replace(path, content)
                written.append(name)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or "not a path"
    if reason is not None:
        raise ConfigurationError(f"cannot write what is to be published: {reason}")
    return written


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_READABLE_BY_ALL)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
