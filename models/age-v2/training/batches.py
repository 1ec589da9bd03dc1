"""Training batches and plain chips: from pictures to what a network takes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import torch
from augment import ALIGNED, EXACT, degraded, jittered, warp
from pictures import exact_matrix
from targets import labels, sampling_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray
    from pictures import Pictures
    from torch import Tensor

    Bytes = NDArray[np.uint8]
    Rows = NDArray[np.intp]

MEAN: Final = torch.tensor([122.781998, 117.000999, 104.297997])[:, None, None]
DIVISOR: Final = 256.0
"""As age-v1 takes its chips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One ``[network.<name>]`` of ``config.toml`` over its ``[common]``; explained there."""

    what: str
    start: str
    side: int
    seed: int
    epochs: int
    batch: int
    rate: float
    trunk_rate: float
    warm_up: float
    decay: float
    average: float
    dropout: float
    drop_path: float
    exact_share: float
    mix_share: float
    mix_alpha: float
    balance: float
    balance_floor: int
    emphasis: Mapping[str, float]
    smoothing: float
    teachers: tuple[str, ...]
    teacher_share: float
    ordinal: float
    at_20: float
    years: float
    sex: float
    ethnicity: float

    @classmethod
    def read(cls, path: Path, name: str) -> Self:
        """Read the configuration of one network.

        Raises:
            KeyError: If there is none of this name.
            TypeError: If an entry is missing or unknown.
        """
        document = tomllib.loads(path.read_text("utf-8"))
        entries = document["common"] | document["network"][name]
        return cls(**entries | {"teachers": tuple(entries["teachers"])})


def normalised(chips: Bytes) -> Tensor:
    """The network's input for chips ``[N, side, side, 3]``."""
    planes = torch.from_numpy(chips).permute(0, 3, 1, 2).float()
    return ((planes - MEAN) / DIVISOR).contiguous(memory_format=torch.channels_last)


def plain_chips(pictures: Pictures, rows: Rows, side: int, *, exact: bool) -> Bytes:
    """Chips as the pipeline cuts them, uint8 ``[N, side, side, 3]``.

    Args:
        pictures: Where from.
        rows: Which of them.
        side: Pixels of a chip's side.
        exact: By FairFace's own alignment, as are those in which no single face was found.
    """
    fallback = exact_matrix()
    chips = np.empty((len(rows), side, side, 3), dtype=np.uint8)
    for place, row in enumerate(rows):
        region = pictures.regions[row]
        own = not exact and np.isfinite(region).all()
        chips[place] = warp(pictures.pixels[row], region if own else fallback, side)
    return chips


class Batches:
    """Draws training batches; everything at random hangs on the seed and the epoch.

    Args:
        pictures: The training part.
        config: How.
    """

    def __init__(self, pictures: Pictures, config: Config) -> None:
        self._pictures = pictures
        self._config = config
        self.labels = labels(pictures.faces)
        self._weights = sampling_weights(
            self.labels, config.balance, config.balance_floor, config.emphasis
        )
        self._exact = exact_matrix()

    def __len__(self) -> int:
        """Batches of one epoch."""
        return len(self.labels.group) // self._config.batch

    def epoch(self, number: int) -> Iterator[tuple[Rows, Bytes, Generator]]:
        """Rows drawn, their chips, and the generator for whatever else is drawn."""
        random = np.random.default_rng([self._config.seed, number])
        for rows in self._drawn(random).reshape(len(self), -1):
            yield rows, np.stack([self._chip(row, random) for row in rows]), random

    def _drawn(self, random: Generator) -> Rows:
        """Systematic sampling: each is drawn as often as its weight says, to within one."""
        count = len(self) * self._config.batch
        order = random.permutation(len(self._weights))
        edges = np.cumsum(self._weights[order]) * count
        places = np.searchsorted(edges, np.arange(count) + random.random(), side="right")
        picks: Rows = order[places % len(order)]
        random.shuffle(picks)
        return picks

    def _chip(self, row: int, random: Generator) -> Bytes:
        region = self._pictures.regions[row]
        aligned = random.random() >= self._config.exact_share and np.isfinite(region[0, 0])
        region, jitter = (region, ALIGNED) if aligned else (self._exact, EXACT)
        moved = jittered(region, jitter, random)
        return degraded(warp(self._pictures.pixels[row], moved, self._config.side), random)
