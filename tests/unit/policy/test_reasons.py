from __future__ import annotations

import re

import pytest

from ageassure.errors import (
    CREDENTIAL_CODES,
    DOCUMENT_CODES,
    FACE_CODES,
    PICTURE_CODES,
    ConfigurationError,
    EvidenceError,
    PresentationAttackError,
)
from ageassure.policy import SENTENCES, Decision, Reason, explain
from ageassure.results import AssuranceResult, Outcome

EVIDENCE_CODES = (
    PICTURE_CODES
    | FACE_CODES
    | DOCUMENT_CODES
    | CREDENTIAL_CODES
    | EvidenceError.codes
    | PresentationAttackError.codes
)


def test_every_reason_and_evidence_code_has_its_sentence_and_no_other() -> None:
    assert set(SENTENCES) == set(Reason) | EVIDENCE_CODES


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_code_is_a_word_and_its_sentence_one_sentence_without_numbers(code: str) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", code)
    assert re.fullmatch(r"[A-Z][^.0-9%]*\.", SENTENCES[code])


def test_sentences_differ() -> None:
    assert len(set(SENTENCES.values())) == len(SENTENCES)


def test_decisions_and_results_are_explained_in_order() -> None:
    reasons = (Reason.PIPELINE_MISMATCH, "no_face")
    expected = (SENTENCES["pipeline_mismatch"], SENTENCES["no_face"])
    assert explain(Decision(outcome=Outcome.INCONCLUSIVE, reasons=reasons)) == expected
    result = AssuranceResult(outcome=Outcome.INCONCLUSIVE, reasons=reasons, policy_digest="0" * 64)
    assert explain(result) == expected


def test_an_unknown_code_is_refused_and_not_shown() -> None:
    decision = Decision(outcome=Outcome.INCONCLUSIVE, reasons=("born 2011",))
    with pytest.raises(ConfigurationError) as caught:
        explain(decision)
    assert "2011" not in str(caught.value)


def test_only_over_and_under_are_settled() -> None:
    settled = {o: Decision(outcome=o, reasons=()).settled for o in Outcome}
    assert settled == {Outcome.OVER: True, Outcome.UNDER: True, Outcome.INCONCLUSIVE: False}
