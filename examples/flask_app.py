"""A Flask application with a room for people of 18 or over, and a visit to it.

The provider, which runs elsewhere in real life, is played by ``ageassure.testing``. Needs the extra
``flask``.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import Flask

from ageassure import AgeRequest, MethodClass, Outcome
from ageassure.integrations import AgeGate
from ageassure.integrations.flask import AgeAssurance
from ageassure.results import AssuranceLevel
from ageassure.testing import throw_away

if TYPE_CHECKING:
    from ageassure import TokenVerifier

ORIGIN = "https://platform.invalid"


def make_app(verifier: TokenVerifier) -> Flask:
    app = Flask(__name__)
    app.config.update(SECRET_KEY=secrets.token_urlsafe(), SESSION_COOKIE_SECURE=True)
    gate = AgeGate(verifier, age_over=[18], result_seconds=30 * 86_400, next_path="/room")
    age = AgeAssurance(gate, app)

    @app.get("/room")
    @age.require_age(18)
    def room() -> str:
        return "welcome, over-18"

    return app


def main() -> None:
    provider = throw_away()
    browser = make_app(provider.verifier).test_client()

    closed = browser.get("/room", base_url=ORIGIN).get_json(force=True)
    print(f"{closed['status']}: {closed['detail']}")

    challenge = browser.post(closed["challenge"], base_url=ORIGIN).get_json()
    token = provider.issuer.issue(
        AgeRequest(**challenge),
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.STANDARD,
    )
    for _ in range(2):
        answer = browser.post(
            "/age/token", base_url=ORIGIN, headers={"Authorization": f"AgeToken {token}"}
        )
        print(answer.status_code)
    print(browser.get("/room", base_url=ORIGIN).text)


if __name__ == "__main__":
    main()
