"""A provider assesses a face; what a face cannot settle leads on to another method.

The second method is a stand-in from ``ageassure.testing``: put your own estimator there.
Needs the extra ``demo`` (the portrait comes with scikit-image).
"""

from __future__ import annotations

import secrets
from importlib.resources import files

from ageassure import (
    AgeRequest,
    FacialAgeEstimator,
    MethodClass,
    Policy,
    Provider,
    RelyingParty,
    SigningKey,
    Successive,
    TokenIssuer,
)
from ageassure.policy import (
    Binding,
    MemoryAttemptStore,
    OnContradiction,
    PresentationAttackRule,
    Step,
    explain,
)
from ageassure.results import Direction
from ageassure.testing import StubEstimator, known_age
from ageassure.tokens.clock import utc_now

PLATFORM = "https://platform.example"


def main() -> None:
    face = FacialAgeEstimator()
    document = StubEstimator(known_age(34, 35))
    by_face = Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.ESTIMATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.UNEVALUATED_ACCEPTED,
        over=face.challenge_age(18, alpha=0.01),
        under=None,
        session_alpha=0.01,
        max_attempts=1,
    )
    by_document = Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.VERIFICATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.EVALUATED,
        over=None,
        under=None,
        session_alpha=None,
        max_attempts=2,
    )
    provider = Provider(
        estimators={"face": face, "document": document},
        policies=[
            Successive(
                steps=(
                    Step(name="face", policy=by_face),
                    Step(name="document", policy=by_document),
                ),
                session_alpha=0.01,
                on_contradiction=OnContradiction.STAYS_INCONCLUSIVE,
            )
        ],
        issuer=TokenIssuer(issuer="https://provider.example", signing_key=SigningKey.generate()),
        relying_parties=[RelyingParty(audience=PLATFORM)],
        attempt_store=MemoryAttemptStore(now=utc_now),
    )
    request = AgeRequest(audience=PLATFORM, nonce=secrets.token_urlsafe(32), age_over=18)

    # A picture without a face, then a second method: only what is needed is collected.
    with provider.open(request) as session:
        nobody = bytearray((files("skimage.data") / "coffee.png").read_bytes())
        result = session.submit("face", nobody)
        print(f"face: {result.outcome}:", *explain(result))
        if "document" in session.awaiting:
            result = session.submit("document", "the document's data")
            print(f"document: {result.outcome}:", *explain(result))
    print("token made" if result.token else "no token")


if __name__ == "__main__":
    main()
