from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ageassure.audit.table import Column, DatasetStatement, EvaluationTable
from ageassure.errors import ConfigurationError

from .tables import STATEMENT, table

NAN = float("nan")


def ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def floats(*values: float) -> Any:
    return np.array(values, dtype=np.float64)


GOOD: dict[str, Any] = {
    "sample_ids": np.array(["a", "b", "c"]),
    "age_low_years": ints(17, 30, 10),
    "age_high_years": ints(17, 30, 19),
    "subjects": ints(0, 1, 2),
    "groups": {"sex": Column.of(["female", "male", ""])},
    "estimated_age_years": floats(18.5, NAN, 14.0),
    "p_over": {18: floats(0.6, NAN, 0.2), 25: floats(0.1, NAN, 0.0)},
    "status": Column.of(["ok", "no_face", "ok"]),
    "statement": STATEMENT,
}

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("duplicate id", {"sample_ids": np.array(["a", "b", "a"])}, "1 sample_ids more than once.*0"),
    ("empty id", {"sample_ids": np.array(["a", "", "c"])}, "empty sample_id.*first in row 1"),
    ("ids that are no texts", {"sample_ids": ints(1, 2, 3)}, "sample_ids that is no"),
    ("age 212", {"age_high_years": ints(17, 212, 19)}, "age_high_years outside.*row 1"),
    ("negative age", {"age_low_years": ints(-1, 30, 10)}, "age_low_years outside.*row 0"),
    ("decimal ages", {"age_low_years": floats(17.5, 30, 10)}, "age_low_years that is no"),
    ("group upside down", {"age_low_years": ints(17, 31, 10)}, "above age_high_years.*row 1"),
    ("negative subject", {"subjects": ints(0, -1, 2)}, "subjects outside"),
    ("short column", {"subjects": ints(0, 1)}, "got 2 rows of subjects, expected 3"),
    ("short group", {"groups": {"sex": Column.of(["female"])}}, "got 1 rows of sex"),
    ("group that is no column", {"groups": {"sex": ["f", "m", "f"]}}, "no Column"),
    ("axis made from ages", {"groups": {"age": Column.of(["1", "2", "3"])}}, "made from ages"),
    ("nameless axis", {"groups": {"": Column.of(["1", "2", "3"])}}, "name of a column"),
    ("no estimate", {"estimated_age_years": floats(NAN, NAN, 14)}, "no estimate for a proc.*row 0"),
    ("estimate of a refused", {"estimated_age_years": floats(1, 2, 3)}, "for a refused.*row 1"),
    ("infinite", {"estimated_age_years": floats(np.inf, NAN, 14)}, "infinite.*row 0"),
    ("too old", {"estimated_age_years": floats(120.5, NAN, 14)}, "outside 0 to 120.*row 0"),
    ("negative", {"estimated_age_years": floats(-0.5, NAN, 14)}, "outside 0 to 120.*row 0"),
    ("p above 1", {"p_over": {18: floats(1.5, NAN, 0.2)}}, r"outside \[0, 1\].*row 0"),
    ("p below 0", {"p_over": {18: floats(-0.5, NAN, 0.2)}}, r"outside \[0, 1\].*row 0"),
    ("p missing", {"p_over": {18: floats(0.5, NAN, NAN)}}, "no p_over_18.*row 2"),
    ("p of a refused", {"p_over": {18: floats(0.5, 0.5, 0.2)}}, "p_over_18 for a refused.*row 1"),
    (
        "p rising",
        {"p_over": {25: floats(0.7, NAN, 0.0), 18: floats(0.6, NAN, 0.2)}},
        "above that of a lower age.*row 0",
    ),
    ("p over no age", {"p_over": {0: floats(1, NAN, 1)}}, "no int from 1"),
    ("unknown status", {"status": Column.of(["ok", "", "ok"])}, "status that is not known.*row 1"),
    ("no statement", {"statement": None}, "no DatasetStatement"),
    ("two dimensions", {"subjects": np.zeros((3, 1), dtype=np.int64)}, "one-dimensional"),
]


@pytest.mark.parametrize(("changes", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_input_is_refused_with_its_row(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        EvaluationTable(**GOOD | changes)


def test_a_good_table() -> None:
    made = EvaluationTable(**GOOD)
    assert len(made) == 3
    assert made.processed.tolist() == [True, False, True]
    assert made.exact.tolist() == [True, True, False]
    assert not made.clustered
    assert list(made.p_over) == [18, 25]
    assert "18.5" not in repr(made)
    with pytest.raises(ValueError, match="read-only"):
        made.estimated_age_years[0] = 30.0


def test_no_rows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="got 0 rows"):
        table([], [], subjects=[], ids=None, sample_ids=np.array([], dtype=np.str_))


def test_an_estimator_without_probabilities_is_accepted() -> None:
    made = EvaluationTable(**GOOD | {"p_over": {18: floats(NAN, NAN, NAN), 21: floats(1, NAN, 0)}})
    assert np.isnan(made.p_over[18]).all()


def test_several_rows_of_one_person_are_seen() -> None:
    assert table([17, 17], [18.0, 19.0], subjects=[4, 4]).clustered


def test_rows_keeps_everything_in_the_order_asked_for() -> None:
    made = EvaluationTable(**GOOD).rows(np.array([2, 0]))
    assert made.sample_ids.tolist() == ["c", "a"]
    assert made.age_high_years.tolist() == [19, 17]
    assert made.groups["sex"].codes.tolist() == [-1, 0]
    assert made.p_over[25].tolist() == [0.0, 0.1]
    assert made.status.values == ("no_face", "ok")


class TestColumn:
    def test_of_texts(self) -> None:
        made = Column.of(["b", "", "a", "b"])
        assert made.values == ("a", "b")
        assert made.codes.tolist() == [1, -1, 0, 1]
        assert made.where("b").tolist() == [True, False, False, True]
        assert not made.where("c").any()

    @pytest.mark.parametrize(
        ("values", "codes"),
        [
            (("a", "a"), ints(0, 1)),
            (("a",), ints(1)),
            (("a",), ints(-2)),
            (("",), ints(0)),
            (("a",), floats(0)),
            (tuple(map(str, range(10_001))), ints(0)),
        ],
    )
    def test_malformed_is_refused(self, values: tuple[str, ...], codes: Any) -> None:
        with pytest.raises(ConfigurationError):
            Column(values=values, codes=codes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"digest": "0" * 63},
        {"licence": "a\nb"},
        {"age_proof": None},
        {"subjects_known": "no"},
    ],
)
def test_a_malformed_statement_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        replace(STATEMENT, **changes)
    assert isinstance(STATEMENT, DatasetStatement)
