"""An auditor measures what the shipped estimator does to people of known age.

    python examples/measure_error.py LABELS.csv

LABELS.csv has the columns ``path`` (beside the file), ``age`` (completed years), ``subject``; one
picture for each person. Needs the extra ``face``.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from statistics import fmean

from ageassure import EvidenceError, FacialAgeEstimator
from ageassure.policy.binomial import upper_bound

AGE_LIMIT = 18
ALPHA = 0.01


def main(labels: Path) -> None:
    estimator = FacialAgeEstimator()
    challenge = estimator.challenge_age(AGE_LIMIT, alpha=ALPHA)
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if len({row["subject"] for row in rows}) != len(rows):
        sys.exit("several pictures of one person are not independent: keep one of each")
    measured: list[tuple[int, float]] = []
    for row in rows:
        picture = bytearray((labels.parent / row["path"]).read_bytes())
        try:
            mean_years = estimator.estimate(picture).mean_years
        except EvidenceError as error:
            print(f"not processed: {row['path']} ({error.code})")
        else:
            assert mean_years is not None
            measured.append((int(row["age"]), mean_years))
    print(f"processed {len(measured)} of {len(rows)} people")
    if measured:
        print(f"mean error {fmean(estimate - age for age, estimate in measured):+.1f} years")
    minors = [estimate for age, estimate in measured if age < AGE_LIMIT]
    passed = sum(estimate >= challenge.age_years for estimate in minors)
    if minors:
        bound = upper_bound(passed, len(minors), 0.95)
        print(f"under {AGE_LIMIT} and let through: {passed} of {len(minors)}, at most {bound:.1%}")
    else:
        print(f"nobody under {AGE_LIMIT}: nothing can be said about them")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/measure_error.py LABELS.csv")
    main(Path(sys.argv[1]))
