"""Another provider's age token as evidence, where this provider asked for it.

Only where this provider is the token's ``aud`` and set its nonce: a token for somebody else proves
nothing here. What is derived from it neither outlives it nor raises its method class or level; so a
token that does not tell both is refused, since nothing could be derived from it without guessing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from ageassure.errors import ConfigurationError, CredentialError, VerificationError
from ageassure.estimators.credential.refusal import assess_alone, refused
from ageassure.estimators.document.held import Hidden
from ageassure.results import (
    AgeInterval,
    AssuranceLevel,
    MethodClass,
    PresentationAttack,
    Provenance,
    checked_age_limit,
    checked_nonce,
)
from ageassure.verifier import TokenVerifier

if TYPE_CHECKING:
    from ageassure.results import AgeEstimate
    from ageassure.verifier import VerifiedAge

_FORM: Final = frozenset({"malformed_token", "malformed_header", "malformed_claims", "wrong_type"})
_TRANSACTION: Final = frozenset({"wrong_audience", "wrong_nonce"})
_UNAVAILABLE: Final = frozenset({"key_set_unavailable", "replay_store_unavailable"})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class AgeTokenEvidence(Hidden):
    """An age token that answers this provider's own request.

    Attributes:
        token: What the presenter sent.
        nonce: The nonce of this provider's own request, out of its own session.
        age_over: The limit that was asked with ``age_over``, 1 to 99. Exactly one of the two.
        age_under: The limit that was asked with ``age_under``.
        holder_jkt: Demand a token bound to the key with this thumbprint, and a proof by it.
        holder_proof: What the presenter sent as that proof.

    Raises:
        ConfigurationError: If nonce or limit are missing or malformed.
    """

    token: str
    nonce: str
    age_over: int | None = None
    age_under: int | None = None
    holder_jkt: str | None = None
    holder_proof: str | None = None

    def __post_init__(self) -> None:
        checked_nonce(self.nonce)
        if (self.age_over is None) == (self.age_under is None):
            raise ConfigurationError("got both or neither of age_over and age_under, expected one")
        checked_age_limit(self.age_under if self.age_over is None else self.age_over)


@final
class AgeTokenEstimator:
    """Reads the age out of other providers' age tokens. Keeps nothing; the replay store does.

    Ask for the token with ``tell_method`` and ``tell_level``. The estimate has the token's method
    class; it counts as bound where the token's level does, which no unbound evidence reaches.

    Args:
        verifier: Trusts the other providers; its audience is this provider's own name.

    Raises:
        ConfigurationError: If it is no :class:`~ageassure.verifier.TokenVerifier`.
    """

    __slots__ = ("_verifier",)

    def __init__(self, *, verifier: TokenVerifier) -> None:
        if not isinstance(verifier, TokenVerifier):
            raise ConfigurationError("got a verifier that is no TokenVerifier")
        self._verifier = verifier

    def estimate(self, evidence: AgeTokenEvidence) -> AgeEstimate:
        """Verify one token, accept it once, and read the age out of it.

        Raises:
            CredentialError: If it is refused; the code says why.
            ConfigurationError: If the evidence is no :class:`AgeTokenEvidence`.
        """
        held: list[object] = [evidence]
        del evidence
        return assess_alone(self._assessed, held, AgeTokenEvidence)

    def _assessed(self, evidence: AgeTokenEvidence) -> AgeEstimate:
        verified: VerifiedAge | None = None
        refusal: CredentialError | None = None
        try:
            verified = self._verifier.verify(
                evidence.token,
                nonce=evidence.nonce,
                age_over=evidence.age_over,
                age_under=evidence.age_under,
                methods=frozenset(MethodClass),  # told, whichever; the policy chooses
                minimum_level=AssuranceLevel.ASSERTED,  # told
                holder_jkt=evidence.holder_jkt,
                holder_proof=evidence.holder_proof,
            )
        except VerificationError as error:
            refusal = _refusal(error.code)
        if refusal is not None:
            raise refusal
        assert verified is not None  # noqa: S101 - the verifier returns or raises
        return _estimate_of(verified)


def _refusal(code: str) -> CredentialError:
    if code in _FORM:
        return refused("got evidence that is no age token", code="credential_malformed")
    if code == "expired":
        return refused("got an age token that has expired", code="credential_expired")
    if code == "not_yet_valid":
        return refused("got an age token of the future", code="credential_not_yet_valid")
    if code in _TRANSACTION:
        return refused("got an age token for something else", code="credential_wrong_transaction")
    if code == "replayed":
        return refused("got an age token that was accepted before", code="credential_replayed")
    if code == "holder_proof":
        return refused("got an age token without proof of its holder", code="credential_not_bound")
    if code in _UNAVAILABLE:
        return refused("an age token could not be checked", code="credential_unverifiable")
    if code in ("age_not_met", "assurance_not_met"):
        return refused("got an age token that does not say enough", code="credential_no_age")
    return refused("got an age token that is not trusted", code="credential_untrusted")


def _estimate_of(verified: VerifiedAge) -> AgeInterval:
    assert verified.method_class is not None and verified.level is not None  # noqa: S101, PT018
    # Only bound evidence that was looked at for presentation attacks gets above "asserted": no
    # issuer's table can say otherwise. An estimation that got there has passed that look.
    bound = verified.level is not AssuranceLevel.ASSERTED
    if not bound:
        attack = PresentationAttack.NOT_EVALUATED
    elif verified.method_class is MethodClass.ESTIMATION:
        attack = PresentationAttack.PASSED
    else:
        attack = PresentationAttack.NOT_APPLICABLE
    over = verified.age_over is not None
    return AgeInterval(
        lower_years=verified.proven_limit if over else 0,
        upper_years=None if over else verified.proven_limit,
        provenance=Provenance(
            method_class=verified.method_class,
            bound=bound,
            presentation_attack=attack,
            as_of=verified.issued_at,
            maximum_level=verified.level,
            not_after=verified.expires_at,
        ),
    )
