from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.datasets.statement import AgeProof
from ageassure.audit.evaluation import evaluate
from ageassure.audit.figure import as_data
from ageassure.audit.joining import join, join_parts
from ageassure.audit.plan import EvaluationPlan, OperatingPoint
from ageassure.audit.prediction.files import COLUMNS, columns_for, read_predictions
from ageassure.audit.table import EvaluationTable
from ageassure.errors import ConfigurationError, PredictionsError
from ageassure.policy import AgeBand

from .manifests import HEADER, ROWS, manifest_file

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.audit.datasets.manifest import Manifest
    from ageassure.audit.prediction.files import Predictions

PREDICTIONS = (
    "c,31.5,1,1,1,1,1,0.9,ok",
    "a,,,,,,,,no_face",
    "b,19.5,1,0.9,0.8,0.5,0.3,0.1,ok",
)


def joined(folder: Path, *predictions: str, **changes: Any) -> EvaluationTable:
    path = folder / "p.csv"
    path.write_text("\n".join([",".join(COLUMNS), *predictions]) + "\n")
    manifest = manifest_file(folder, HEADER, *ROWS, **changes)
    return join(read_manifest(manifest), read_predictions(path))


def test_rows_stand_in_the_manifests_order(tmp_path: Path) -> None:
    found = joined(tmp_path, *PREDICTIONS)
    assert found.sample_ids.tolist() == ["a", "b", "c"]
    assert found.age_low_years.tolist() == [17, 18, 30]
    assert found.subjects.tolist() == [0, 0, 1]
    assert np.isnan(found.estimated_age_years[0])
    assert found.estimated_age_years.tolist()[1:] == [19.5, 31.5]
    assert found.p_over[18].tolist()[1:] == [0.8, 1.0]
    assert list(found.p_over) == [13, 16, 18, 20, 21, 25]
    assert found.processed.tolist() == [False, True, True]
    assert found.groups["sex"].where("male").tolist() == [False, True, False]


def test_the_statement_says_how_ages_were_proved_and_pictures_shown(tmp_path: Path) -> None:
    found = joined(
        tmp_path,
        *PREDICTIONS,
        age_proof=AgeProof.APPARENT,
        age_proof_detail="judged by two people",
        border_pixels=64,
    ).statement
    assert found.age_proof == "apparent (judged by two people)"
    assert found.name == "made-up people, shown with a black border of 64 pixels"
    assert found.subjects_known
    plain = joined(tmp_path, *PREDICTIONS).statement
    assert (plain.name, plain.age_proof) == ("made-up people", "document")


def test_a_sample_without_a_prediction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"1 samples of the manifest have no prediction.*2"):
        joined(tmp_path, *PREDICTIONS[:2])


def test_a_prediction_without_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"1 predictions belong to no sample.*row 4"):
        joined(tmp_path, *PREDICTIONS, "d,,,,,,,,no_face")


def part(
    folder: Path,
    name: str,
    rows: list[int],
    *,
    ages: tuple[int, ...] = (13, 16, 18, 20, 21, 25),
    measured: bool = True,
    **changes: Any,
) -> tuple[Manifest, Predictions]:
    """Some of 400 made-up people, two pictures each."""
    header = "sample_id,age,subject,sex" + ",yaw_degrees" * measured
    cells = [  # sample, age, person, sex
        f"s{n},{10 + n // 8 % 30},p{n // 2},{('female', 'male', '')[n // 2 % 3]}"
        + f",{n % 37 - 18}" * measured
        for n in rows
    ]
    manifest = manifest_file(folder, header, *cells, name=f"{name}.csv", **changes)
    path = folder / f"{name}-p.csv"
    lines = [",".join(columns_for(ages))]
    for n in rows:
        estimate = 10 + n // 8 % 30 + (n * 7919 % 997) / 97 - 5
        if n % 31 == 0 or estimate < 0:
            empty = "," * (len(ages) + 2)
            lines.append(f"s{n}{empty}{('no_face', 'several_faces')[n % 2]}")
        else:
            over = [min(1.0, max(0.0, (estimate - a) / 20 + 0.5)) for a in ages]
            lines.append(f"s{n},{estimate!r},{','.join(map(repr, over))},ok")
    path.write_text("\n".join(lines) + "\n")
    return read_manifest(manifest), read_predictions(path)


def measured(table: EvaluationTable) -> str:
    """Every figure; the digest of the data set, which names the parts, is left out."""
    point = OperatingPoint(
        limit_years=18,
        challenge_age_years=25.0,
        alpha=0.05,
        protected_band=AgeBand(first_years=13, last_years=17),
        chosen_on=None,
    )
    plan = EvaluationPlan(points=(point,), axes=("sex",), pair_with="sex", seed=7)
    found = json.dumps(as_data(evaluate(table, plan)), sort_keys=True)
    return found.replace(table.statement.digest, "")


def test_any_number_of_parts_in_any_order_gives_the_same_figures(tmp_path: Path) -> None:
    everybody = list(range(800))
    whole = measured(join_parts([part(tmp_path, "whole", everybody)]))
    for count in (2, 40):
        parts = [part(tmp_path, f"{count}-{k}", everybody[k::count]) for k in range(count)]
        assert measured(join_parts(parts[::-1])) == whole


def test_the_digest_of_parts_does_not_depend_on_their_order(tmp_path: Path) -> None:
    one, other = part(tmp_path, "a", [1, 2]), part(tmp_path, "b", [3, 4])
    digests = {join_parts(pair).statement.digest for pair in ([one, other], [other, one])}
    assert len(digests) == 1
    assert digests.isdisjoint(people.statement.manifest_sha256 for people, _ in (one, other))


def test_parts_of_different_data_sets_are_refused(tmp_path: Path) -> None:
    one = part(tmp_path, "a", [1, 2])
    other = part(tmp_path, "b", [3, 4], age_proof=AgeProof.APPARENT)
    with pytest.raises(PredictionsError, match="differ in their statements or in their columns"):
        join_parts([one, other])


@pytest.mark.parametrize("changes", [{"ages": tuple(range(1, 121))}, {"measured": False}])
def test_parts_with_other_columns_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    one, other = part(tmp_path, "a", [1, 2]), part(tmp_path, "b", [3, 4], **changes)
    with pytest.raises(PredictionsError, match="differ in their statements or in their columns"):
        join_parts([one, other])
    tables = [join(*found) for found in (one, other)]
    tables[1] = replace(tables[1], statement=tables[0].statement)
    with pytest.raises(ConfigurationError, match="different columns"):
        EvaluationTable.concatenate(tables)


def test_parts_of_whole_distributions_give_the_same_figures(tmp_path: Path) -> None:
    years = tuple(range(1, 121))
    whole = measured(join_parts([part(tmp_path, "whole", list(range(240)), ages=years)]))
    parts = [part(tmp_path, f"{k}", list(range(240))[k::3], ages=years) for k in (2, 0, 1)]
    assert measured(join_parts(parts)) == whole
    assert '"coverage_by_year": null' not in whole


def test_a_sample_in_two_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sample_ids more than once"):
        join_parts([part(tmp_path, "a", [1, 2]), part(tmp_path, "b", [2, 3])])


def test_people_without_names_stay_people_of_their_own(tmp_path: Path) -> None:
    parts = []
    for name in "ab":
        path = tmp_path / f"{name}-p.csv"
        path.write_text(f"{','.join(COLUMNS)}\n{name},,,,,,,,no_face\n")
        people = manifest_file(tmp_path, "sample_id,age", f"{name},20", name=f"{name}.csv")
        parts.append((read_manifest(people), read_predictions(path)))
    assert join_parts(parts).subjects.tolist() == [0, 1]
