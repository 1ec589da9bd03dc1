"""Presentation attacks, from a labelled set of attacks and of living people: ISO/IEC 30107-3.

APCER is told for each species of attack, and the greatest of them stands for the system: an average
over species would hide the one that works. Error rates are of presentations that were answered;
those that were not are told beside, as the standard has it. Presentations with one instrument, or
by one person, are not independent; the intervals take them to be, and the number of instruments is
told. It is not checked that the attacks are as good as an attacker's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ageassure.audit.figure import Figure, Method, Why
from ageassure.audit.intervals import CONFIDENCE, clopper_pearson
from ageassure.errors import ConfigurationError
from ageassure.policy.strict import instance, text

if TYPE_CHECKING:
    from collections.abc import Iterable


class LivenessAnswer(StrEnum):
    """What the liveness check said."""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    NO_RESPONSE = "no_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """One presentation to the system.

    Attributes:
        species: Kind of attack instrument (print, replay, mask …); None for a living person.
        instrument: Which instrument, or which person, as a label without meaning.
        answer: What the liveness check said.
        let_through: Did the whole system let it through: answered bona fide, and the estimate
            reached the challenge age? For a living person: somebody at or over the limit.

    Raises:
        ConfigurationError: If a member is malformed, or something was let through that was not
            answered as bona fide.
    """

    species: str | None
    instrument: str
    answer: LivenessAnswer
    let_through: bool

    def __post_init__(self) -> None:
        if self.species is not None:
            text(self.species, "species")
        text(self.instrument, "instrument")
        instance(self.answer, LivenessAnswer, "answer")
        instance(self.let_through, bool, "let_through")
        if self.let_through and self.answer is not LivenessAnswer.BONA_FIDE:
            raise ConfigurationError("got a presentation let through that was not found bona fide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Species:
    """One species of attack.

    Attributes:
        name: The species.
        instruments: How many different ones were presented.
        apcer: Attacks answered as bona fide, of those answered.
        apnrr: Attacks not answered, of all.
        iapar: Attacks that the whole system let through, of all.
    """

    name: str
    instruments: int
    apcer: Figure
    apnrr: Figure
    iapar: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """What a labelled attack set shows.

    Attributes:
        species: Each species, by name.
        apcer_max: The greatest APCER over species; null if a species has none.
        worst_apcer: Its species.
        iapar_max: The greatest IAPAR over species.
        worst_iapar: Its species.
        bpcer: Living people answered as attacks, of those answered.
        bpnrr: Living people not answered, of all.
        frr: Living people at or over the limit who were not let through, of all: FNR at T with
            everything that goes wrong before.
        riapar: FRR + greatest IAPAR; null if either is. No interval is made of the sum.
    """

    species: tuple[Species, ...]
    apcer_max: Figure
    worst_apcer: str | None
    iapar_max: Figure
    worst_iapar: str | None
    bpcer: Figure
    bpnrr: Figure
    frr: Figure
    riapar: Figure


def liveness(presentations: Iterable[Presentation]) -> Liveness:
    """Measure attack detection.

    Raises:
        ConfigurationError: If there are no presentations.
    """
    by_species: dict[str | None, list[Presentation]] = defaultdict(list)
    for presentation in presentations:
        by_species[presentation.species].append(presentation)
    if not by_species:
        raise ConfigurationError("got no presentations")
    living = by_species.pop(None, [])
    species = tuple(_species(name, by_species[name]) for name in sorted(map(str, by_species)))
    apcer_max, worst_apcer = _greatest([(s.name, s.apcer) for s in species])
    iapar_max, worst_iapar = _greatest([(s.name, s.iapar) for s in species])
    answered = [p for p in living if p.answer is not LivenessAnswer.NO_RESPONSE]
    frr = _share(living, [p for p in living if not p.let_through])
    return Liveness(
        species=species,
        apcer_max=apcer_max,
        worst_apcer=worst_apcer,
        iapar_max=iapar_max,
        worst_iapar=worst_iapar,
        bpcer=_share(answered, [p for p in answered if p.answer is LivenessAnswer.ATTACK]),
        bpnrr=_share(living, [p for p in living if p.answer is LivenessAnswer.NO_RESPONSE]),
        frr=frr,
        riapar=_sum(frr, iapar_max),
    )


def _species(name: str, attacks: list[Presentation]) -> Species:
    answered = [p for p in attacks if p.answer is not LivenessAnswer.NO_RESPONSE]
    return Species(
        name=name,
        instruments=len({p.instrument for p in attacks}),
        apcer=_share(answered, [p for p in answered if p.answer is LivenessAnswer.BONA_FIDE]),
        apnrr=_share(attacks, [p for p in attacks if p.answer is LivenessAnswer.NO_RESPONSE]),
        iapar=_share(attacks, [p for p in attacks if p.let_through]),
    )


def _share(among: list[Presentation], hits: list[Presentation]) -> Figure:
    n, k = len(among), len(hits)
    if not n:
        return Figure(value=None, n=0, subjects=0, k=0, reason=Why.NOBODY)
    low, high = clopper_pearson(k, n)
    return Figure(
        value=k / n,
        n=n,
        subjects=len({p.instrument for p in among}),
        k=k,
        low=low,
        high=high,
        method=Method.CLOPPER_PEARSON,
        confidence=CONFIDENCE,
    )


def _greatest(figures: list[tuple[str, Figure]]) -> tuple[Figure, str | None]:
    """The greatest; a species without a figure could be worse than all others, so: null."""
    if not figures or any(figure.value is None for _, figure in figures):
        n = sum(figure.n for _, figure in figures)
        return Figure(value=None, n=n, subjects=0, reason=Why.NOBODY), None
    name, figure = max(figures, key=lambda named: (named[1].value or 0.0, named[1].high or 0.0))
    return figure, name


def _sum(frr: Figure, iapar: Figure) -> Figure:
    n, subjects = frr.n + iapar.n, frr.subjects + iapar.subjects
    if frr.value is None or iapar.value is None:
        return Figure(value=None, n=n, subjects=subjects, reason=Why.NOBODY)
    return Figure(value=frr.value + iapar.value, n=n, subjects=subjects, reason=Why.NO_INTERVAL)
