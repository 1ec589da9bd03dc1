"""Age from documents: machine-readable zones, driving licences and chips.

A birth date is read, turned into completed years and dropped, in one call; names and numbers are
not read. What is taken is one of the frozen evidence types below, each with a
:class:`HolderCheck` that the caller attests: without one an estimate is unbound, and a policy that
requires binding does not settle on it.

Reading a barcode from a picture needs the extra ``documents``; nothing else does. The names below
are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ageassure.estimators.document.chip.estimator import ChipAgeEstimator, ChipData
    from ageassure.estimators.document.holder import HolderCheck
    from ageassure.estimators.document.licence import (
        LicenceAgeEstimator,
        LicenceBarcode,
        LicencePicture,
    )
    from ageassure.estimators.document.mrz import MachineReadableZone, MRZAgeEstimator

_HOMES = {
    "ChipAgeEstimator": "chip.estimator",
    "ChipData": "chip.estimator",
    "HolderCheck": "holder",
    "LicenceAgeEstimator": "licence",
    "LicenceBarcode": "licence",
    "LicencePicture": "licence",
    "MRZAgeEstimator": "mrz",
    "MachineReadableZone": "mrz",
}

__all__ = [
    "ChipAgeEstimator",
    "ChipData",
    "HolderCheck",
    "LicenceAgeEstimator",
    "LicenceBarcode",
    "LicencePicture",
    "MRZAgeEstimator",
    "MachineReadableZone",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
