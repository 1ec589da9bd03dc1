"""Digests of all model files that this version trusts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PINNED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({})
"""Model → file in its folder → SHA-256."""

BLOCKED_LAYOUT: Final = frozenset({"blazeface-128", "blazeface-256", "face-mesh-468"})
"""Networks of depthwise convolutions gain from onnxruntime's blocked layout; age-v1 loses by it."""
