"""One proof, verified in a process of its own."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Final

from ageassure.deadline import checkpoint
from ageassure.estimators.credential.refusal import refused
from ageassure.estimators.credential.zk.process import DOES_NOT_HOLD, HOLDS
from ageassure.extras import require_extra

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric import ec

    from ageassure.estimators.credential.zk.circuits import Circuit

SECONDS: Final = 30
"""Given to one verification, which takes about two on one core."""

MEMORY_BYTES: Final = 2 * 1024**3
"""Given to its process, which takes about 600 MB."""

NO_ELEMENTS: Final = b"\xa0"
"""Device name spaces without elements, encoded."""

_MODULE: Final = "ageassure.estimators.credential.zk.process"
_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Statement:
    """What a proof claims: all of it is public, and none of it is taken from the proof.

    Attributes:
        issuer_key: The document signer's key, on P-256.
        transcript: The encoded session transcript.
        claims: Name space, element and encoded value of each statement.
        timestamp: The moment at which the document is claimed to be valid.
        doc_type: The document's type.
        device_namespaces: Encoded name spaces that the device has signed.
    """

    issuer_key: ec.EllipticCurvePublicKey
    transcript: bytes
    claims: tuple[tuple[str, str, bytes], ...]
    timestamp: datetime
    doc_type: str
    device_namespaces: bytes = NO_ELEMENTS


def require_proof(
    proof: bytes,
    statement: Statement,
    circuit: Circuit,
    *,
    seconds: int = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> None:
    """Verify a proof.

    Raises:
        CredentialError: ``credential_untrusted`` if it does not hold; ``credential_unverifiable``
            if that could not be established within the bounds.
        MissingExtraError: If the extra ``zk`` is not installed.
        UnfinishedError: If the work under way is to stop; the process is ended.
    """
    require_extra("zk", "pylongfellow")
    numbers = statement.issuer_key.public_numbers()
    asked = {
        "memory_bytes": memory_bytes,
        "seconds": seconds,
        "circuit": _text(circuit.data),
        "version": circuit.version,
        "key_x": f"{numbers.x:x}",
        "key_y": f"{numbers.y:x}",
        "transcript": _text(statement.transcript),
        "claims": [[space, name, _text(value)] for space, name, value in statement.claims],
        "timestamp": statement.timestamp.isoformat(),
        "doc_type": statement.doc_type,
        "device_namespaces": _text(statement.device_namespaces),
        "proof": _text(proof),
    }
    answer = _answer(json.dumps(asked).encode(), seconds)
    if answer == DOES_NOT_HOLD:
        raise refused("got a proof that does not hold", code="credential_untrusted")
    if answer != HOLDS:
        raise refused(
            "got no answer about a proof within the bounds", code="credential_unverifiable"
        )


def _answer(asked: bytes, seconds: int) -> bytes | None:
    """What the process says; None if it cannot be started, takes too long or ends otherwise."""
    process: subprocess.Popen[bytes] | None = None
    with suppress(OSError):
        process = subprocess.Popen(  # noqa: S603 - this package, in this interpreter
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    if process is None:
        return None
    said: list[bytes] = []

    def exchange() -> None:
        said.append(process.communicate(asked)[0])

    # In a thread, so that this one can look at the deadline meanwhile.
    thread = Thread(target=exchange, name="ageassure proof", daemon=True)
    thread.start()
    until = time.monotonic() + seconds
    try:
        while thread.is_alive() and time.monotonic() < until:
            checkpoint()
            thread.join(_LOOK_SECONDS)
    finally:
        process.kill()  # its pipes end with it, and so does the thread
        thread.join()
    return said[0] if process.returncode == 0 else None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
