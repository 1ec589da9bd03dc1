"""A plug-in estimator that is installed for the length of a test, for processes of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MODULE = '''
import hashlib, os, time
from ageassure.errors import FaceError
from ageassure.testing import estimated_age

class Steady:
    """Age and refusals from the picture's bytes; slow if told so."""

    pipeline_digest = "5" * 64
    model_bytes = "its own business"

    def __init__(self):
        if "STEADY_PIDS" in os.environ:
            open(os.path.join(os.environ["STEADY_PIDS"], str(os.getpid())), "x").close()

    def estimate(self, evidence):
        time.sleep(float(os.environ.get("STEADY_SECONDS", "0")))
        first, second = hashlib.sha256(evidence).digest()[:2]
        if first % 7 == 0:
            raise FaceError("made up", code="no_face")
        return estimated_age(10 + first / 10, spread_years=second % 9)
'''


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plug-in ``steady``; found by this process and those that it starts."""
    site = folder / "site"
    (site / "steady-1.dist-info").mkdir(parents=True)
    (site / "steady_estimator.py").write_text(MODULE)
    (site / "steady-1.dist-info" / "METADATA").write_text("Name: steady\nVersion: 1\n")
    (site / "steady-1.dist-info" / "entry_points.txt").write_text(
        "[ageassure.estimators]\nsteady = steady_estimator:Steady\n"
    )
    monkeypatch.syspath_prepend(str(site))
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTHONPATH", path)
