"""What the labels say, as tensors, and how far an answer is from it.

A label says that an age lies in a group, and crowd workers often disagree by one group. So every
label is a distribution over the groups, most of it on its own; pictures that are mixed mix it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own custom

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fairface_split import LabelledFace
    from numpy.typing import NDArray
    from torch import Tensor

FIRST_YEARS: Final = (0, 3, 10, 20, 30, 40, 50, 60, 70)
CLASSES: Final = 81
GROUPS: Final = len(FIRST_YEARS)
BOUNDARY_20: Final = FIRST_YEARS.index(20) - 1
"""Index of 20 years among the eight boundaries between groups."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """Labels of many pictures as indices.

    Attributes:
        group: Age group.
        sex: 0 or 1.
        ethnicity: 0 … 6.
        cells: Names of the cells of ethnicity × sex, in the order of :attr:`cell`.
    """

    group: NDArray[np.intp]
    sex: NDArray[np.intp]
    ethnicity: NDArray[np.intp]
    cells: tuple[str, ...]

    @property
    def cell(self) -> NDArray[np.intp]:
        """Ethnicity × sex, 0 … 13."""
        return self.ethnicity * 2 + self.sex


def labels(faces: Sequence[LabelledFace]) -> Labels:
    """Indices for every face; names are counted in alphabetical order."""
    sexes = sorted({face.sex for face in faces})
    ethnicities = sorted({face.ethnicity for face in faces})
    return Labels(
        group=np.array([FIRST_YEARS.index(face.age_low) for face in faces]),
        sex=np.array([sexes.index(face.sex) for face in faces]),
        ethnicity=np.array([ethnicities.index(face.ethnicity) for face in faces]),
        cells=tuple(f"{ethnicity}, {sex}" for ethnicity in ethnicities for sex in sexes),
    )


def sampling_weights(
    found: Labels, power: float, floor: int, emphasis: Mapping[str, float]
) -> NDArray[np.float64]:
    """Weights that draw rare cells of ethnicity × sex × age more often; sum 1.

    Args:
        found: Labels of all pictures to draw from.
        power: 0 draws as often as there are pictures, 1 all cells equally often.
        floor: Cells with fewer pictures are treated as if they had this many.
        emphasis: Further factors for cells of ethnicity × sex, by name.
    """
    cells = found.cell * GROUPS + found.group
    counts = np.bincount(cells, minlength=len(found.cells) * GROUPS)
    weights = 1.0 / np.maximum(counts[cells], floor) ** power
    for name, factor in emphasis.items():
        weights[found.cell == found.cells.index(name)] *= factor
    return weights / weights.sum()


def smoothed(group: NDArray[np.intp], share: float) -> Tensor:
    """``[N, 9]``: ``share`` of each label goes to the neighbouring groups."""
    own = torch.eye(GROUPS)
    near = torch.zeros(GROUPS, GROUPS)
    near[range(1, GROUPS), range(GROUPS - 1)] = 1.0
    near += near.T.clone()
    table = (1 - share) * own + share * near / near.sum(1, keepdim=True)
    return table[torch.from_numpy(group)]


def group_shares(years: Tensor) -> Tensor:
    """P(group) ``[N, 9]`` of probabilities of single years, ``[N, 81]``."""
    edges = [*FIRST_YEARS, CLASSES]
    parts = [years[:, low:high].sum(1) for low, high in pairwise(edges)]
    return torch.stack(parts, 1)


def log_shares(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logarithms of P(group) ``[N, 9]``, P(age ≥ boundary) and P(age < boundary), ``[N, 8]``."""
    logs = F.log_softmax(logits.float(), dim=1)
    edges = [*FIRST_YEARS, CLASSES]
    group = torch.stack([logs[:, low:high].logsumexp(1) for low, high in pairwise(edges)], 1)
    over = torch.stack([logs[:, low:].logsumexp(1) for low in FIRST_YEARS[1:]], 1)
    under = torch.stack([logs[:, :low].logsumexp(1) for low in FIRST_YEARS[1:]], 1)
    return group, over, under


def age_loss(logits: Tensor, target: Tensor, *, ordinal: float, at_20: float) -> Tensor:
    """Interval-censored likelihood of the groups, and of each boundary by itself; ``[N]``.

    Args:
        logits: ``[N, 81]``.
        target: Distribution over the groups, ``[N, 9]``.
        ordinal: Weight of the boundaries.
        at_20: Weight of the boundary at 20 years among them; the others have 1.
    """
    group, over, under = log_shares(logits)
    share_over = target.flip(1).cumsum(1).flip(1)[:, 1:]
    by_boundary = -(share_over * over + (1 - share_over) * under)
    weights = torch.ones(GROUPS - 1)
    weights[BOUNDARY_20] = at_20
    return -(target * group).sum(1) + ordinal * (by_boundary * weights).mean(1)


def years_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy with a distribution over single years, ``[N]``."""
    return -(target * F.log_softmax(logits.float(), dim=1)).sum(1)


def target_years(group: Tensor, teacher: Tensor) -> Tensor:
    """A distribution over single years: the label's over groups, the teacher's inside each.

    The labels leave open how a group's share lies on its years; without a word on it the network
    would be free to put it anywhere.

    Args:
        group: ``[N, 9]``.
        teacher: age-v1's answer, ``[N, 81]``; here mixed half and half with an even distribution.
    """
    edges = [*FIRST_YEARS, CLASSES]
    parts = []
    for index, (low, high) in enumerate(pairwise(edges)):
        inside = teacher[:, low:high] + 1e-4
        inside = inside / inside.sum(1, keepdim=True)
        even = 1 / (high - low)
        parts.append(group[:, index : index + 1] * (0.5 * inside + 0.5 * even))
    return torch.cat(parts, 1)
