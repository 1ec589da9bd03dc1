"""Digests of all model files that this version trusts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# What `sha256sum */model.toml */*.onnx */*.json` prints in the folder models.
_TABLE: Final = """\
dadd416b1a38ceed83df40630425b65e67cd45ce88bdec474157a6bf648b4e6c  age-v1/age-v1.onnx
091418d1e07b9c4328467907f98ee73603bb930b72ffa93b3a83850958e30e3a  age-v1/alignment.json
a2c30d13530726b6360057c2edb31aa9c2d7755ff36fe64b4fcc6d840383fe4b  age-v1/calibration.json
ccf6e29b63f200a5ef5b3734de9308a1481393e5437f9f3cc3dcfbb7f3a52095  age-v1/model.toml
f8d36b970f7116a2a3c885fa61f220072455a7f920c9e64ea7d45cd258cb4268  age-v1/operating_points.json
37012bc3bf13d6b10b509e4ef0e17a0fce5edc07e54530ba49f0a0b037fb9d2a  blazeface-128/blazeface-128.onnx
f68259d8d742ba9b45f9a8a5f3804f40bc62a8878784b56178aebfcf31d2a261  blazeface-128/model.toml
eedd5d2aaa8be247fb4ae60c156ab8bbf3d3101da366c70faff8c5a9c384071b  blazeface-256/blazeface-256.onnx
5d7ed21130cc116da622d883e96da3eb9d20c8cc95a498ca350f1e97f2da63f3  blazeface-256/model.toml
aed056c9ca6c3de288397701fb6cec93b8b3a1b22c2f6dd4d97375b2dfa54b62  face-mesh-468/face-mesh-468.onnx
86d597d114401246752d2d2d243c08c432ac64b3ca490c8d26a96308498c8dbc  face-mesh-468/model.toml
"""

PINNED: Final[Mapping[str, str]] = MappingProxyType(
    {path: digest for digest, path in (line.split() for line in _TABLE.splitlines())}
)
"""``<model>/<file>`` → SHA-256, 64 hex digits."""

MODEL_IDS: Final = tuple(dict.fromkeys(path.partition("/")[0] for path in PINNED))
