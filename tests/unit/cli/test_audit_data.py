"""``audit predict`` and its neighbours, through the real command line."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure.audit.datasets.statement import AgeProof, Statement
from ageassure.audit.prediction.files import read_predictions
from ageassure.audit.resources import Resources
from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """One public-domain portrait, and a picture without a face."""
    import hashlib

    for name in ("astronaut", "coffee"):
        content = (files("skimage.data") / f"{name}.png").read_bytes()
        (tmp_path / f"{name}.png").write_bytes(content)
    path = tmp_path / "people.csv"
    path.write_text("sample_id,path,age\na,astronaut.png,34\nb,coffee.png,0\nc,none.png,1\n")
    statement = Statement(
        name="a portrait",
        licence="public domain",
        age_proof=AgeProof.DOCUMENT,
        manifest_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    path.with_suffix(".toml").write_text(statement.to_toml())
    return path


def test_predict_writes_a_row_for_each_picture(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    done = run("audit", "predict", "--manifest", people, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["by_status"] == {"no_face": 1, "ok": 1, "picture_unreadable": 1}
    found = read_predictions(out)
    assert 20 < found.estimated_age_years[0] < 60
    cost = Resources.from_data(json.loads((tmp_path / "p.run.json").read_text())["resources"])
    assert (cost.n, cost.network_threads) == (2, 1)
    assert cost.model_bytes is not None
    assert cost.install_bytes is not None
    assert 1_000_000 < cost.model_bytes < cost.install_bytes
    again = run("audit", "predict", "--manifest", people, "--out", out)
    assert again.exit_code == ExitStatus.AUDIT_INPUT
    assert "exists and is not overwritten (bad_predictions)" in again.stderr


def test_predict_can_write_whole_distributions(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    done = run("audit", "predict", "--manifest", people, "--out", out, "--distribution")
    assert done.exit_code == 0, done.output
    found = read_predictions(out)
    assert found.p_over.shape == (3, 120)
    assert found.p_over[0].sum() == pytest.approx(found.estimated_age_years[0])


def test_measure_writes_a_manifest_that_predict_takes(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "measured.csv"
    done = run("audit", "measure", people, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["not_measured"] == {"no_face": 1, "picture_unreadable": 1}
    assert "yaw_degrees" in out.read_text().splitlines()[0]
    done = run("audit", "predict", "--manifest", out, "--out", tmp_path / "p.csv")
    assert done.exit_code == 0, done.output


def test_predict_can_make_pictures_worse(people: Path, tmp_path: Path) -> None:
    for name, more in (("p.csv", ()), ("d.csv", ("--degrade", "blur=0.02"))):
        done = run("audit", "predict", "--manifest", people, "--out", tmp_path / name, *more)
        assert done.exit_code == 0, done.output
    plain, worse = (read_predictions(tmp_path / name) for name in ("p.csv", "d.csv"))
    assert plain.estimated_age_years[0] != worse.estimated_age_years[0]
    assert json.loads((tmp_path / "d.run.json").read_text())["degradation"] == "blur"


@pytest.mark.parametrize("degrade", ["blur", "blur=x", "age=1", "blur=9"])
def test_predict_refuses_other_degradations(people: Path, tmp_path: Path, degrade: str) -> None:
    out = tmp_path / "p.csv"
    done = run("audit", "predict", "--manifest", people, "--out", out, "--degrade", degrade)
    assert done.exit_code == ExitStatus.CONFIGURATION
    assert not list(tmp_path.glob("p.*"))


def test_a_root_that_is_not_there_is_not_a_set_without_pictures(
    people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    for command in (
        ["predict", "--manifest", people, "--out", out],
        ["measure", people, "--out", out],
        ["leakage", people],
    ):
        done = run("audit", *command, "--root", tmp_path / "mistyped")
        assert done.exit_code == ExitStatus.CONFIGURATION
        assert "mistyped" in done.output
        assert not out.exists()


def test_predict_tells_the_lines_of_a_bad_manifest(people: Path, tmp_path: Path) -> None:
    people.write_text("sample_id,path,age\na,astronaut.png,212\n")
    statement = people.with_suffix(".toml")
    import hashlib
    import re

    digest = hashlib.sha256(people.read_bytes()).hexdigest()
    statement.write_text(re.sub("[0-9a-f]{64}", digest, statement.read_text()))
    done = run("audit", "predict", "--manifest", people, "--out", tmp_path / "p.csv")
    assert done.exit_code == ExitStatus.AUDIT_INPUT
    assert "people.csv: line 2: age is no number of 0 to 120 (bad_data_set)" in done.stderr


def test_without_the_extra_it_says_what_to_install(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("ageassure.extras.find_spec", lambda name: None if name == "tqdm" else name)
    done = run("audit", "predict", "--manifest", people, "--out", tmp_path / "p.csv")
    assert done.exit_code == ExitStatus.CONFIGURATION
    assert "pip install 'ageassure[audit]'" in done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders by age; the same picture lies in both."""
    picture = (files("skimage.data") / "astronaut.png").read_bytes()
    for age in ("20", "30-39"):
        (tmp_path / "faces" / age).mkdir(parents=True)
        (tmp_path / "faces" / age / "a.png").write_bytes(picture)
    (tmp_path / "faces" / "20" / "b.png").write_bytes(
        (files("skimage.data") / "coffee.png").read_bytes()
    )
    return tmp_path / "faces"


def test_datasets_says_what_was_run_on_the_real_set() -> None:
    told = json.loads(run("audit", "datasets", "--json").stdout)["layouts"]
    assert {one["name"] for one in told if one["run_on_the_real_set"]} == {
        "fairface-shards",
        "london",
    }
    lines = run("audit", "datasets").stdout.splitlines()
    assert any(line.startswith("utkface") and "not run on the real set" in line for line in lines)


def test_import_validate_and_leakage(folder: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    done = run("audit", "import", "folder", folder, "--out", first)
    assert (done.exit_code, done.stdout) == (0, f"{first}: 3 rows\n")
    done = run("audit", "validate", first, "--json")
    assert json.loads(done.stdout)["exact_ages"] == 2
    second = tmp_path / "second.parquet"
    assert run("audit", "import", "folder", folder, "--out", second).exit_code == 0
    done = run("audit", "leakage", first, second, "--root", folder, "--root", folder)
    assert done.exit_code == ExitStatus.AUDIT_FINDING
    assert "the same bytes: 5" in done.stdout
    assert "people in more than one: not known" in done.stdout
    done = run("audit", "leakage", first, second, "--root", folder)
    assert done.exit_code == ExitStatus.CONFIGURATION
    for arguments in ([first], [first, second, "--split", "sex"]):
        assert run("audit", "leakage", *arguments).exit_code == ExitStatus.CONFIGURATION


def test_leakage_between_the_parts_of_one_manifest(folder: Path, tmp_path: Path) -> None:
    path = folder / "m.csv"
    path.write_text("sample_id,path,age,subject,part\na,20/a.png,20,p,x\nb,20/b.png,30,q,y\n")
    state(path)
    said = run("audit", "validate", path).stdout.splitlines()
    assert said == ["rows: 2", "subjects: 2", "exact_ages: 2", "groups: part 2"]
    done = run("audit", "leakage", path, "--split", "part")
    assert done.exit_code == 0
    assert "people in more than one: 0" in done.stdout
    path.write_text(path.read_text() + "".join(f"c{n},30-39/a.png,30,p,y\n" for n in range(1)))
    state(path)
    done = run("audit", "leakage", path, "--split", "part")
    assert done.exit_code == ExitStatus.AUDIT_FINDING
    assert "people in more than one: 1" in done.stdout


def test_long_lists_of_pairs_are_cut_for_people(folder: Path, tmp_path: Path) -> None:
    picture = (folder / "20" / "a.png").read_bytes()
    rows = ["sample_id,path,age,part"]
    for number in range(10):
        (folder / f"{number}.png").write_bytes(picture)
        rows.append(f"{number},{number}.png,30,{'xy'[number % 2]}")
    path = folder / "m.csv"
    path.write_text("\n".join(rows) + "\n")
    state(path)
    done = run("audit", "leakage", path, "--split", "part")
    assert "the same bytes: 25" in done.stdout
    assert "and 5 more; --json lists all" in done.stdout


def state(path: Path) -> None:
    import hashlib

    statement = Statement(
        name="a portrait",
        licence="public domain",
        age_proof=AgeProof.DOCUMENT,
        manifest_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    path.with_suffix(".toml").write_text(statement.to_toml())


def test_pseudonymise_tells_manifests_from_predictions(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    assert run("audit", "predict", "--manifest", people, "--out", out).exit_code == 0
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    for source, target in ((people, tmp_path / "q.csv"), (out, tmp_path / "q-p.csv")):
        done = run("audit", "pseudonymise", source, "--key", key, "--out", target)
        assert (done.exit_code, done.stdout) == (0, f"{target}: 3 rows\n")
    done = run("audit", "validate", tmp_path / "q.csv", "--predictions", tmp_path / "q-p.csv")
    assert done.exit_code == 0
    assert "processed: 1" in done.stdout
