from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.degradation import Degradation
from ageassure.audit.liveness import LivenessAnswer
from ageassure.audit.report.degraded import degraded_estimates
from ageassure.audit.report.inputs import Run, read_attacks, read_run
from ageassure.errors import DataSetError, PredictionsError

from .reports import people, predicted, write_record

if TYPE_CHECKING:
    from pathlib import Path


class TestRuns:
    def test_nothing_of_it_is_shown(self, tmp_path: Path) -> None:
        manifest = people(tmp_path, 40)
        run = read_run(manifest, predicted(manifest))
        assert repr(run) == "<Run of 40 rows (content hidden)>"
        assert run.record is None
        assert not run.pictures_pinned

    @pytest.mark.parametrize("name", ["manifest_sha256", "predictions_sha256"])
    def test_a_record_of_another_run_is_refused(self, tmp_path: Path, name: str) -> None:
        manifest = people(tmp_path, 40)
        predictions = predicted(manifest, record={name: "e" * 64})
        with pytest.raises(PredictionsError, match="of another manifest or predictions"):
            read_run(manifest, predictions)

    @pytest.mark.parametrize(
        "changes",
        [
            {"estimator": 3},
            {"estimator": "a\nb"},
            {"estimator": None},
            {"pipeline_digest": 3},
            {"degradation": {}},
            {"level": "much"},
            {"level": float("nan")},
            {"border_pixels": 1.5},
            {"versions": ["1"]},
            {"versions": {"numpy": 2}},
        ],
    )
    def test_a_record_of_another_form_is_refused(
        self, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        manifest = people(tmp_path, 40)
        predictions = predicted(manifest, record=changes)
        with pytest.raises(PredictionsError, match="is no record"):
            read_run(manifest, predictions)

    @pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, " " * (1 << 20) + "{}"])
    def test_something_else_is_refused(self, tmp_path: Path, content: str) -> None:
        manifest = people(tmp_path, 40)
        predictions = predicted(manifest)
        write_record(manifest, predictions).write_text(content)
        with pytest.raises(PredictionsError, match="is no record"):
            read_run(manifest, predictions)


class TestDegraded:
    def _runs(self, folder: Path, own: Any, **changes: Any) -> tuple[Run, Run]:
        manifest = people(folder, 40)
        how = {"degradation": "blur", "level": 0.02}
        return (
            read_run(manifest, predicted(manifest, record=own)),
            read_run(manifest, predicted(manifest, "worse.csv", seed=4, record=how | changes)),
        )

    def test_every_sample_is_told(self, tmp_path: Path) -> None:
        run, worse = self._runs(tmp_path, {})
        found = degraded_estimates(run, [worse])
        assert len(found) == 40
        assert {(one.degradation, one.level) for one in found} == {(Degradation.BLUR, 0.02)}
        assert [one.status for one in found if one.estimated_age_years is None] == ["no_face"] * 2

    @pytest.mark.parametrize(
        ("own", "changes", "message"),
        [
            (None, {}, "unrecorded"),
            ({}, {"estimator": "another"}, "another estimator"),
            ({}, {"pipeline_digest": "f" * 64}, "another estimator"),
            ({}, {"border_pixels": 3}, "other pictures"),
            ({}, {"degradation": None}, "names no degradation"),
            ({}, {"degradation": "smudge"}, "names no degradation"),
            ({"degradation": "blur"}, {}, "as they are"),
        ],
    )
    def test_what_does_not_belong_is_refused(
        self, tmp_path: Path, own: Any, changes: dict[str, Any], message: str
    ) -> None:
        run, worse = self._runs(tmp_path, own, **changes)
        with pytest.raises(PredictionsError, match=message):
            degraded_estimates(run, [worse])


class TestAttacks:
    def test_a_set_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "attacks.csv"
        path.write_text(
            "species,instrument,answer,let_through\nprint,a,attack,no\n,p,bona_fide,yes\n"
            "mask,m,no_response,no\n"
        )
        found, digest = read_attacks(path)
        assert [one.species for one in found] == ["print", None, "mask"]
        answers = [one.answer for one in found]
        assert answers == [
            LivenessAnswer.ATTACK,
            LivenessAnswer.BONA_FIDE,
            LivenessAnswer.NO_RESPONSE,
        ]
        assert len(digest) == 64

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is empty"),
            ("species,answer\n", "expected exactly"),
            ("species,instrument,answer,let_through\n", "has no rows"),
            ("species,instrument,answer,let_through\nprint,a,attack\n", "line 2: got 3 cells"),
            ("species,instrument,answer,let_through\nprint,a,perhaps,no\n", "line 2: answer"),
            ("species,instrument,answer,let_through\nprint,a,attack,maybe\n", "line 2: answer"),
            ("species,instrument,answer,let_through\nprint,a,attack,yes\n", "not found bona fide"),
            ("species,instrument,answer,let_through\nprint,,attack,no\n", "instrument"),
        ],
    )
    def test_another_form_is_refused(self, tmp_path: Path, content: str, message: str) -> None:
        path = tmp_path / "attacks.csv"
        path.write_text(content)
        with pytest.raises(DataSetError, match=message):
            read_attacks(path)
