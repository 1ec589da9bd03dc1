from __future__ import annotations

import pickle

import pytest

from ageassure import errors
from ageassure.errors import AgeAssuranceError, EvidenceError, PictureError, VerificationError


def _tree(base: type[AgeAssuranceError]) -> list[type[AgeAssuranceError]]:
    found = [base]
    for cls in base.__subclasses__():
        if cls.__module__ == errors.__name__:
            found += _tree(cls)
    return found


TREE = _tree(AgeAssuranceError)


@pytest.mark.parametrize("cls", TREE, ids=lambda cls: cls.__name__)
def test_every_class_takes_each_of_its_codes(cls: type[AgeAssuranceError]) -> None:
    for code in cls.codes:
        assert cls("a message", code=code).code == code


@pytest.mark.parametrize("cls", TREE, ids=lambda cls: cls.__name__)
def test_a_class_of_one_code_needs_none_said_and_others_do(cls: type[AgeAssuranceError]) -> None:
    if len(cls.codes) == 1:
        assert cls("a message").code in cls.codes
    else:
        with pytest.raises(ValueError, match="got code None"):
            cls("a message")


def test_a_foreign_code_is_refused() -> None:
    with pytest.raises(ValueError, match="got code 'no_face'"):
        PictureError("a message", code="no_face")


def test_no_code_stands_for_two_classes() -> None:
    codes = [code for cls in TREE for code in cls.codes]
    assert len(codes) == len(set(codes))


def test_every_class_is_drawn_in_the_docstring_under_its_base() -> None:
    words = str(errors.__doc__).split()
    for cls in TREE[1:]:
        assert cls.__name__ in words, cls
        parent = cls.__base__
        assert parent is not None
        assert words.index(parent.__name__) < words.index(cls.__name__)


def test_verification_and_evidence_are_branches_of_their_own() -> None:
    assert not issubclass(EvidenceError, VerificationError)
    assert issubclass(EvidenceError, AgeAssuranceError)


def test_an_error_survives_a_worker_process_with_its_code() -> None:
    error = pickle.loads(pickle.dumps(PictureError("too dark", code="picture_dark")))
    assert type(error) is PictureError
    assert (str(error), error.code) == ("too dark", "picture_dark")
