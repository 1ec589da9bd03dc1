"""All pictures of the Face Research Lab London Set go through the shipped estimator."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from ageassure.errors import EvidenceError
from ageassure.estimators import FacialAgeEstimator

if TYPE_CHECKING:
    from pathlib import Path


def test_every_picture_is_processed(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "london"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    estimator = FacialAgeEstimator()
    means: list[float] = []
    refused: list[str] = []
    for row in rows:
        try:
            means.append(estimator.estimate((folder / row["path"]).read_bytes()).mean_years)
        except EvidenceError as error:
            refused.append(error.code)
    assert (len(rows), refused) == (204, [])
    assert all(5 < mean < 80 for mean in means)
