"""Calibrations and operating points of the age networks: what makes them, and the files."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from ageassure.errors import InsufficientEvidenceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.calibration import Calibration
from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.pipeline import AGE_MODELS, FacialPipeline
from ageassure.estimators.facial.raw import FEATURES
from ageassure.policy import ChallengeAge, LowerBar
from ageassure.results import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = Path(__file__).resolve().parents[3] / "models"
SCRIPTS = {
    "fairface_split": "data",
    "fairface_chips": "data",
    "fairface_outputs": "data",
    "ordinal": "calibration",
    "group_scaling": "calibration",
    "fit": "calibration",
    "operating_points": "calibration",
    "refit": "calibration",
}
DIGEST = "d" * 64
TEENS, TWENTIES = 2, 3


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, Any]]:
    """The scripts, under the names by which they import each other."""
    path, loaded = list(sys.path), dict(sys.modules)
    try:
        for name, folder in SCRIPTS.items():
            spec = importlib.util.spec_from_file_location(name, MODELS / folder / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
        yield {name: sys.modules[name] for name in SCRIPTS}
    finally:
        sys.path[:] = path
        for name in SCRIPTS:
            sys.modules.pop(name, None)
            if name in loaded:
                sys.modules[name] = loaded[name]


@pytest.fixture(scope="module", params=AGE_MODELS)
def model_id(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def committed(model_id: str) -> Any:
    return json.loads((MODELS / model_id / "operating_points.json").read_bytes())


def _entries(document: Any) -> Iterator[tuple[Any, type[ChallengeAge | LowerBar], Direction]]:
    for entry in document["challenge_ages"]:
        yield entry, ChallengeAge, Direction.OVER
    for entry in document["lower_bars"]:
        yield entry, LowerBar, Direction.UNDER


# -- the committed files ------------------------------------------------------------------------


def test_every_limit_and_error_has_an_entry(committed: Any) -> None:
    asked = {(limit, alpha) for limit in (13, 16, 18, 21) for alpha in (0.05, 0.01, 0.005)}
    for name in ("challenge_ages", "lower_bars"):
        entries = [(entry["age_limit"], entry["alpha"]) for entry in committed[name]]
        assert sorted(entries) == sorted(asked)


def test_every_bar_carries_its_own_evidence(committed: Any) -> None:
    for entry, kind, side in _entries(committed):
        if entry["bar"] is None:
            assert "expected at least" in entry["insufficient_evidence"]
            continue
        bar = kind.from_dict(entry["bar"])
        bar.check(entry["age_limit"], side)
        assert bar.alpha == entry["alpha"]
        assert bar.upper_bound <= bar.alpha
        assert bar.age_years_shown == entry["shown"]
        assert f"{bar.protected_band.first_years}–" in entry["group"]
        assert "apparent" in bar.age_proof


def test_limits_inside_one_group_share_one_bar(committed: Any) -> None:
    ages: dict[tuple[float, int], float] = {
        (entry["alpha"], entry["age_limit"]): entry["bar"]["age_years"]
        for entry in committed["challenge_ages"]
        if entry["bar"]
    }
    for alpha in (0.05, 0.01, 0.005):
        assert len({ages[alpha, limit] for limit in (13, 16, 18)}) == 1
    for limit in (13, 16, 18, 21):
        assert ages[0.05, limit] < ages[0.01, limit] < ages[0.005, limit]


def test_the_test_part_does_not_contradict_the_claim(committed: Any) -> None:
    for entry, _, _ in _entries(committed):
        if entry["bar"]:
            _, n, _, low, _ = entry["test"]["protected"]
            assert n >= 598
            assert low <= entry["alpha"]


def test_the_files_are_of_the_shipped_pipeline_and_the_one_split(
    model_id: str, committed: Any
) -> None:
    estimator = FacialAgeEstimator(model=model_id)
    assert committed["pipeline_digest"] == estimator.pipeline_digest
    fitted = json.loads((MODELS / model_id / "calibration.json").read_bytes())
    digest = committed["data"]["split"]
    assert fitted["fit"]["split"] == digest
    assert digest in (MODELS / "data" / "README.md").read_text(encoding="utf-8")
    for limit in (13, 16, 18, 21):
        bar = estimator.challenge_age(limit, alpha=0.05)
        assert bar.pipeline_digest == estimator.pipeline_digest


def test_failures_to_process_are_counted_by_group(committed: Any) -> None:
    for part in committed["failures_to_process"].values():
        count, n, *_ = part["all"]
        assert sum(part["reasons"].values()) == count
        assert sum(found[0] for found in part["by_group"].values()) == count
        assert sum(found[1] for found in part["by_group"].values()) == n


# -- operating_points.py ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_limit", "over", "group"),
    [
        (13, True, "10–19"),
        (16, True, "10–19"),
        (18, True, "10–19"),
        (20, True, "10–19"),
        (21, True, "20–29"),
        (18, False, "10–19"),
        (20, False, "20–29"),
        (21, False, "20–29"),
    ],
)
def test_the_protected_group_holds_the_year_next_to_the_limit(
    scripts: dict[str, Any], age_limit: int, over: bool, group: str
) -> None:
    points = scripts["operating_points"]
    found = points.protected_group(age_limit, over=over)
    assert scripts["fairface_outputs"].AGE_GROUPS[found] == group


def _entry(scripts: dict[str, Any], people: int, *, over: bool) -> Any:
    """Teenagers estimated at 10, 10.01, …; adults likewise from 20."""
    means = np.concatenate([10 + np.arange(people) / 100, 20 + np.arange(people) / 100])
    groups = np.repeat([TEENS, TWENTIES], people)
    return scripts["operating_points"].entry(
        18, 0.01, over=over, calibration=(means, groups), test=(means, groups), digest=DIGEST
    )


def test_a_bar_comes_from_its_group_and_is_counted_on_the_test_part(
    scripts: dict[str, Any],
) -> None:
    found = _entry(scripts, 1000, over=True)
    bar = ChallengeAge.from_dict(found["bar"])
    assert (bar.n, bar.k) == (1000, 4)
    assert bar.age_years == np.nextafter(19.95, np.inf)
    assert found["test"]["protected"][:3] == [4, 1000, 0.004]
    assert found["test"]["by_group"]["10–19"] == found["test"]["protected"]
    assert found["test"]["by_group"]["20–29"][0] == 1000
    assert found["test"]["by_group"]["30+"] == [0, 0]


def test_a_lower_bar_is_its_mirror_image(scripts: dict[str, Any]) -> None:
    found = _entry(scripts, 1000, over=False)
    assert LowerBar.from_dict(found["bar"]).age_years == pytest.approx(10.04)
    assert found["test"]["called"] == "under"
    assert found["test"]["protected"][:3] == [4, 1000, 0.004]


@pytest.mark.parametrize("over", [True, False])
def test_thin_evidence_is_an_explicit_entry(scripts: dict[str, Any], *, over: bool) -> None:
    found = _entry(scripts, 298, over=over)
    assert found["bar"] is None
    assert "expected at least 299" in found["insufficient_evidence"]
    assert "test" not in found
    assert _entry(scripts, 299, over=over)["bar"]["k"] == 0


def test_the_estimator_refuses_a_bar_without_evidence(
    scripts: dict[str, Any], committed: Any
) -> None:
    from ageassure.estimators.facial.operating_points import OperatingPoints

    thin = committed | {"challenge_ages": [_entry(scripts, 298, over=True)]}
    points = OperatingPoints(
        json.dumps(thin).encode(), pipeline_digest=committed["pipeline_digest"]
    )
    with pytest.raises(InsufficientEvidenceError, match="299"):
        points.challenge_age(18, alpha=0.01)


# -- fit.py, ordinal.py, group_scaling.py -------------------------------------------------------


def _made_up(count: int) -> tuple[Any, Any]:
    """Features and age groups of people whose raw mean is 5 years too high, logistic error."""
    rng = np.random.default_rng(11)
    ages = rng.uniform(0, 80, count)
    features = rng.normal(0, 1, (count, len(FEATURES)))
    features[:, FEATURES.index("mean_years")] = ages + 5 + rng.logistic(0, 3, count)
    groups = np.searchsorted([3, 10, 20, 30, 40, 50, 60, 70], ages, side="right")
    return features, groups


def test_the_fit_finds_what_it_was_given(scripts: dict[str, Any]) -> None:
    features, groups = _made_up(8000)
    calibration = scripts["ordinal"].fit(features, groups, DIGEST)
    location, scale = calibration.location_and_scale(features)
    over_20 = 1 / (1 + np.exp(-(location - calibration.cut_points[19]) / scale))
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        chosen = (over_20 >= low) & (over_20 < high)
        assert over_20[chosen].mean() == pytest.approx((groups[chosen] >= 3).mean(), abs=0.05)
    assert np.abs(np.array(calibration.linear)).max() < 0.3
    assert calibration == scripts["ordinal"].fit(features, groups, DIGEST)


def test_a_fit_that_does_not_converge_is_no_fit(scripts: dict[str, Any]) -> None:
    features, groups = _made_up(200)
    features[0, 0] = np.nan
    with pytest.raises(RuntimeError, match="did not converge"):
        scripts["ordinal"].fit(features, groups, DIGEST)


def test_cut_points_are_kept_at_the_boundaries_and_ascend_between(scripts: dict[str, Any]) -> None:
    cuts = np.array([1.0, 9.0, 12.0, 30.0, 31.0, 50.0, 61.0, 66.0])
    found = scripts["ordinal"].interpolated(cuts)
    assert [found[year - 1] for year in (3, 10, 20, 30, 40, 50, 60, 70)] == cuts.tolist()
    assert len(found) == 120
    assert np.all(np.diff(found) > 0)
    assert found[119] == pytest.approx(66 + 0.5 * 50)


EDGES = (0, 3, 10, 20, 30, 40, 50, 60, 70, 120)


def _people(scripts: dict[str, Any], groups: Any, answers: Any) -> Any:
    """Outputs of people with these age groups and raw answers ``[N, 2, 81]``."""
    faces = tuple(
        scripts["fairface_split"].LabelledFace(
            file=f"{i}", shard=0, age_low=EDGES[group], age_high=EDGES[group + 1] - 1,
            sex="female", ethnicity="A", fairface_file=f"{i}",
            part=scripts["fairface_split"].Part.CALIBRATION,
        )
        for i, group in enumerate(groups)
    )  # fmt: skip
    return scripts["fairface_outputs"].Outputs(
        faces=faces,
        probabilities=answers.astype(np.float32),
        refusals=np.zeros(len(groups), dtype=np.int8),
    )


def _known(count: int, sharpness: float) -> tuple[Any, Any]:
    """Groups drawn from distributions, and answers that are these to the power of 1 / sharpness."""
    rng = np.random.default_rng(12)
    centres = rng.uniform(0, 80, (count, 1))
    true = np.exp(-(((np.arange(81) - centres) / 9) ** 2)) + 1e-5
    shares = np.add.reduceat(true, EDGES[:-1], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    groups = (rng.random((count, 1)) > shares.cumsum(axis=1)).sum(axis=1).clip(0, 8)
    raw = shares ** (1 / sharpness)
    raw /= raw.sum(axis=1, keepdims=True)
    sizes = np.diff([*EDGES[:-1], 81])
    years = np.repeat(raw / sizes, sizes, axis=1)
    return groups, np.repeat(years[:, None], 2, axis=1)


def test_scaling_finds_the_sharpness_that_was_lost(scripts: dict[str, Any]) -> None:
    groups, answers = _known(6000, 1.6)
    found = scripts["group_scaling"].fit(answers, groups, DIGEST)
    assert found.sharpness == pytest.approx(1.6, rel=0.1)
    assert np.ptp(found.log_weights) < 0.5
    assert found == scripts["group_scaling"].fit(answers, groups, DIGEST)


def test_scaling_that_does_not_converge_is_no_fit(scripts: dict[str, Any]) -> None:
    groups, answers = _known(200, 1.0)
    answers[0, 0, 0] = np.nan
    with pytest.raises(RuntimeError, match="did not converge"):
        scripts["group_scaling"].fit(answers, groups, DIGEST)


def test_the_form_with_the_greater_likelihood_is_taken(scripts: dict[str, Any]) -> None:
    rng = np.random.default_rng(13)
    groups, answers = _known(900, 1.5)
    answers = answers * rng.uniform(0.9, 1.1, answers.shape)
    answers /= answers.sum(axis=2, keepdims=True)
    found, likelihoods = scripts["fit"].fit(_people(scripts, groups, answers), DIGEST)
    assert likelihoods.keys() == {"ordinal", "group-scaling"}
    best = max(likelihoods, key=lambda name: likelihoods[name])
    assert (best == "ordinal") is isinstance(found, Calibration)


# -- fairface_outputs.py ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of the calibration part that show nothing."""
    rows = ["0,a.jpg,10,19,male,White,train/4.jpg", "0,b.jpg,20,29,female,Black,train/9.jpg"]
    header = "shard,file,age_low,age_high,sex,ethnicity,fairface_file"
    (tmp_path / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    grey = np.full((128, 128, 3), 120, dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", grey)[1].tobytes()
    with tarfile.open(tmp_path / "shard-00.tar", "w") as archive:
        for name in ("b.jpg", "a.jpg"):
            member = tarfile.TarInfo(name)
            member.size = len(jpeg)
            archive.addfile(member, io.BytesIO(jpeg))
    return tmp_path


def test_outputs_are_measured_once_and_refusals_counted(
    scripts: dict[str, Any], folder: Path
) -> None:
    outputs, pipeline = scripts["fairface_outputs"], FacialPipeline.shipped()
    part, cache = scripts["fairface_split"].Part.CALIBRATION, folder / "cache"
    first = outputs.outputs(pipeline, folder, part, cache)
    assert [face.file for face in first.faces] == ["a.jpg", "b.jpg"]
    assert [outputs.REFUSALS[code] for code in first.refusals] == ["no_face", "no_face"]
    assert len(first.processed().faces) == 0
    failures = scripts["operating_points"].failures(first)
    assert failures["reasons"] == {"no_face": 2}
    assert failures["by_group"]["10–19"][:2] == [1, 1]
    (folder / "shard-00.tar").unlink()
    again = outputs.outputs(pipeline, folder, part, cache)
    assert np.array_equal(again.refusals, first.refusals)


def test_exact_chips_need_no_detector(scripts: dict[str, Any], folder: Path, model_id: str) -> None:
    outputs, part = scripts["fairface_outputs"], scripts["fairface_split"].Part.CALIBRATION
    found = outputs.outputs(
        FacialPipeline.shipped(model_id), folder, part, folder / "cache", exact=True
    ).processed()
    assert found.groups.tolist() == [TEENS, TWENTIES]
    assert found.probabilities.sum(axis=2) == pytest.approx(np.ones((2, 2)), abs=1e-5)
    calibration = read_calibration((MODELS / model_id / "calibration.json").read_bytes())
    years = found.calibrated(calibration) @ np.arange(121)
    assert found.mean_years(calibration) == pytest.approx(years)


def test_the_means_are_the_estimators(
    scripts: dict[str, Any], shared_dir: Path, model_id: str
) -> None:
    """What the bars were earned on is, to the last bit, what the estimator says."""
    split, outputs = scripts["fairface_split"], scripts["fairface_outputs"]
    folder = shared_dir / "data" / "fairface-train"
    faces = [f for f in split.load_split(folder / "labels.csv") if f.part == "calibration"][:3]
    estimator, pipeline = FacialAgeEstimator(model=model_id), FacialPipeline.shipped(model_id)
    calibration = read_calibration((MODELS / model_id / "calibration.json").read_bytes())
    for face, jpeg in split.read_pictures(folder, faces):
        with scripts["fairface_chips"].bordered(jpeg) as frame:
            estimate = estimator.estimate(frame.pixels.copy())
            raw = pipeline.raw(frame).probabilities.astype(np.float32)
        kept = outputs.Outputs(
            faces=(face,), probabilities=raw[None], refusals=np.zeros(1, dtype=np.int8)
        )
        assert kept.mean_years(calibration).tolist() == [estimate.mean_years]


# -- refit.py -----------------------------------------------------------------------------------


def test_pinning_again_changes_nothing_while_no_file_changes(scripts: dict[str, Any]) -> None:
    refit = scripts["refit"]
    source = refit.PINNED.read_text("utf-8")
    assert refit.pinned_again(source, MODELS) == source


def test_another_file_gets_its_own_digest(scripts: dict[str, Any], tmp_path: Path) -> None:
    refit = scripts["refit"]
    for name in ("model.toml", "a.onnx", "a.json", "MODEL_CARD.md"):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_text(name)
    again = refit.pinned_again(refit.PINNED.read_text("utf-8"), tmp_path)
    table = again.partition('"""\\\n')[2].partition('"""')[0].splitlines()
    assert [line.split("  ")[1] for line in table] == ["a/a.json", "a/a.onnx", "a/model.toml"]
    assert table[0].startswith(hashlib.sha256(b"a.json").hexdigest())
    compile(again, "pinned", "exec")


def test_both_files_of_a_network_are_made_for_it(
    scripts: dict[str, Any], model_id: str, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On made-up answers: what is written names this network's pipeline and can be read again."""
    rng = np.random.default_rng(4)
    groups = np.arange(900) % 9
    centres = np.array(EDGES)[groups, None, None] + 4 + rng.normal(0, 6, (900, 2, 1))
    answers = np.exp(-((np.arange(81) - centres) ** 2) / 50)
    made_up = _people(scripts, groups, answers / answers.sum(axis=2, keepdims=True))
    refit = scripts["refit"]
    monkeypatch.setattr(refit, "outputs", lambda *_: made_up)
    monkeypatch.setattr(refit, "load_split", lambda _path: made_up.faces)
    found = refit.made(model_id, Path("nowhere"), Path("nowhere"))
    calibration = read_calibration(found[refit.MODELS / model_id / "calibration.json"])
    assert calibration.fitted_on == FacialPipeline.shipped(model_id).raw_digest
    points = json.loads(found[refit.MODELS / model_id / "operating_points.json"])
    assert points.keys() == committed.keys()
    assert points["pipeline_digest"] != committed["pipeline_digest"]
    assert points["challenge_ages"][0]["bar"]["pipeline_digest"] == points["pipeline_digest"]
