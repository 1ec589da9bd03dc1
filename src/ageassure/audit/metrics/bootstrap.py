"""The bootstrap: people are resampled within strata, percentile and BCa ends are read off.

Source: B. Efron, J. Am. Stat. Assoc. 82, 1987 (BCa). The acceleration comes from the empirical
influence of each person on a ratio of sums, so that nothing is left out one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.audit.figure import LEAST_RESAMPLED, Members, Method, Why
from ageassure.audit.metrics.sums import COUNT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ageassure.audit.metrics.sums import Atoms
    from ageassure.audit.table import Flags, Floats, Ints

CONFIDENCE: Final = 0.95

LEAST_IN_STRATUM: Final = 20
"""Drawing from n people understates a variance by the factor (n − 1) / n: 5 % at the most."""

_SAME: Final = 1e-9
_POOL: Final = -1
_NONE: Final = -2
_MOST_DRAWN_AT_ONCE: Final = 1 << 22
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What is resampled: people, or bins of people who count alike.

    Attributes:
        stratum: Of each unit.
        people: How many people each stands for.
        sums: [units, columns] what one person of the unit adds to each sum.
    """

    stratum: Ints
    people: Ints
    sums: Floats

    @classmethod
    def of(cls, atoms: Atoms) -> Units:
        """The units of atoms: bins as they are, a person's atoms of all strata added up.

        A person stands in the first of the strata that they are in.
        """
        moments = atoms.moments()
        if not atoms.clustered:
            people = atoms.sums[:, 0]
            stratum = _pooled(atoms.stratum, people)
            order = np.argsort(stratum, kind="stable")
            each = moments / people[:, None]
            return cls(stratum=stratum[order], people=people[order], sums=each[order])
        _, first, person = np.unique(atoms.unit, return_index=True, return_inverse=True)
        sums = np.zeros((len(first), moments.shape[1]))
        np.add.at(sums, person, moments)
        stratum = _pooled(atoms.stratum[first], np.ones(len(first), dtype=np.int64))
        # The order of people must not depend on how they happen to be numbered.
        order = np.lexsort((*sums.T[::-1], stratum))
        return cls(
            stratum=stratum[order], people=np.ones(len(order), dtype=np.int64), sums=sums[order]
        )

    def replicates(self, rng: np.random.Generator, resamples: int) -> Floats:
        """[resamples, columns] sums over people drawn again within each stratum."""
        total = np.zeros((resamples, self.sums.shape[1]))
        for part in self._parts():
            people = self.people[part]
            sums = self.sums[part]
            step = max(1, _MOST_DRAWN_AT_ONCE // len(people))
            for start in range(0, resamples, step):
                size = min(step, resamples - start)
                drawn = _drawn(rng, people, size)
                total[start : start + size] += drawn.astype(np.float64) @ sums
        return total

    def acceleration(self, column: int) -> float:
        """BCa's acceleration of the ratio of a sum to the number of rows."""
        total = self.people @ self.sums
        ratio = total[column] / total[COUNT]
        influence = self.sums[:, column] - ratio * self.sums[:, COUNT]
        cubes = squares = 0.0
        for part in self._parts():
            people = self.people[part]
            centred = influence[part] - people @ influence[part] / people.sum()
            cubes += float(people @ centred**3)
            squares += float(people @ centred**2)
        return cubes / (6 * squares**1.5) if squares > 0 else 0.0

    def _parts(self) -> Iterator[slice]:
        edges = np.flatnonzero(np.diff(self.stratum, prepend=_NONE, append=_NONE))
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            yield slice(start, end)


def _drawn(rng: np.random.Generator, people: Ints, size: int) -> Ints:
    """[size, units] how often each unit is drawn when as many people are drawn as there are."""
    units = len(people)
    if people.max() > 1:
        return rng.multinomial(people.sum(), people / people.sum(), size=size)
    # The same for people one by one, an order of magnitude faster.
    picked = rng.integers(0, units, (size, units)) + np.arange(size)[:, None] * units
    return np.bincount(picked.ravel(), minlength=size * units).reshape(size, units)


def _pooled(stratum: Ints, people: Ints) -> Ints:
    """Strata of few people are drawn from as one: a person alone would be drawn every time."""
    counted = np.bincount(stratum, people).astype(np.int64)
    return np.where(counted[stratum] < LEAST_IN_STRATUM, _POOL, stratum)


def resampled(
    atoms: Atoms, groups: Sequence[Flags], *, seed: Sequence[int], resamples: int
) -> list[Floats]:
    """For each group of strata the [resamples, columns] sums over its people, drawn again.

    Bins of a stratum are drawn once, for all the groups that it is in. People are drawn for each
    group anew, since they may be in several strata.
    """
    if atoms.clustered:
        return [
            Units.of(atoms.of_strata(group)).replicates(
                np.random.default_rng((*seed, index)), resamples
            )
            for index, group in enumerate(groups)
        ]
    counted = np.bincount(atoms.stratum, atoms.sums[:, 0], minlength=len(groups[0]))
    small = counted < LEAST_IN_STRATUM
    totals = []
    for index, group in enumerate(groups):
        rng = np.random.default_rng((*seed, 0, index))
        totals.append(Units.of(atoms.of_strata(group & small)).replicates(rng, resamples))
    one = np.zeros(len(small), dtype=np.bool_)
    for stratum in np.flatnonzero(~small).tolist():
        one[:] = False
        one[stratum] = True
        rng = np.random.default_rng((*seed, 1, stratum))
        drawn = Units.of(atoms.of_strata(one)).replicates(rng, resamples)
        for total, group in zip(totals, groups, strict=True):
            if group[stratum]:
                total += drawn
    return totals


def ends(
    replicates: Floats, value: float, people: int, *, acceleration: float | None = None
) -> Members:
    """The members of a figure that tell its interval, or why there is none.

    Args:
        replicates: The figure in every resample.
        value: The figure.
        people: How many people were resampled.
        acceleration: For BCa; None for percentile.
    """
    if people < LEAST_RESAMPLED:
        return {"reason": Why.FEW_PEOPLE}
    if replicates.max() - replicates.min() < _SAME * max(1.0, abs(value)):
        return {"reason": Why.NO_SPREAD}
    levels = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    method = Method.PERCENTILE
    if acceleration is not None:
        levels = [adjusted(replicates, value, acceleration, level) for level in levels]
        method = Method.BCA
    low, high = (float(end) for end in np.quantile(replicates, levels))
    return {"low": low, "high": high, "method": method, "confidence": CONFIDENCE}


def adjusted(replicates: Floats, value: float, acceleration: float, level: float) -> float:
    """The level at which BCa reads off the end that percentile reads off at ``level``."""
    below = np.count_nonzero(replicates < value) + np.count_nonzero(replicates == value) / 2
    share = min(max(below, 0.5), len(replicates) - 0.5) / len(replicates)
    bias = _NORMAL.inv_cdf(float(share))
    shifted = bias + _NORMAL.inv_cdf(level)
    return _NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))
