"""A zero-knowledge proof over a mobile document as evidence of an age."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ObjectIdentifier

from ageassure.errors import ConfigurationError, CredentialError
from ageassure.estimators.credential.mdoc.cbor import encode
from ageassure.estimators.credential.mdoc.document import DocumentType
from ageassure.estimators.credential.mdoc.issuers import DocumentAuthorities
from ageassure.estimators.credential.mdoc.session import Session
from ageassure.estimators.credential.refusal import assess_alone, malformed, refused
from ageassure.estimators.credential.statements import holder_provenance, interval_of_statements
from ageassure.estimators.credential.zk.circuits import Circuit
from ageassure.estimators.credential.zk.verification import Statement, require_proof
from ageassure.extras import require_extra
from ageassure.results import (
    checked_age_limit,
)
from ageassure.tokens.clock import Clock, read_clock, utc_now

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ageassure.results import AgeEstimate

MAX_PROOF_BYTES: Final = 1024 * 1024
"""Proofs of one statement take 320 to 570 kB."""

MAX_AGE: Final = timedelta(minutes=5)
"""A proof says that a document was valid at a moment; that moment must be now, give or take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPresentation:
    """A proof, and what it is said to prove. Its ``repr`` shows nothing of it.

    Attributes:
        proof: At most 1 MiB.
        statements: TRUE or FALSE by age limit; as many as the circuit has.
        circuit: Digest of the circuit that was used, 64 hex digits.
        document_signer: Certificate of the document's signer, DER.
        made_at: The moment at which the document is claimed to be valid.
        session: What it must be bound to, out of what the caller stored with the request.

    Raises:
        ConfigurationError: If one of them is of another type, or a limit is none.
    """

    proof: bytes = field(repr=False)
    statements: Mapping[int, bool] = field(repr=False)
    circuit: str
    document_signer: bytes = field(repr=False)
    made_at: datetime
    session: Session

    def __post_init__(self) -> None:
        if type(self.proof) is not bytes or type(self.document_signer) is not bytes:
            raise ConfigurationError("got a proof or a document_signer that is no bytes")
        if not all(type(value) is bool for value in self.statements.values()):
            raise ConfigurationError("got a statement that is neither true nor false")
        for limit in self.statements:
            checked_age_limit(limit)
        if self.made_at.tzinfo is None:
            raise ConfigurationError("got a naive made_at, expected an aware datetime")
        if not isinstance(self.session, Session):
            raise ConfigurationError("got a session that is none")


def _untrusted(message: str) -> CredentialError:
    return refused(message, code="credential_untrusted")


@final
class ZeroKnowledgeEstimator:
    """Verifies proofs that a mobile document states an age. Keeps nothing, safe for threads.

    The proof covers the issuer's signature, the document's validity at ``made_at``, the device's
    signature over the session and the statements. Each verification runs in a process of its own,
    with bounds on time and memory. NOT checked: the document's status, which a proof does not show.
    FALSE says nothing here, since the moment of issuance is not shown either.

    Args:
        document_type: What the proof is about.
        authorities: Whose document signers are trusted; their keys must be on P-256.
        circuits: Those that are accepted, at least one.
        now: Clock.

    Raises:
        ConfigurationError: If one of these is of another type, or there is no circuit.
        MissingExtraError: If the extra ``zk`` is not installed.
    """

    __slots__ = ("_authorities", "_circuits", "_document_type", "_now")

    def __init__(
        self,
        *,
        document_type: DocumentType,
        authorities: DocumentAuthorities,
        circuits: Collection[Circuit],
        now: Clock = utc_now,
    ) -> None:
        require_extra("zk", "pylongfellow")
        if not isinstance(document_type, DocumentType):
            raise ConfigurationError("got a document_type that is no DocumentType")
        if not isinstance(authorities, DocumentAuthorities):
            raise ConfigurationError("got authorities that are no DocumentAuthorities")
        if not circuits or not all(isinstance(circuit, Circuit) for circuit in circuits):
            raise ConfigurationError("got no circuits, expected at least one")
        read_clock(now)
        self._document_type = document_type
        self._authorities = authorities
        self._circuits = {circuit.digest: circuit for circuit in circuits}
        self._now = now

    def estimate(self, evidence: ProofPresentation) -> AgeEstimate:
        """Verify one proof.

        Raises:
            CredentialError: If it is refused; the code says why.
            ConfigurationError: If the evidence is no :class:`ProofPresentation`.
        """
        held: list[object] = [evidence]
        del evidence
        return assess_alone(self._assessed, held, ProofPresentation)

    def _assessed(self, evidence: ProofPresentation) -> AgeEstimate:
        now = datetime.fromtimestamp(read_clock(self._now), UTC)
        circuit = self._circuits.get(evidence.circuit)
        if circuit is None:
            raise _untrusted("got a proof by a circuit that is not accepted")
        if len(evidence.statements) != circuit.statements:
            raise malformed("got another number of statements than the circuit has")
        if not 0 < len(evidence.proof) <= MAX_PROOF_BYTES:
            raise malformed(f"got a proof of no or more than {MAX_PROOF_BYTES} bytes")
        if evidence.made_at < now - MAX_AGE:
            raise refused("got a proof of another time", code="credential_expired")
        if evidence.made_at > now + MAX_AGE:
            raise refused("got a proof of the future", code="credential_not_yet_valid")
        signer = self._authorities.signer(
            (evidence.document_signer,),
            purpose=ObjectIdentifier(self._document_type.purpose),
            at=now,
        )
        key = signer.key
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise _untrusted("got a document signer's key of another kind")
        require_proof(evidence.proof, self._statement(evidence, key), circuit)
        provenance = holder_provenance(now)
        return interval_of_statements(
            evidence.statements, issued_at_seconds=None, provenance=provenance
        )

    def _statement(
        self, evidence: ProofPresentation, issuer_key: ec.EllipticCurvePublicKey
    ) -> Statement:
        return Statement(
            issuer_key=issuer_key,
            transcript=encode(evidence.session.transcript()),
            claims=tuple(
                (self._document_type.namespace, f"age_over_{limit:02}", encode(value))
                for limit, value in evidence.statements.items()
            ),
            timestamp=evidence.made_at,
            doc_type=self._document_type.doc_type,
        )
