"""Train the networks that age-v2 is the mean of, and put them into one file.

::

    python models/age-v2/training/train.py ../shared/data/fairface-train --work ~/.cache/age-v2

``config.toml`` says how. After every epoch the whole state is written to the work folder, and the
same command goes on from there. All seeds are fixed; the same processor, libraries and number of
threads give the same network. What is printed and written to ``<network>.jsonl`` is measured on the
calibration part, by which networks are chosen; the test part is not read.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from batches import Batches, Config, normalised, plain_chips
from export import TARGET, write
from fairface_split import Part
from network import CLASSES, AgeNetwork, from_age_v1
from pictures import Pictures, load
from scores import measure
from targets import (
    age_loss,
    group_shares,
    labels,
    smoothed,
    target_years,
    years_loss,
)
from torch.nn import functional as F  # noqa: N812 - torch's own custom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

HERE: Final = Path(__file__).parent
CONFIG: Final = HERE / "config.toml"
AGE_V1: Final = HERE.parents[1] / "age-v1" / "age-v1.onnx"
MEASURED_EVERY: Final = 3
"""Epochs."""

Batch = tuple["Tensor", "Tensor", "Tensor", "Tensor", "Tensor"]


@torch.no_grad()
def answers(
    network: AgeNetwork, pictures: Pictures, side: int, *, exact: bool = False
) -> NDArray[np.float32]:
    """Mean of the probabilities for a face and its mirror image, ``[N, 81]``."""
    network.eval()
    found = []
    for rows in np.array_split(np.arange(len(pictures.faces)), max(1, len(pictures.faces) // 256)):
        chips = normalised(plain_chips(pictures, rows, side, exact=exact))
        both = [network.age(network.features(x)).float().softmax(1) for x in (chips, chips.flip(3))]
        found.append((both[0] + both[1]) / 2)
    together: NDArray[np.float32] = torch.cat(found).numpy()
    return together


class Training:
    """One network on its way.

    Args:
        train: The training part.
        config: How.
        work: Folder for states and what is kept between runs.
        name: The network's name.
    """

    def __init__(self, train: Pictures, config: Config, work: Path, name: str) -> None:
        self._config = config
        self._batches = Batches(train, config)
        self._file = work / f"{name}.pt"
        found = self._batches.labels
        self._groups = smoothed(found.group, config.smoothing)
        if config.teachers:
            taught = torch.stack([_taught(train, work, other) for other in config.teachers]).mean(0)
            share = config.teacher_share
            self._groups = (1 - share) * self._groups + share * group_shares(taught)
        self._sexes = F.one_hot(torch.from_numpy(found.sex)).float()
        self._ethnicities = F.one_hot(torch.from_numpy(found.ethnicity)).float()
        self._years = _age_v1_answers(train, work)
        self._network, self.average = (_start(train, config, work) for _ in range(2))
        self._optimiser = torch.optim.AdamW(_parameter_groups(self._network, config))
        self.epoch = 0
        if self._file.is_file():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self._file, weights_only=True)
        self._network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.epoch = state["epoch"] + 1

    def save(self) -> None:
        """Write the state after the epoch that has just ended."""
        state = {
            "network": self._network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "epoch": self.epoch - 1,
        }
        torch.save(state, self._file.with_suffix(".new"))
        self._file.with_suffix(".new").replace(self._file)

    def run_epoch(self) -> float:
        """Train one epoch; the mean loss."""
        self._network.train()
        torch.manual_seed(self._config.seed * 1000 + self.epoch)
        total, count = 0.0, len(self._batches)
        for index, (rows, chips, random) in enumerate(self._batches.epoch(self.epoch)):
            step = self.epoch * count + index
            for group in self._optimiser.param_groups:
                group["lr"] = _rate(step, self._config.epochs * count, self._config)
                group["lr"] *= group["scale"]
            total += self._step(self._batch(rows, chips, random))
            self._add_to_average(step)
        self.epoch += 1
        return total / count

    def _batch(
        self, rows: NDArray[np.intp], chips: NDArray[np.uint8], random: np.random.Generator
    ) -> Batch:
        group = self._groups[rows]
        years = target_years(group, self._years[rows])
        batch = (normalised(chips), group, years, self._sexes[rows], self._ethnicities[rows])
        if random.random() >= self._config.mix_share:
            return batch
        part = float(random.beta(self._config.mix_alpha, self._config.mix_alpha))
        other = torch.from_numpy(random.permutation(len(rows)))
        x, group, years, sex, ethnicity = (part * v + (1 - part) * v[other] for v in batch)
        return x.contiguous(memory_format=torch.channels_last), group, years, sex, ethnicity

    def _step(self, batch: Batch) -> float:
        x, group, years, sex, ethnicity = batch
        config = self._config
        with torch.autocast("cpu", dtype=torch.bfloat16):
            age, sexes, ethnicities = self._network(x)
        loss = age_loss(age, group, ordinal=config.ordinal, at_20=config.at_20)
        loss = loss + config.years * years_loss(age, years)
        loss = loss + config.sex * F.cross_entropy(sexes.float(), sex, reduction="none")
        by_ethnicity = F.cross_entropy(ethnicities.float(), ethnicity, reduction="none")
        mean = (loss + config.ethnicity * by_ethnicity).mean()
        self._optimiser.zero_grad(set_to_none=True)
        mean.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 5.0)
        self._optimiser.step()
        return float(mean.detach())

    @torch.no_grad()
    def _add_to_average(self, step: int) -> None:
        keep = min(self._config.average, (1 + step) / (10 + step))
        states = self.average.state_dict().values(), self._network.state_dict().values()
        for kept, value in zip(*states, strict=True):
            if value.dtype.is_floating_point:
                kept.lerp_(value, 1 - keep)


def _start(train: Pictures, config: Config, work: Path) -> AgeNetwork:
    torch.manual_seed(config.seed)
    if config.start == "age-v1":
        rows = np.random.default_rng(config.seed).choice(len(train.faces), 512, replace=False)
        chips = normalised(plain_chips(train, rows, config.side, exact=False))
        network = from_age_v1(AGE_V1, chips, dropout=config.dropout, drop_path=config.drop_path)
    else:
        network = AgeNetwork(dropout=config.dropout, drop_path=config.drop_path)
        state = torch.load(work / f"{config.start}.pt", weights_only=True)
        network.load_state_dict(state["average"])
    return network.to(memory_format=torch.channels_last)


def _parameter_groups(network: AgeNetwork, config: Config) -> list[dict[str, Any]]:
    """Rates fall towards the stem; biases and normalisations do not decay."""
    layers = [[network.stem, network.norm], *[[block] for block in network.blocks]]
    layers.append([network.age, network.sex, network.ethnicity])
    groups: list[dict[str, Any]] = []
    for depth, modules in enumerate(layers):
        scale = config.trunk_rate ** ((len(layers) - 1 - depth) / (len(layers) - 1))
        parameters = [p for module in modules for p in module.parameters()]
        for decays in (True, False):
            chosen = [p for p in parameters if (p.ndim > 1) is decays]
            decay = config.decay if decays else 0.0
            groups.append({"params": chosen, "scale": scale, "weight_decay": decay})
    return groups


def _rate(step: int, steps: int, config: Config) -> float:
    warm = config.warm_up * steps
    if step < warm:
        return config.rate * (step + 1) / warm
    return config.rate * (0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) + 0.005)


def _age_v1_answers(train: Pictures, work: Path) -> Tensor:
    """age-v1's own answers on FairFace's own chips, ``[N, 81]``."""
    path = work / "teacher.npy"
    if not path.is_file():
        chips = normalised(plain_chips(train, np.arange(512), 64, exact=True))
        network = from_age_v1(AGE_V1, chips, dropout=0.0, drop_path=0.0)
        np.save(path, answers(network, train, 64, exact=True))
    return _checked(np.load(path), train)


def _taught(train: Pictures, work: Path, name: str) -> Tensor:
    """The answers of a network trained before: the mean over both alignments, ``[N, 81]``."""
    path = work / f"{name}-answers.npy"
    if not path.is_file():
        network = AgeNetwork(dropout=0.0, drop_path=0.0)
        network.load_state_dict(torch.load(work / f"{name}.pt", weights_only=True)["average"])
        side = Config.read(CONFIG, name).side
        with torch.autocast("cpu", dtype=torch.bfloat16):
            both = [answers(network, train, side, exact=exact) for exact in (True, False)]
        np.save(path, (both[0] + both[1]) / 2)
    return _checked(np.load(path), train)


def _checked(found: NDArray[np.float32], train: Pictures) -> Tensor:
    if found.shape != (len(train.faces), CLASSES):
        raise ValueError("got answers on other pictures in the work folder")
    return torch.from_numpy(found)


def order(document: Mapping[str, Any]) -> list[str]:
    """The networks of the file, each after those that it starts from or learns from."""
    found: list[str] = []

    def add(name: str) -> None:
        entries = document["network"][name]
        before = [*entries.get("teachers", ()), entries.get("start", "age-v1")]
        for other in before:
            if other != "age-v1":
                add(other)
        if name not in found:
            found.append(name)

    for name in document["export"]["networks"]:
        add(name)
    return found


def run(name: str, train: Pictures, held: Pictures, work: Path) -> None:
    """Train one network from where it stands to its last epoch."""
    config = Config.read(CONFIG, name)
    held_labels = labels(held.faces)
    training = Training(train, config, work, name)
    while training.epoch < config.epochs:
        began = time.monotonic()
        line: dict[str, Any] = {"epoch": training.epoch}
        line["loss"] = round(training.run_epoch(), 4)
        line["seconds"] = round(time.monotonic() - began)
        if training.epoch % MEASURED_EVERY == 0 or training.epoch == config.epochs:
            line |= measure(answers(training.average, held, config.side), held_labels)
        training.save()
        with (work / f"{name}.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        shown = {key: value for key, value in line.items() if key != "cells"}
        print(f"{name}: {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the networks of age-v2 and export them.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--work", type=Path, required=True, help="folder outside the repository")
    parser.add_argument("--network", help="train only this one, and do not export")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    train = load(arguments.folder, Part.TRAIN, arguments.work)
    held = load(arguments.folder, Part.CALIBRATION, arguments.work).aligned()
    document = tomllib.loads(CONFIG.read_text("utf-8"))
    for name in [arguments.network] if arguments.network else order(document):
        run(name, train, held, arguments.work)
    if not arguments.network:
        write(document, arguments.work, TARGET)


if __name__ == "__main__":
    main()
