"""The provider: lets a request in, and has it answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, final

from ageassure.deadline import Deadline
from ageassure.errors import ConfigurationError, RequestRefusedError, UnknownAudienceError
from ageassure.estimators.base import Estimator
from ageassure.policy import AttemptStore, Policy, Step, Successive, Told
from ageassure.provider.case import Case
from ageassure.provider.session import Session, assess_chain
from ageassure.results import Direction, MethodClass
from ageassure.tokens.clock import Clock, read_clock, utc_now
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ageassure.provider.parties import RelyingParty
    from ageassure.results import AgeRequest, AssuranceResult
    from ageassure.tokens.issuer import TokenIssuer


@final
class Provider:
    """Answers age requests. Holds nothing about any person.

    Args:
        estimators: By name. A chain's steps name theirs; a plain :class:`Policy` uses the only one.
        policies: At most one for each limit and direction.
        issuer: Signs the tokens.
        relying_parties: All that are answered; a hostile site could otherwise have its visitors
            make tokens for another audience.
        attempt_store: Shared by all processes that answer the same audiences.
        now: Clock.

    Raises:
        ConfigurationError: If one of these is empty or ill-formed, two policies or relying parties
            are for the same, or a step has no estimator.
    """

    def __init__(
        self,
        *,
        estimators: Mapping[str, Estimator[Any]],
        policies: Iterable[Policy | Successive],
        issuer: TokenIssuer,
        relying_parties: Iterable[RelyingParty],
        attempt_store: AttemptStore,
        now: Clock = utc_now,
    ) -> None:
        self._estimators = dict(estimators)
        if not all(isinstance(each, Estimator) for each in self._estimators.values()):
            raise ConfigurationError("got an estimator without estimate()")
        self._rules: dict[tuple[Direction, int], _Rule] = {}
        for rule in policies:
            asked = (rule.direction, rule.age_limit)
            if asked in self._rules:
                raise ConfigurationError("got two policies for the same limit and direction")
            self._rules[asked] = _Rule(rule, self._steps_of(rule), rule.digest)
        parties = tuple(relying_parties)
        self._addresses = {party.audience: party.return_addresses for party in parties}
        if len(self._addresses) != len(parties):
            raise ConfigurationError("got two relying parties of the same audience")
        if not self._rules or not self._addresses:
            raise ConfigurationError("got no policies or no relying parties")
        if not isinstance(attempt_store, AttemptStore):
            raise ConfigurationError("got an attempt_store without take()")
        read_clock(now)
        self._issuer = issuer
        self._store = attempt_store
        self._now = now

    def _steps_of(self, rule: Policy | Successive) -> tuple[Step, ...]:
        if isinstance(rule, Policy):
            if len(self._estimators) != 1:
                raise ConfigurationError(
                    f"got a policy without steps beside {len(self._estimators)} estimators, "
                    "expected one; name the estimator in a Successive of one step"
                )
            (name,) = self._estimators
            return (Step(name=name, policy=rule),)
        if not {step.name for step in rule.steps} <= self._estimators.keys():
            raise ConfigurationError("got a step without an estimator of its name")
        return rule.steps

    def assess(
        self, evidence: object, request: AgeRequest, *, timeout_seconds: float | None = None
    ) -> AssuranceResult:
        """Assess evidence for one request.

        Every ``bytearray`` and writable ``memoryview`` in the evidence is filled with zeros before
        this returns or raises, whether it was assessed or not. From a coroutine, use
        :class:`~ageassure.threads.AssessmentThreads`.

        Args:
            evidence: What the estimator takes. For a chain a mapping of step names to evidence:
                its steps are tried in order until one settles the outcome; at the first one whose
                evidence is not there the chain stops, INCONCLUSIVE with ``evidence_missing``, and
                evidence of steps that are not reached is not looked at.
            request: What the relying party asked.
            timeout_seconds: Asked between the stages and before the token is claimed; an estimator
                of your own that calls no :func:`~ageassure.deadline.checkpoint` is one stage.

        Returns:
            The outcome with its reasons, and the token where it answers what was asked.

        Raises:
            UnknownAudienceError: If the audience, or its return address, is not registered.
            RequestRefusedError: If there is no policy for this limit and direction, or none of its
                methods could settle what the request insists on.
            AttemptsExhaustedError: If all attempts are used; in a chain, those of its last step.
            EvidenceError: If the evidence cannot be assessed (an attempt all the same); within a
                chain that is a reason, not an error.
            TokenAlreadyIssuedError: If this (audience, nonce) has had its token.
            AttemptStoreError: If the attempt store cannot answer.
            IssuanceError: If the token cannot be signed. It counts as issued.
            ConfigurationError: If the estimator's set-up is wrong, or the evidence for a chain is
                no mapping of its steps.
            ModelIntegrityError: If the estimator's model is not the pinned one.
            UnfinishedError: If the time is over, or the assessment was called off; in a chain too.
        """
        wiping = Wiping(evidence)
        held = [evidence]
        del evidence
        try:
            with wiping, Deadline(timeout_seconds):
                case = self._case(request)
                if isinstance(case.rule, Successive):
                    return assess_chain(case, case.rule, held)
                return _assess_once(case, case.rule, held)
        finally:
            held.clear()

    def open(self, request: AgeRequest) -> Session:
        """Begin a chain whose evidence is collected step by step, only as far as it is needed.

        Raises:
            UnknownAudienceError: As :meth:`assess`.
            RequestRefusedError: As :meth:`assess`.
            ConfigurationError: If the policy for this request is no chain.
        """
        case = self._case(request)
        if not isinstance(case.rule, Successive):
            raise ConfigurationError("got a policy without steps, expected a Successive")
        return Session(case, case.rule)

    def _case(self, request: AgeRequest) -> Case:
        addresses = self._addresses.get(request.audience)
        if addresses is None:
            raise UnknownAudienceError("got an audience that is not registered")
        if request.return_address is not None and request.return_address not in addresses:
            raise UnknownAudienceError("got a return address that is not registered")
        asked = (request.direction, request.age_limit)
        if asked not in self._rules:
            raise RequestRefusedError("got a limit and direction that no policy is for")
        rule, steps, digest = self._rules[asked]
        request = replace(
            request,
            tell_method=request.tell_method and Told.METHOD in rule.may_tell,
            tell_level=request.tell_level and Told.LEVEL in rule.may_tell,
        )
        methods = frozenset(MethodClass) if request.methods is None else request.methods
        if not request.tell_method:
            methods -= {MethodClass.DECLARATION}  # it is signed only where it is told
        steps = tuple(
            step
            for step in steps
            if step.policy.can_settle(methods=methods, minimum_level=request.minimum_level)
        )
        if not steps:
            raise RequestRefusedError("no method of the policy could settle what is insisted on")
        return Case(
            request=request,
            rule=rule,
            rule_digest=digest,
            steps=steps,
            methods=methods,
            estimators=self._estimators,
            issuer=self._issuer,
            store=self._store,
            now=self._now,
        )


class _Rule(NamedTuple):
    rule: Policy | Successive
    steps: tuple[Step, ...]
    digest: str


def _assess_once(case: Case, policy: Policy, held: list[object]) -> AssuranceResult:
    (step,) = case.steps
    case.take_attempt(step)
    # In one expression: no local variable keeps the estimate in a traceback.
    decision = policy.decide(
        case.estimate(step, held),
        methods=case.methods,
        minimum_level=case.request.minimum_level,
    )
    return case.conclude(decision)
