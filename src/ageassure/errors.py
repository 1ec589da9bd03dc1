"""The one exception tree of the library.

::

    AgeAssuranceError
    ├── ConfigurationError             the caller's set-up is wrong
    │   ├── InsufficientEvidenceError  too few people were measured to support the error claimed
    │   ├── KeySetError                a key or key set that must not be used
    │   └── MissingExtraError          an optional dependency is not installed
    ├── ModelIntegrityError            a model file that is not the pinned one
    ├── RequestRefusedError            the provider does not serve this request
    │   ├── UnknownAudienceError       the audience, or its return address, is not registered
    │   ├── AttemptsExhaustedError     all attempts of this (audience, nonce) are used
    │   ├── StepTimeOverError           evidence that came after its step's time limit
    │   ├── TokenAlreadyIssuedError    this (audience, nonce) has had its one token
    │   └── AttemptStoreError          the attempt store cannot answer, or is full
    ├── UnfinishedError                an assessment that was stopped, or could not be made
    │   ├── DeadlineError              its time is over
    │   ├── CalledOffError             nobody wants its answer any more
    │   ├── OverloadError              too many others are under way
    │   └── WorkerError                the process that made it ended, or gave no answer
    ├── IssuanceError                  a token that must not be signed
    ├── StatusError                    a credential whose status is not valid, or not known
    ├── EvidenceError                  evidence that cannot be assessed
    │   ├── PictureError               refused before or while decoding, or too poor to be used
    │   ├── FaceError                  no face, several, or one that cannot be used
    │   ├── PresentationAttackError    the liveness check says that no living person was shown
    │   ├── BirthDateError             a birth date that no living person can have
    │   ├── DocumentError              a document that is malformed, expired or altered
    │   └── CredentialError            a credential that is malformed, expired or not trusted
    ├── AuditError                     the input of an audit that cannot be used
    │   ├── DataSetError               a manifest, its statement, or a data set's folder
    │   ├── PredictionsError           a file of predictions, or a run that cannot go on
    │   ├── ReportError                a report, or a condition on one
    │   ├── AuditSignatureError        a signature over a report, or a file that was altered
    │   └── EngineError                what runs an audit on many machines has failed
    └── VerificationError              an age token was refused; one class for each check
        ├── MalformedTokenError        size, form, header or claims
        ├── WrongTokenTypeError
        ├── UntrustedKeyError
        ├── KeySetUnavailableError
        ├── AlgorithmError
        ├── SignatureError
        ├── UntrustedIssuerError
        ├── AudienceMismatchError
        ├── NonceMismatchError
        ├── TokenExpiredError
        ├── TokenNotYetValidError
        ├── LifetimeError
        ├── AgeRequirementNotMetError
        ├── AssuranceNotMetError
        ├── HolderProofError
        ├── ReplayedTokenError
        └── ReplayStoreError

Every error has a ``code``: a short, stable, machine-readable string out of its class's ``codes``.
Codes and messages are for the operator and contain no personal data, no token and no key. What the
outside world is told is one constant answer for every :class:`VerificationError`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar, Final

PICTURE_CODES: Final = frozenset(
    {
        "picture_malformed",
        "picture_too_large",
        "picture_unsupported",
        "picture_blurred",
        "picture_dark",
        "picture_burnt_out",
    }
)
FACE_CODES: Final = frozenset(
    {
        "no_face",
        "several_faces",
        "face_too_small",
        "face_turned",
        "face_cut",
        "face_unclear",
        "frames_disagree",
    }
)
DOCUMENT_CODES: Final = frozenset(
    {
        "document_malformed",
        "document_expired",
        "document_contradictory",
        "document_untrusted",
        "document_altered",
        "check_digit",
        "barcode_unreadable",
        "document_check_pending",
        "document_check_failed",
        "document_check_unavailable",
        "document_check_unauthentic",
    }
)
CREDENTIAL_CODES: Final = frozenset(
    {
        "credential_malformed",
        "credential_expired",
        "credential_not_yet_valid",
        "credential_untrusted",
        "credential_unverifiable",
        "credential_revoked",
        "credential_not_bound",
        "credential_wrong_transaction",
        "credential_replayed",
        "credential_declined",
        "credential_contradictory",
        "credential_no_age",
    }
)


class AgeAssuranceError(Exception):
    """Base of every error that this library raises on purpose.

    Attributes:
        code: Stable, machine-readable reason; one of :attr:`codes`.

    Args:
        message: For the operator; no personal data.
        code: Needed where the class stands for more than one code.

    Raises:
        ValueError: If ``code`` is not one of the class's codes, or is missing where there are
            several.
    """

    codes: ClassVar[frozenset[str]] = frozenset({"age_assurance"})
    code: str

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is None and len(self.codes) == 1:
            (code,) = self.codes
        if code not in self.codes:
            raise ValueError(f"got code {code!r}, expected one of {sorted(self.codes)}")
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only state would be lost by Exception's own pickling (worker processes).
        return (_rebuild, (type(self), str(self), self.code))


def _rebuild(cls: type[AgeAssuranceError], message: str, code: str) -> AgeAssuranceError:
    return cls(message, code=code)


def plain(error: AgeAssuranceError) -> AgeAssuranceError | None:
    """The same error of a class of this module, without traceback, context, notes or attributes.

    A plug-in's own class becomes the one of ours from which it derives and which has its code; None
    where there is none, or where it fails when it is asked for its code or message.
    """
    with suppress(Exception):  # a plug-in's own class may raise anything
        code: object = error.code
        message = str(error)
        for cls in type(error).__mro__:
            if (
                issubclass(cls, AgeAssuranceError)
                and cls.__module__ == __name__
                and isinstance(code, str)
                and code in cls.codes
            ):
                return cls(message, code=code)
    return None


class ConfigurationError(AgeAssuranceError):
    """The caller's set-up is wrong; raised before any evidence or token is read."""

    codes = frozenset({"configuration"})


class InsufficientEvidenceError(ConfigurationError):
    """Too few people were measured to support the error that is claimed."""

    codes = frozenset({"insufficient_evidence"})


class KeySetError(ConfigurationError):
    """A key, or a set of keys, that must not be used."""

    codes = frozenset({"bad_key_set"})


class MissingExtraError(ConfigurationError):
    """An optional dependency is not installed; the message gives the command that installs it."""

    codes = frozenset({"missing_extra"})


class ModelIntegrityError(AgeAssuranceError):
    """A model file is not the one whose digest is pinned, or breaks its declared contract."""

    codes = frozenset({"model_integrity"})


class RequestRefusedError(AgeAssuranceError):
    """The provider does not serve this request."""

    codes = frozenset({"request_refused"})


class UnknownAudienceError(RequestRefusedError):
    """The audience is not registered, or the return address is not registered for it."""

    codes = frozenset({"unknown_audience"})


class AttemptsExhaustedError(RequestRefusedError):
    """All attempts of this (audience, nonce) are used."""

    codes = frozenset({"attempts_exhausted"})


class StepTimeOverError(RequestRefusedError):
    """The evidence came after its step's time limit; it was not looked at."""

    codes = frozenset({"step_time_over"})


class TokenAlreadyIssuedError(RequestRefusedError):
    """This (audience, nonce) has had its one token."""

    codes = frozenset({"token_already_issued"})


class AttemptStoreError(RequestRefusedError):
    """The attempt store cannot answer, or is full; the request is refused."""

    codes = frozenset({"attempt_store_unavailable"})


class UnfinishedError(AgeAssuranceError):
    """An assessment that was stopped, or could not be made; it says nothing of the evidence."""

    codes = frozenset({"unfinished"})


class DeadlineError(UnfinishedError):
    """The time for the assessment is over."""

    codes = frozenset({"deadline_exceeded"})


class CalledOffError(UnfinishedError):
    """The assessment was called off: nobody wants its answer any more."""

    codes = frozenset({"called_off"})


class OverloadError(UnfinishedError):
    """Too many assessments are under way, and too many wait."""

    codes = frozenset({"overload"})


class WorkerError(UnfinishedError):
    """The process that made the assessment ended, could not begin, or gave no proper answer."""

    codes = frozenset({"worker_failed"})


class IssuanceError(AgeAssuranceError):
    """A token that must not be signed: undecided, not asked for, or with a claim not allowed."""

    codes = frozenset({"issuance"})


class StatusError(AgeAssuranceError):
    """A credential's status is not valid, or cannot be established from a status list."""

    codes = frozenset(
        {"status_unavailable", "status_refused", "status_suspended", "status_invalid"}
    )


class EvidenceError(AgeAssuranceError):
    """Evidence that cannot be assessed; inside a chain of methods it counts as INCONCLUSIVE."""

    codes = frozenset({"evidence"})


class PictureError(EvidenceError):
    """A picture refused before or while it was decoded, or too poor to be used."""

    codes = PICTURE_CODES


class FaceError(EvidenceError):
    """No face, several faces, or one that cannot be used."""

    codes = FACE_CODES


class PresentationAttackError(EvidenceError):
    """The liveness check says that no living person stood before the camera."""

    codes = frozenset({"presentation_attack"})


class BirthDateError(EvidenceError):
    """A birth date that no calendar has, in the future, or more than 120 years ago."""

    codes = frozenset({"birth_date_impossible"})


class DocumentError(EvidenceError):
    """A document that is malformed, expired or altered."""

    codes = DOCUMENT_CODES


class CredentialError(EvidenceError):
    """A credential that is malformed, expired or not trusted, or that states no age."""

    codes = CREDENTIAL_CODES


class AuditError(AgeAssuranceError):
    """The input of an audit cannot be used; the message names the file and the lines."""

    codes = frozenset({"audit"})


class DataSetError(AuditError):
    """A manifest, its statement, or the folder of a data set cannot be used."""

    codes = frozenset({"bad_data_set"})


class PredictionsError(AuditError):
    """A file of predictions cannot be used, or a run that makes one cannot go on."""

    codes = frozenset({"bad_predictions"})


class ReportError(AuditError):
    """A report cannot be used, or has no such figure; also a condition that is none."""

    codes = frozenset({"bad_report"})


class AuditSignatureError(AuditError):
    """An audit's signature is not the pinned key's, or a file was altered after it was signed."""

    codes = frozenset({"bad_audit_signature"})


class EngineError(AuditError):
    """The engine that runs an audit on several processes or machines has failed."""

    codes = frozenset({"engine_failed"})


class VerificationError(AgeAssuranceError):
    """An age token was refused. Tell the outside world no more than that."""

    codes = frozenset({"verification"})


class MalformedTokenError(VerificationError):
    """The token's size, form, header or claims break the format (steps 1, 2 and 6)."""

    codes = frozenset({"malformed_token", "malformed_header", "malformed_claims"})


class WrongTokenTypeError(VerificationError):
    """``typ`` is not the age token's (step 3)."""

    codes = frozenset({"wrong_type"})


class UntrustedKeyError(VerificationError):
    """No pinned key has this ``kid`` (step 4)."""

    codes = frozenset({"unknown_key"})


class KeySetUnavailableError(VerificationError):
    """No usable key set of an issuer is at hand, and none could be fetched (step 4)."""

    codes = frozenset({"key_set_unavailable"})


class AlgorithmError(VerificationError):
    """``alg`` is not the one that the key is for (step 4)."""

    codes = frozenset({"wrong_algorithm"})


class SignatureError(VerificationError):
    """The signature is not the key's over these bytes (step 5)."""

    codes = frozenset({"bad_signature"})


class UntrustedIssuerError(VerificationError):
    """``iss`` is not an issuer whose key set holds the key (step 7)."""

    codes = frozenset({"wrong_issuer"})


class AudienceMismatchError(VerificationError):
    """``aud`` is another relying party (step 8)."""

    codes = frozenset({"wrong_audience"})


class NonceMismatchError(VerificationError):
    """``nonce`` is not the one that was asked with (step 9)."""

    codes = frozenset({"wrong_nonce"})


class TokenExpiredError(VerificationError):
    """``exp`` has passed (step 10)."""

    codes = frozenset({"expired"})


class TokenNotYetValidError(VerificationError):
    """``iat`` lies in the future (step 10)."""

    codes = frozenset({"not_yet_valid"})


class LifetimeError(VerificationError):
    """The token claims a longer life than the format allows (step 10)."""

    codes = frozenset({"lifetime_too_long"})


class AgeRequirementNotMetError(VerificationError):
    """The token does not say what was asked about the age (step 11)."""

    codes = frozenset({"age_not_met"})


class AssuranceNotMetError(VerificationError):
    """The method class or assurance level is not among those demanded (step 12)."""

    codes = frozenset({"assurance_not_met"})


class HolderProofError(VerificationError):
    """The proof that the presenter holds the token's key is absent or wrong (step 13)."""

    codes = frozenset({"holder_proof"})


class ReplayedTokenError(VerificationError):
    """This token was accepted before (step 14)."""

    codes = frozenset({"replayed"})


class ReplayStoreError(VerificationError):
    """The replay store cannot answer, or is full; the token is refused (step 14)."""

    codes = frozenset({"replay_store_unavailable"})
