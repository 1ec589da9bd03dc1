"""Whatever an issuer has signed, only our own refusals come out of the estimator."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
from hypothesis import given, settings
from hypothesis import strategies as st

from ageassure.errors import CredentialError
from ageassure.estimators.credential.mdoc import EU_PROOF_OF_AGE, MdocEstimator, MdocPresentation
from ageassure.results import AgeEstimate

from .mdoc_wallets import NOW, SESSION, Authority, Signer, Wallet, cose_key, sign1

AUTHORITY = Authority()
SIGNER = Signer(AUTHORITY)
CERTIFICATE = SIGNER.certificate()
WALLET = Wallet(SIGNER)
ESTIMATOR = MdocEstimator(
    document_type=EU_PROOF_OF_AGE,
    authorities=AUTHORITY.authorities(),
    status=None,
    now=lambda: NOW,
)

MOMENTS = st.sampled_from(
    [
        "2026-05-01T00:00:00Z",
        "2026-05-01T00:00:00",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ]
).map(lambda text: cbor2.CBORTag(0, text))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(width=16)
    | st.text(max_size=4)
    | st.binary(max_size=33)
    | MOMENTS
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.integers(-4, 4) | st.text(max_size=3), inner, max_size=3)
        | inner.map(lambda value: cbor2.CBORTag(24, cbor2.dumps(value)))
    ),
    max_leaves=6,
)
ITEM: dict[str, Any] = {
    "random": bytes(32),
    "digestID": 0,
    "elementValue": True,
    "elementIdentifier": "age_over_18",
}
VALIDITY = {"signed": WALLET.signed, "validFrom": WALLET.signed, "validUntil": WALLET.valid_until}


def changed(members: dict[str, Any], change: tuple[str, Any] | None) -> dict[str, Any]:
    return members if change is None else members | {change[0]: change[1]}


def changes(*names: str) -> st.SearchStrategy[tuple[str, Any] | None]:
    return st.none() | st.tuples(st.sampled_from(names), JUNK)


@settings(max_examples=150, deadline=None)
@given(
    changes("random", "digestID", "elementValue", "elementIdentifier", "more"),
    st.none() | st.tuples(st.sampled_from(sorted(VALIDITY)), MOMENTS | JUNK),
    changes("version", "docType", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "status"),
    changes(*map(str, range(1, 4))),
)
def test_junk_behind_signatures(
    item: tuple[str, Any] | None,
    moment: tuple[str, Any] | None,
    member: tuple[str, Any] | None,
    part: tuple[str, Any] | None,
) -> None:
    encoded = cbor2.dumps(changed(ITEM, item))
    digest = hashlib.sha256(cbor2.dumps(cbor2.CBORTag(24, encoded))).digest()
    key: dict[Any, Any] = cose_key(WALLET.device_key)
    if part is not None:
        key |= {-int(part[0]): part[1]}
    security_object = {
        "version": "1.0",
        "docType": EU_PROOF_OF_AGE.doc_type,
        "digestAlgorithm": "SHA-256",
        "valueDigests": {EU_PROOF_OF_AGE.namespace: {0: digest}},
        "deviceKeyInfo": {"deviceKey": key},
        "validityInfo": changed(VALIDITY, moment),
    }
    payload = cbor2.dumps(cbor2.CBORTag(24, cbor2.dumps(changed(security_object, member))))
    protected, signature = sign1(SIGNER.key, payload)
    issuer_signed = {
        "nameSpaces": {EU_PROOF_OF_AGE.namespace: [cbor2.CBORTag(24, encoded)]},
        "issuerAuth": [protected, {33: CERTIFICATE}, payload, signature],
    }
    document = {
        "docType": EU_PROOF_OF_AGE.doc_type,
        "issuerSigned": issuer_signed,
        "deviceSigned": WALLET.device_signed(SESSION),
    }
    response = cbor2.dumps({"version": "1.0", "documents": [document], "status": 0})
    refusal: CredentialError | None = None
    try:
        estimate = ESTIMATOR.estimate(MdocPresentation(device_response=response, session=SESSION))
        assert isinstance(estimate, AgeEstimate)
    except CredentialError as error:
        refusal = error
    if refusal is not None:
        assert refusal.__context__ is refusal.__cause__ is None
    elif item == moment == member == part:
        assert estimate.bounds_at_or_over(18) == (1, 1)
