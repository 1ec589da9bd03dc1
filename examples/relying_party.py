"""A platform asks for an age token, accepts it once, and refuses everything else.

The provider, which runs elsewhere in real life, is played by ``ageassure.testing``.
"""

from __future__ import annotations

import secrets

from ageassure import AgeRequest, MethodClass, Outcome, VerificationError
from ageassure.results import AssuranceLevel
from ageassure.testing import TEST_AUDIENCE, throw_away


def main() -> None:
    provider = throw_away(audience=TEST_AUDIENCE)

    # 1. The platform makes a fresh challenge, keeps it in its own session, and asks.
    session = {"nonce": secrets.token_urlsafe(32)}
    request = AgeRequest(audience=TEST_AUDIENCE, nonce=session["nonce"], age_over=18)

    # 2. The provider assesses somebody and answers.
    token = provider.issuer.issue(
        request,
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
    )

    # 3. The platform verifies on its own server; expectations come from its session, never from
    #    the token.
    verified = provider.verifier.verify(token, age_over=18, nonce=session["nonce"])
    print(f"let in: {verified.age_over} or over, says {verified.issuer}")

    # 4. Whatever else comes is refused: one constant answer outward, the code for the operator.
    other_nonce = secrets.token_urlsafe(32)
    for what, presented, nonce in (
        ("the same token again", token, session["nonce"]),
        ("in another session", token, other_nonce),
        ("altered", token[:-8] + "AAAAAAAA", session["nonce"]),
        ("no token at all", "let me in", session["nonce"]),
    ):
        try:
            provider.verifier.verify(presented, age_over=18, nonce=nonce)
        except VerificationError as error:
            print(f"refused, {what}: {error.code}")


if __name__ == "__main__":
    main()
