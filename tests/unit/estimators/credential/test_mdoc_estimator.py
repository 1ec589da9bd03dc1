"""The estimator for mobile documents: its bounds, and a document's status."""

from __future__ import annotations

import pytest

from ageassure.errors import CredentialError
from ageassure.estimators.credential.mdoc import EU_PROOF_OF_AGE, MdocEstimator, MdocPresentation
from ageassure.estimators.credential.mdoc.estimator import age_statements

from .mdoc_wallets import NOW, SESSION, Authority, Signer, Wallet
from .wallets import STATUS_INDEX, STATUS_URI, status_checker

SIGNER = Signer(Authority())
CLAIM = {"status_list": {"uri": STATUS_URI, "idx": STATUS_INDEX}}


def _years(wallet: Wallet, status: int = 0, *, down: bool = False) -> tuple[int, int]:
    estimator = MdocEstimator(
        document_type=EU_PROOF_OF_AGE,
        authorities=SIGNER.authority.authorities(),
        status=status_checker(status, down=down),
        now=lambda: NOW,
    )
    presented = MdocPresentation(device_response=wallet.present(), session=SESSION)
    return estimator.estimate(presented).interval(0.9)


def _code(wallet: Wallet, status: int = 0, *, down: bool = False) -> str:
    with pytest.raises(CredentialError) as caught:
        _years(wallet, status, down=down)
    return caught.value.code


def test_a_document_whose_status_is_valid() -> None:
    assert _years(Wallet(SIGNER, status=CLAIM)) == (18, 121)
    assert _years(Wallet(SIGNER), 1, down=True) == (18, 121)  # it has none


@pytest.mark.parametrize("status", [1, 2, 3])
def test_a_document_that_is_revoked_or_suspended(status: int) -> None:
    assert _code(Wallet(SIGNER, status=CLAIM), status) == "credential_revoked"


def test_a_document_whose_status_is_not_known() -> None:
    assert _code(Wallet(SIGNER, status=CLAIM), down=True) == "credential_unverifiable"
    assert _code(Wallet(SIGNER, status={})) == "credential_unverifiable"


def test_the_least_age_and_none_at_all() -> None:
    assert _years(Wallet(SIGNER, elements={"age_over_01": True})) == (1, 121)
    with pytest.raises(CredentialError, match="states nothing about an age") as caught:
        age_statements({"given_name": "x"})
    assert caught.value.code == "credential_no_age"
