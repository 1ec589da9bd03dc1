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
4fe980e8f7f9d4eb7c9a3e146c759baee47769445a357c17adf81439373fc258  age-v1/calibration.json
730be55e1bee151453134a9662aedbf724baf375ef26cd1937fc771538efd1f3  age-v1/model.toml
c98e13ead994eae986e71e5b07a97d2c4e85a5d39f1419e26bb8661798c227c3  age-v1/operating_points.json
eac25b18b762d31a6930f3184e2e9e6cb1b5a6de2e00a3c55b0ed1b0b924f56a  age-v2/age-v2.onnx
42ac727b0e976b9001151d18ea8dfbc53992ecf4daf9f3347f76fe2eb7f1fadc  age-v2/calibration.json
0065b78049b57dd97c1da3a00539f9e660d7b81b13d60cf65986758f6a8011c5  age-v2/model.toml
0d05c9e0f4376bb0002d926a8d09262edd1cbe44c467b07ead9f2953ddfe78cf  age-v2/operating_points.json
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
