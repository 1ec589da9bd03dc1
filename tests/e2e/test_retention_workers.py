"""Where the allocator cannot be told to overwrite: a worker that ends leaves nothing either.

Neither process is hardened by its start. The same search finds the picture when the shipped
estimator runs in such a process itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.retention.forms import picture_forms
from ageassure.audit.retention.pictures import Encoding, make_picture
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.search import index_texts
from ageassure.audit.retention.watched import WatchedProcess
from ageassure.estimators.facial.pipeline import FacialPipeline

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="workers forbid being looked into, and only Linux's root may do so all the same",
)

OWN = """
from ageassure.estimators import WorkerEstimator

def working():
    return WorkerEstimator("facial")
"""
ENTRY_POINTS = "[ageassure.estimators]\nworking = own_workers:working\n"


def test_nothing_is_left_in_the_tree_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_workers.py").write_text(OWN)
    folder = tmp_path / "own_workers-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: own-workers\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    home = tmp_path / "home"
    home.mkdir()
    pipeline = FacialPipeline.shipped()
    found: dict[tuple[str, Scene], int] = {}
    for name in ("facial", "working"):
        with WatchedProcess(name, threads=1, home=home, hardened=False) as process:
            for scene, outcome in ((Scene.ONE_FACE, "estimated"), (Scene.NO_FACE, "no_face")):
                picture = make_picture(scene, Encoding.PNG, 512, seed=len(found))
                texts = index_texts(picture_forms(picture, pipeline).texts)
                assert process.assess(picture.file) == (outcome,)
                runs, searched = process.search(texts)
                assert searched > 50_000_000
                found[name, scene] = runs.total()
            assert process.network == 0
            assert process.files == 0
            assert process.written == process.unread == set()
    assert list(home.iterdir()) == []
    assert found["working", Scene.ONE_FACE] == found["working", Scene.NO_FACE] == 0
    assert found["facial", Scene.ONE_FACE] > 0
