"""The two forms of a calibration, and the reader that tells them apart."""

from __future__ import annotations

from typing import Final

from ageassure.errors import ModelIntegrityError
from ageassure.estimators.facial import calibration, scaling
from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.calibration_text import parsed
from ageassure.estimators.facial.scaling import GroupScaling

AnyCalibration = Calibration | GroupScaling

_FORMS: Final[dict[object, type[Calibration | GroupScaling]]] = {
    calibration.FORMAT: Calibration,
    scaling.FORMAT: GroupScaling,
}


def read_calibration(text: bytes) -> AnyCalibration:
    """Read ``calibration.json`` of either form, strictly.

    Raises:
        ModelIntegrityError: If it is not exactly of one of them.
    """
    document = parsed(text)
    name = document.get("format") if isinstance(document, dict) else None
    form = _FORMS.get(name) if isinstance(name, str) else None
    if form is None:
        raise ModelIntegrityError(f"got another calibration format, expected one of {[*_FORMS]}")
    return form.from_json(text)
