from __future__ import annotations

import json
from typing import Any

import pytest

from ageassure.audit.figure import Cell, Figure, Method, Why, as_data
from ageassure.errors import ConfigurationError

WHOLE: dict[str, Any] = {
    "value": 0.5,
    "low": 0.25,
    "high": 0.75,
    "method": Method.CLOPPER_PEARSON,
    "confidence": 0.95,
    "n": 10,
    "subjects": 10,
    "k": 5,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"value": float("nan")},
        {"high": float("inf")},
        {"low": None},
        {"method": None},
        {"confidence": None},
        {"value": None},
        {"reason": Why.NOBODY},
        {"low": None, "high": None, "method": None, "confidence": None},
    ],
)
def test_a_figure_is_never_nan_nor_null_without_a_reason(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Figure(**WHOLE | changes)


def test_as_data_is_json_with_sentences() -> None:
    cell = Cell(
        where={"sex": "female"},
        figures={
            "fpr": Figure(**WHOLE),
            "mae": Figure(value=None, n=0, subjects=0, reason=Why.NOBODY),
        },
    )
    data = json.loads(json.dumps(as_data({"cells": (cell,), 18: None}), allow_nan=False))
    figures = data["cells"][0]["figures"]
    assert figures["fpr"]["method"] == "Clopper–Pearson"
    assert figures["mae"]["reason"] == "nobody in this cell"
    assert figures["mae"].keys() == figures["fpr"].keys()
    assert data["18"] is None
    assert cell.name == "sex: female"
    assert Cell(where={}, figures={}).name == "everybody"


def test_what_is_no_part_of_an_evaluation_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        as_data([1j])
