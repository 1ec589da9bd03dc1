"""Coverage-guided fuzzing of mobile documents: CBOR, COSE, the security object, certificates.

Not part of the test suite. Needs atheris (``pip install atheris``); runs until something other than
a ``CredentialError`` comes out, an input takes more than ten seconds or 2 GB, or the time is over::

    python benchmarks/fuzz_mdoc.py -max_total_time=600

It begins at documents of its own making whose signatures are right, so that changes behind them are
reached only where they are not signed over. To reach the others too, three of four kinds of input
are read as what a signature covers: a security object, an item, a certificate. With
``--record SECONDS`` the run's figures are written to ``results/fuzz_mdoc.json``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris
import cbor2
from cryptography.x509 import ObjectIdentifier
from fuzzing import main

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "unit" / "estimators"))

with atheris.instrument_imports(include=["ageassure.estimators.credential"]):
    from credential.mdoc_wallets import NOW, SESSION, Authority, Signer, Wallet

    from ageassure.errors import CredentialError
    from ageassure.estimators.credential.mdoc import (
        EU_PROOF_OF_AGE,
        MdocEstimator,
        MdocPresentation,
    )
    from ageassure.estimators.credential.mdoc.cbor import decode
    from ageassure.estimators.credential.mdoc.security_object import (
        disclosed,
        read_security_object,
    )

AUTHORITY = Authority()
WALLET = Wallet(Signer(AUTHORITY), elements={"age_over_18": True, "age_over_65": False})
AUTHORITIES = AUTHORITY.authorities()
ESTIMATOR = MdocEstimator(
    document_type=EU_PROOF_OF_AGE, authorities=AUTHORITIES, status=None, now=lambda: NOW
)
PURPOSE = ObjectIdentifier(EU_PROOF_OF_AGE.purpose)
SIGNED = read_security_object(WALLET.issuer_signed()["issuerAuth"][2])


def seeds() -> list[bytes]:
    """Make one input of each kind; the first byte says which."""
    issuer_signed = WALLET.issuer_signed()
    return [
        b"\x00" + WALLET.present(),
        b"\x01" + issuer_signed["issuerAuth"][2],
        b"\x02" + cbor2.dumps(issuer_signed["nameSpaces"]),
        b"\x03" + WALLET.signer.certificate(),
    ]


def check(data: bytes) -> None:
    """Read the input as what its first byte says; anything but a refusal is a finding."""
    kind, rest = data[:1], data[1:]
    try:
        if kind == b"\x01":
            read_security_object(rest)
        elif kind == b"\x02":
            disclosed(decode(rest), SIGNED, EU_PROOF_OF_AGE.namespace)
        elif kind == b"\x03":
            AUTHORITIES.signer((rest,), purpose=PURPOSE, at=NOW)
        else:
            ESTIMATOR.estimate(MdocPresentation(device_response=rest, session=SESSION))
    except CredentialError:
        return


if __name__ == "__main__":
    main(
        "device responses, security objects, elements, signers' certificates",
        seeds(),
        check,
    )
