"""What no replay store takes for a claim: a key and the time until which it is to be kept."""

from __future__ import annotations

from typing import Any, Final

T0: Final = 1_780_000_000

NO_CLAIMS: Final[list[tuple[Any, Any]]] = [
    (b"short", T0),
    (bytes(33), T0),
    ("k" * 32, T0),
    (None, T0),
    ([], T0),
    (bytearray(32), T0),
    (bytes(32), None),
    (bytes(32), "soon"),
    (bytes(32), True),
    (bytes(32), 1.5e9),
    (bytes(32), -1),
    (bytes(32), 2**62),
    (bytes(32), 2**63),
    (bytes(32), 2**31 * 60),
]
