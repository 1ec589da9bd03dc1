"""A process that crashes in the middle of an assessment leaves no dump of the picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from ageassure.audit.retention.pictures import Encoding, make_picture
from ageassure.audit.retention.scenes import Scene
from ageassure.imaging import decode

LIFTED = ("sh", "-c", 'ulimit -c unlimited && exec "$@"', "sh")
PATTERN = Path("/proc/sys/kernel/core_pattern")

CODE = """
import os, resource, sys
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.hardening import harden_process

estimator = FacialAgeEstimator()
unlimited = resource.RLIM_INFINITY
if sys.argv[2] == "hardened":
    harden_process()
    # The limit alone is lifted again: a dump is still not made, nor given to a crash handler.
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    assert hard == 0
elif sys.argv[2] == "undumpable":
    from ageassure.hardening import set_dumpable
    set_dumpable(dumpable=False)
FacialPipeline.age_probabilities = lambda *_: os.abort()
estimator.estimate(bytearray(open(sys.argv[1], "rb").read()))
"""


def dumps(tmp_path: Path, mode: str) -> list[Path]:
    """Crash a process of that kind in a folder of its own, and return the dumps found there."""
    picture = make_picture(Scene.ONE_FACE, Encoding.PNG, 512, seed=7)
    folder = tmp_path / mode
    folder.mkdir()
    (tmp_path / "picture").write_bytes(picture.file)
    done = subprocess.run(
        [*LIFTED, sys.executable, "-c", CODE, str(tmp_path / "picture"), mode],
        cwd=folder,
        capture_output=True,
    )
    if done.returncode != -6:
        pytest.skip(f"the limit of core files cannot be lifted here: {done.stderr[-200:]!r}")
    return list(folder.iterdir())


@pytest.mark.skipif(
    not PATTERN.exists() or not PATTERN.read_text().startswith("core"),
    reason="the kernel writes core files elsewhere, or none",
)
def test_only_a_process_that_is_not_hardened_leaves_one(tmp_path: Path) -> None:
    left = dumps(tmp_path, "plain")
    if not left:
        pytest.skip("the kernel writes no core files here")
    with decode((tmp_path / "picture").read_bytes()) as frame:
        row = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)[5].tobytes()
        rgb = frame.pixels[5].tobytes()
    dump = left[0].read_bytes()
    assert rgb in dump or row in dump  # the canary row at the border
    del dump
    left[0].unlink()
    assert dumps(tmp_path, "undumpable") == []
    assert dumps(tmp_path, "hardened") == []
