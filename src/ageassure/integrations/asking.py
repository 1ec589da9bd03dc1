"""The question to the provider, and the verification of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from ageassure.errors import ConfigurationError, NonceMismatchError, VerificationError
from ageassure.results import AgeRequest, checked_methods
from ageassure.verifier import TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ageassure.integrations.session import Challenge
    from ageassure.results import AssuranceLevel, MethodClass


@final
class Asking:
    """Asks with one verifier's audience, and demands what was asked for.

    Args:
        verifier: Verifies the answers.
        methods: As in :class:`~ageassure.integrations.AgeGate`.
        minimum_level: As there.

    Raises:
        ConfigurationError: If one of these is ill-formed.
    """

    __slots__ = ("_methods", "_minimum_level", "_verifier")

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        methods: Collection[MethodClass] | None,
        minimum_level: AssuranceLevel | None,
    ) -> None:
        if not isinstance(verifier, TokenVerifier):
            raise ConfigurationError("got another verifier, expected a TokenVerifier")
        self._verifier = verifier
        # The request's own checks, before the first visitor comes.
        checked = AgeRequest(
            audience=verifier.audience,
            nonce="n" * 43,
            age_over=18,
            methods=None if methods is None else checked_methods(methods),
            minimum_level=minimum_level,
        )
        self._methods, self._minimum_level = checked.methods, checked.minimum_level

    def members(self, challenge: Challenge) -> dict[str, object]:
        """The members of the :class:`~ageassure.results.AgeRequest`, as they go out in JSON."""
        request = AgeRequest(
            audience=self._verifier.audience,
            nonce=challenge.nonce,
            age_over=challenge.limit.age_over,
            age_under=challenge.limit.age_under,
            methods=self._methods,
            minimum_level=self._minimum_level,
            tell_method=self._methods is not None,
            tell_level=self._minimum_level is not None,
            holder_jkt=challenge.holder_jkt,
        )
        members = {
            "audience": request.audience,
            "nonce": request.nonce,
            "age_over": request.age_over,
            "age_under": request.age_under,
            "methods": None if request.methods is None else sorted(request.methods),
            "minimum_level": request.minimum_level,
            "tell_method": request.tell_method or None,
            "tell_level": request.tell_level or None,
            "holder_jkt": request.holder_jkt,
        }
        return {name: value for name, value in members.items() if value is not None}

    async def keys_ready(self, token: str) -> None:
        """As :meth:`ageassure.verifier.TokenVerifier.keys_ready`."""
        await self._verifier.keys_ready(token)

    def answered(
        self, token: str, holder_proof: str | None, challenges: Sequence[Challenge]
    ) -> Challenge | str:
        """The challenge that the token answers, or the code of the refusal.

        The token does not say which challenge it answers, save in claims that are not to be
        believed yet: each is tried, the newest first. A wrong nonce uses no token up.
        """
        code = "no_challenge"
        for challenge in reversed(challenges):
            try:
                self._verifier.verify(
                    token,
                    nonce=challenge.nonce,
                    age_over=challenge.limit.age_over,
                    age_under=challenge.limit.age_under,
                    methods=self._methods,
                    minimum_level=self._minimum_level,
                    holder_jkt=challenge.holder_jkt,
                    holder_proof=holder_proof,
                )
            except NonceMismatchError as error:
                code = error.code
            except VerificationError as error:
                return error.code
            else:
                return challenge
        return code
