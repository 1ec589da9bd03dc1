"""A face leaves the age open, and a wallet settles it: face, inconclusive, wallet, token.

The face is a stand-in from ``ageassure.testing`` (``signup_flow.py`` has the real one). Issuer and
wallet are played here with keys that nobody keeps: what they do is the business of others. Needs no
extra.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ageassure import (
    AgeRequest,
    MethodClass,
    Policy,
    Provider,
    RelyingParty,
    SigningKey,
    Successive,
    TokenIssuer,
)
from ageassure.estimators.credential import SDJWTEstimator, TrustedIssuers
from ageassure.estimators.credential.openid4vp import (
    AgeQuery,
    DirectPostAnswer,
    WalletAgeEstimator,
    WalletRequest,
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
from ageassure.testing import StubEstimator, challenge_age_for_tests, estimated_age
from ageassure.tokens import base64url
from ageassure.tokens.clock import utc_now
from ageassure.tokens.jws import sign_compact

if TYPE_CHECKING:
    from ageassure.policy import ChallengeAge

PLATFORM = "https://platform.example"
PROVIDER = "x509_san_dns:provider.example"
ANSWERS = "https://provider.example/wallet/answers"
ISSUER = "https://issuer.example"
TYPE = "urn:example:pid:1"


def policy(method: MethodClass, bar: ChallengeAge | None) -> Policy:
    return Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset({method}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.EVALUATED,
        over=bar,
        under=None,
        session_alpha=None if bar is None else bar.alpha,
        max_attempts=1,
    )


class Wallet:
    """What a wallet holds and does: an SD-JWT VC, and a key that it is bound to."""

    def __init__(self, issuer_key: SigningKey) -> None:
        self.key = SigningKey.generate()
        public = self.key.public.to_dict()
        claims = {"given_name": "Somebody", "birthdate": "1987-06-05"}
        self.hidden = {name: self._disclosure(name, value) for name, value in claims.items()}
        self.limits = {limit: self._disclosure(limit, True) for limit in ("16", "18", "21")}
        ages = {"_sd": [digest(text) for text in self.limits.values()]}
        self.ages = self._disclosure("age_equal_or_over", ages)
        now = int(utc_now().timestamp())
        payload = {
            "iss": ISSUER,
            "vct": TYPE,
            "iat": now,
            "exp": now + 86_400,
            "cnf": {"jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}},
            "_sd": [digest(text) for text in (*self.hidden.values(), self.ages)],
        }
        header = {"typ": "dc+sd-jwt", "alg": issuer_key.alg, "kid": issuer_key.kid}
        self.credential = sign_compact(header, json.dumps(payload).encode(), issuer_key)

    @staticmethod
    def _disclosure(name: str, value: object) -> str:
        return base64url.encode(json.dumps([secrets.token_urlsafe(16), name, value]).encode())

    def answer(self, request: dict[str, Any]) -> bytes:
        """Disclose the one thing that is asked for, and prove possession of the key."""
        (query,) = request["dcql_query"]["credentials"]
        limit = query["claims"][0]["path"][-1]
        shown = f"{self.credential}~{self.ages}~{self.limits[limit]}~"
        proof = {
            "aud": request["client_id"],
            "nonce": request["nonce"],
            "iat": int(utc_now().timestamp()),
            "sd_hash": digest(shown),
        }
        header = {"typ": "kb+jwt", "alg": self.key.alg}
        presentation = shown + sign_compact(header, json.dumps(proof).encode(), self.key)
        token = json.dumps({query["id"]: [presentation]})
        return urlencode({"vp_token": token, "state": request["state"]}).encode()


def digest(text: str) -> str:
    return base64url.encode(hashlib.sha256(text.encode()).digest())


def main() -> None:
    issuer_key = SigningKey.generate()
    sd_jwt = SDJWTEstimator(
        issuers=TrustedIssuers({ISSUER: issuer_key.public_set()}), types=[TYPE], status=None
    )
    bar = challenge_age_for_tests(25.0)
    provider = Provider(
        estimators={
            "face": StubEstimator(estimated_age(21.0)),
            "wallet": WalletAgeEstimator(sd_jwt=sd_jwt, mdocs={}),
        },
        policies=[
            Successive(
                steps=(
                    Step(name="face", policy=policy(MethodClass.ESTIMATION, bar)),
                    Step(name="wallet", policy=policy(MethodClass.VERIFICATION, None)),
                ),
                session_alpha=bar.alpha,
                on_contradiction=OnContradiction.STAYS_INCONCLUSIVE,
            )
        ],
        issuer=TokenIssuer(issuer="https://provider.example", signing_key=SigningKey.generate()),
        relying_parties=[RelyingParty(audience=PLATFORM)],
        attempt_store=MemoryAttemptStore(now=utc_now),
    )
    request = AgeRequest(audience=PLATFORM, nonce=secrets.token_urlsafe(32), age_over=18)

    with provider.open(request) as session:
        result = session.submit("face", "a picture")
        print(f"face: {result.outcome}:", *explain(result))

        # Stored under the visitor's session; its parameters go to the wallet.
        asked = WalletRequest.by_direct_post(
            AgeQuery(age_limit=18, sd_jwt_types=(TYPE,)),
            client_id=PROVIDER,
            response_uri=ANSWERS,
            response_key=None,
        )
        stored = asked.to_json()
        form = Wallet(issuer_key).answer(asked.parameters())

        # The wallet posts its answer; the request is taken out of the store, once.
        answer = DirectPostAnswer(request=WalletRequest.from_json(stored), form=form)
        result = session.submit("wallet", answer)
        print(f"wallet: {result.outcome}:", *explain(result))
    print("token made" if result.token else "no token")


if __name__ == "__main__":
    main()
