"""An audit of licensed pictures, end to end: degraded, attacked, with conformal bounds.

Small, so that figures say nothing of anybody; what is checked is that they fit together. The
attacks are imitated in numbers (a screen by a pattern and a curve, a print by flat colours) and
the liveness network knows bright from dark: neither says anything of real attacks.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from ageassure.audit.datasets.statement import AgeProof, Statement, statement_path
from ageassure.cli.app import app
from ageassure.errors import EvidenceError, PresentationAttackError
from ageassure.estimators import FacialAgeEstimator, LivenessCheck

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PLAN = """\
seed = 7
axes = ["sex"]
pair_with = "sex"

[[points]]
limit_years = 18
challenge_age_years = 25
alpha = 0.05
protected_band = {band}
"""
PEOPLE = 6
FACES = 40
SIDE = 16


def run(*arguments: object) -> None:
    done = CliRunner().invoke(app, ["audit", *(str(argument) for argument in arguments)])
    assert done.exit_code == 0, done.output


def part(manifest: Path, out: Path, count: int) -> Path:
    """The first rows of a manifest, with its statement."""
    lines = manifest.read_text().splitlines()[: count + 1]
    out.write_text("\n".join(lines) + "\n")
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    stated = re.sub("[0-9a-f]{64}", digest, statement_path(manifest).read_text())
    statement_path(out).write_text(stated)
    return out


def reported(folder: Path, manifest: Path, *more: object, band: str = "[17, 17]") -> dict[str, Any]:
    """The report; made twice, since it must have the same bytes."""
    plan = folder / "plan.toml"
    plan.write_text(PLAN.format(band=band))
    common = ("--manifest", manifest, "--predictions", folder / "p.csv", "--plan", plan, *more)
    for name in ("out", "again"):
        run("report", *common, "--out", folder / name)
    for name in ("report.json", "report.html", "summary.md"):
        assert (folder / "out" / name).read_bytes() == (folder / "again" / name).read_bytes()
    found: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text())
    return found


@pytest.fixture
def london(shared_dir: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A manifest of six people, two pictures of each, measured; and where the pictures lie."""
    root = shared_dir / "data" / "london"
    run("import", "london", root, "--out", tmp_path / "all.csv")
    few = part(tmp_path / "all.csv", tmp_path / "few.csv", 2 * PEOPLE)
    run("measure", few, "--root", root, "--out", tmp_path / "people.csv")
    return tmp_path / "people.csv", root


def test_degraded_pictures_and_measured_conditions(
    london: tuple[Path, Path], tmp_path: Path
) -> None:
    manifest, root = london
    common = ("--manifest", manifest, "--root", root, "--workers", 1)
    run("predict", *common, "--out", tmp_path / "p.csv", "--distribution")
    more: list[object] = []
    for degradation in ("brightness=0.5", "brightness=1.2", "resolution=200", "resolution=96"):
        out = tmp_path / f"{degradation}.csv"
        run("predict", *common, "--out", out, "--degrade", degradation)
        more += ["--degraded", out]
    report = reported(tmp_path, manifest, *more)
    curves = {curve["degradation"]: curve for curve in report["robustness"]}
    assert [level["level"] for level in curves["resolution"]["levels"]] == [96, 200]
    for curve in curves.values():
        for level in curve["levels"]:
            assert level["figures"]["movement"]["n"] == 2 * PEOPLE
            assert 0 < level["figures"]["movement"]["value"] < 30
        assert curve["slope"]["subjects"] == PEOPLE
        assert curve["slope"]["low"] < curve["slope"]["high"]
    blurred, sharp = (
        level["figures"]["movement"]["value"] for level in curves["resolution"]["levels"]
    )
    assert blurred > sharp
    eyes, yaw = report["evaluation"]["conditions"]
    assert (eyes["name"], yaw["name"]) == ("inter_ocular_pixels", "yaw_degrees")
    assert all(30 < part["least"] < 300 for part in eyes["parts"])
    assert all(0 <= part["least"] < 25 for part in yaw["parts"])  # all look into the camera
    assert yaw["slope_within"]["subjects"] == PEOPLE
    assert report["evaluation"]["coverage_by_year"]["pit"][0]["n"] == 2 * PEOPLE
    page = (tmp_path / "out" / "report.html").read_text()
    for name in ("robustness-brightness", "robustness-resolution", "condition-yaw-degrees"):
        assert f'aria-labelledby="{name}-t' in page


def as_a_screen(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A fine pattern over darker middle tones, as of a photographed screen."""
    rows, columns = np.indices(pixels.shape[:2])
    pattern = 1 + 0.08 * np.sin(rows * 2.1) * np.sin(columns * 1.9)
    dark = 255 * (pixels / 255.0) ** 2.2 * pattern[..., None]
    return np.asarray(dark.clip(0, 255), dtype=np.uint8)


def as_a_print(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Flat and pale, as of a photographed print."""
    return np.asarray(110 + pixels * 0.45, dtype=np.uint8)


def brightness_check(folder: Path, bar: float) -> LivenessCheck:
    """A network that takes for living what is bright."""
    weights = np.array([[0, 1], [0, 1], [0, 1]], dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["face"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "weights"], ["scores"]),
        ],
        "bright",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx = model.SerializeToString()
    manifest = f"""\
schema = 1
id = "bright"
role = "presentation-attack"
intended_use = "Tests."
not_for = ["anything else"]
known_limits = ["It knows bright from dark."]

[file]
name = "model.onnx"
sha256 = "{hashlib.sha256(onnx).hexdigest()}"
bytes = {len(onnx)}

[source]
origin = "made by the test"

[licence]
spdx = "Apache-2.0"
attribution = "-"
url = "-"
changes = "none"

[cost]
macs = 9
milliseconds = 0.1
measured_on = "nothing"

[input]
name = "face"
dtype = "float32"
shape = [1, 3, {SIDE}, {SIDE}]
colour_order = "RGB"
mean = [127.5, 127.5, 127.5]
divisor = 127.5
fit = {{ kind = "face-square", scale = 1.0, border_byte = 0 }}

[[output]]
name = "scores"
source_name = "scores"
dtype = "float32"
shape = [1, 2]
meaning = "Logits."

[liveness]
classes = ["attack", "live"]
live = "live"
bar = {bar}
values = "logits"
"""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(onnx)
    (folder / "model.toml").write_text(manifest)
    return LivenessCheck.supplied(
        folder, manifest_sha256=hashlib.sha256(manifest.encode()).hexdigest()
    )


def answered(estimator: FacialAgeEstimator, pixels: NDArray[np.uint8]) -> tuple[str, str]:
    """What the attack set says of one presentation: the answer, and was it let through at 25?"""
    try:
        estimate = estimator.estimate(pixels)
    except PresentationAttackError:
        return "attack", "no"
    except EvidenceError:
        return "no_response", "no"
    return "bona_fide", "yes" if estimate.mean_years >= 25 else "no"


def test_an_imitated_attack_set(london: tuple[Path, Path], tmp_path: Path) -> None:
    manifest, root = london
    common = ("--manifest", manifest, "--root", root, "--workers", 1)
    run("predict", *common, "--out", tmp_path / "p.csv")
    estimator = FacialAgeEstimator(liveness=brightness_check(tmp_path / "check", 0.5))
    rows = []
    for person in csv.DictReader(manifest.read_text().splitlines()):
        pixels = cv2.imread(str(root / person["path"]), cv2.IMREAD_COLOR_RGB)
        assert pixels is not None
        shown = np.asarray(pixels, dtype=np.uint8)
        for name, made in (
            ("", shown),
            ("imitated screen", as_a_screen(shown)),
            ("imitated print", as_a_print(shown)),
        ):
            rows.append((name, person["subject"], *answered(estimator, made)))
    attacks = tmp_path / "attacks.csv"
    with attacks.open("w", newline="") as file:
        csv.writer(file).writerows([("species", "instrument", "answer", "let_through"), *rows])
    report = reported(tmp_path, manifest, "--attacks", attacks)
    found = report["liveness"]
    species = {one["name"]: one for one in found["species"]}
    assert set(species) == {"imitated screen", "imitated print"}
    for name, one in species.items():
        said = [row[2] for row in rows if row[0] == name]
        assert one["apnrr"]["k"] == said.count("no_response")
        assert (one["apcer"]["k"], one["apcer"]["n"]) == (
            said.count("bona_fide"),
            len(said) - said.count("no_response"),
        )
        assert one["instruments"] == PEOPLE
    # Dark pictures are told from bright ones, pale ones are not: the worst species stands.
    assert species["imitated screen"]["apcer"]["value"] < 0.5
    assert species["imitated print"]["apcer"]["value"] > 0.5
    assert found["worst_apcer"] == "imitated print"
    assert found["bpcer"]["n"] == 2 * PEOPLE
    assert found["riapar"]["value"] == found["frr"]["value"] + found["iapar_max"]["value"]
    assert 'aria-labelledby="attacks-t' in (tmp_path / "out" / "report.html").read_text()


def test_conformal_bounds_of_people_of_whom_nothing_was_fitted(
    shared_dir: Path, tmp_path: Path
) -> None:
    """On age groups, of which the first year counts."""
    root = shared_dir / "data" / "fairface-train"
    with (root / "labels.csv").open(encoding="utf-8", newline="") as labels:
        faces = list(itertools.islice(csv.DictReader(labels), 2 * FACES))
    for name, some in (("people", faces[:FACES]), ("others", faces[FACES:])):
        rows = [
            f"{face['file']},shard-0{face['shard']}.tar#{face['file']},{face['age_low']},"
            f"{face['age_high']},{face['sex']}"
            for face in some
        ]
        manifest = tmp_path / f"{name}.csv"
        manifest.write_text("\n".join(["sample_id,path,age_low,age_high,sex", *rows]) + "\n")
        statement = Statement(
            name="FairFace, some pictures",
            licence="CC BY 4.0",
            age_proof=AgeProof.APPARENT,
            manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
            border_pixels=64,  # the chips are cut too close for a detector
        )
        statement_path(manifest).write_text(statement.to_toml())
    for name, out in (("people", "p.csv"), ("others", "o.csv")):
        run(
            *("predict", "--manifest", tmp_path / f"{name}.csv", "--root", root, "--workers", 1),
            *("--out", tmp_path / out),
        )
    report = reported(
        tmp_path,
        tmp_path / "people.csv",
        *("--calibration-manifest", tmp_path / "others.csv"),
        *("--calibration-predictions", tmp_path / "o.csv"),
        band="[10, 19]",
    )
    found = report["evaluation"]["conformal"]
    assert found["margin"]["n"] <= FACES
    assert 0 < found["margin"]["value"] < 40
    covered = found["covered"][0]["figures"]["with_margin"]
    assert covered["value"] > 0.7
    assert covered["low"] < covered["high"]
    assert any(c["figures"]["margin_years"]["value"] is None for c in found["margins"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Conformal lower bounds" in page
    assert "right; everybody&#39;s most rarely for " in page
