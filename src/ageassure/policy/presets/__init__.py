"""Presets: one reading of a law or a regulator's guidance as a chain of methods, as data files.

A preset is **no legal advice**. It names its sources with their dates, the day on which it was
drawn up from them, and what it leaves to the operator. It brings no evidence of its own: bars are
the operator's, earned by the very pipeline that will judge. Numbers that no source sets (an error
of 1 %, two attempts) are this library's choice, and the file says so.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Final

from ageassure.errors import ConfigurationError
from ageassure.policy.presets.file import parse_preset
from ageassure.policy.presets.preset import Preset, PresetStep, Source

__all__ = [
    "PROFILES",
    "Preset",
    "PresetStep",
    "Source",
    "load_preset",
    "preset_names",
    "read_preset",
]

PROFILES: Final = frozenset({"direct"})
"""Token profiles that this version has. In ``direct`` the issuer learns which platform asks."""

_FOLDER: Final = files(__name__)


def preset_names() -> tuple[str, ...]:
    """Names of the presets that ship, sorted."""
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in _FOLDER.iterdir()
            if entry.name.endswith(".toml")
        )
    )


def read_preset(name: str) -> Preset:
    """Read a preset to look at it, whether or not this version can follow it.

    Raises:
        ConfigurationError: If there is none of this name.
    """
    if name not in preset_names():
        raise ConfigurationError(f"got an unknown preset, expected one of {preset_names()}")
    data = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return parse_preset(data, name=name)


def load_preset(name: str) -> Preset:
    """Load a preset to follow it.

    Raises:
        ConfigurationError: If there is none of this name, or it needs a token profile that this
            version does not have.
    """
    preset = read_preset(name)
    if preset.needs_profile not in PROFILES:
        raise ConfigurationError(
            f"the preset {name} needs the token profile {preset.needs_profile!r}, which this "
            "version does not have; nothing weaker stands in for it"
        )
    return preset
