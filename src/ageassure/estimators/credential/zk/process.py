"""The process that verifies one proof: ``python -m ageassure.estimators.credential.zk.process``.

It takes one JSON object on standard input, limits itself, and says :data:`HOLDS` or
:data:`DOES_NOT_HOLD`; whatever else happens to it is no answer. The only module that imports
pylongfellow. Of its two backends the one in Rust is used, for the memory safety.
"""

from __future__ import annotations

import base64
import json
import sys
from datetime import datetime
from typing import Any, Final

HOLDS: Final = b"the proof holds"
DOES_NOT_HOLD: Final = b"the proof does not hold"


def main() -> None:
    """Verify what standard input asks."""
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    limit(asked["memory_bytes"], asked["seconds"])
    sys.stdout.buffer.write(HOLDS if verified(asked) else DOES_NOT_HOLD)


def limit(memory_bytes: int, seconds: int) -> None:
    """Bound this process's memory and time, where the system can; allow no core dump."""
    try:
        import resource
    except ImportError:  # Windows has none; the time is bounded from outside
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def verified(asked: dict[str, Any]) -> bool:
    """Does the proof hold?"""
    from pylongfellow import LongfellowError, Pylongfellow
    from pylongfellow.mdoc import PublicKey, RequestedAttribute

    longfellow = Pylongfellow(backend="isrg-rust")
    longfellow.load_circuit(_bytes(asked["circuit"]), asked["version"], len(asked["claims"]))
    try:
        longfellow.verify(
            PublicKey(int(asked["key_x"], 16), int(asked["key_y"], 16)),
            _bytes(asked["transcript"]),
            [RequestedAttribute(ns, name, _bytes(value)) for ns, name, value in asked["claims"]],
            datetime.fromisoformat(asked["timestamp"]),
            _bytes(asked["proof"]),
            asked["doc_type"],
            device_namespaces=_bytes(asked["device_namespaces"]),
        )
    except LongfellowError:
        return False
    return True


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


if __name__ == "__main__":
    main()
