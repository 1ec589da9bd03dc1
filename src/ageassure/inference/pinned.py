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
e76db4a6f984300a7a6e9c03d129ebbd0edea9263e557ed624b5658a42f65028  age-v1/calibration.json
28e68f76161db0546810df513b4d03667ecce54bacec74eca3532a76fcba2d23  age-v1/model.toml
ae68d2694865ea30c59754bd39e6ab05dc655a0582a6a37163a183d00945da4a  age-v1/operating_points.json
eac25b18b762d31a6930f3184e2e9e6cb1b5a6de2e00a3c55b0ed1b0b924f56a  age-v2/age-v2.onnx
e88739d82a54894377ba3003b8bc4479c259ab5535b830dafbbd81bbaa71d71a  age-v2/calibration.json
bd61a1d6505c241291d6f5ffd13fb3a8b40505163894e202065a25bea716753e  age-v2/model.toml
f0709c6d5ee11af6094f8e609d4d2a45377f53f24452df961f97625ee588ec0f  age-v2/operating_points.json
2b4aa2d2c0d52b35b8d1ab1ea365218fa1fe652691543d0fa7f61bf43ef7b5cf  blazeface-128/blazeface-128.onnx
77c4d5fa8f44efcfb5ab588b02e9a90c9ae7fd8625bd39e0708cb717b7bf7c9c  blazeface-128/model.toml
f9bc6c5e9f8be706a9b1209310bc444b294d876a4441bbd38719a9cad92fecee  blazeface-256/blazeface-256.onnx
a0a1eaf7d23665892994e0a5d574d89ae7968698ea7a6187ed0f13806673b850  blazeface-256/model.toml
f88b52beada25111ac055b3ac06317dd280ae05755c67300869a534ac086ca3d  face-mesh-468/face-mesh-468.onnx
549357994f685337fba21b96f8f959b2f6ee88b08f346dba904fa34418a91180  face-mesh-468/model.toml
"""

PINNED: Final[Mapping[str, str]] = MappingProxyType(
    {path: digest for digest, path in (line.split() for line in _TABLE.splitlines())}
)
"""``<model>/<file>`` → SHA-256, 64 hex digits."""

MODEL_IDS: Final = tuple(dict.fromkeys(path.partition("/")[0] for path in PINNED))
