"""Write ``tried.json``: what every network and every mean of networks gave on the calibration part.

::

    python models/age-v2/training/compare.py ../shared/data/fairface-train --work ~/.cache/age-v2

Scores are those of ``scores.py``, on chips as the pipeline cuts them, mean of a face and its mirror
image, before any calibration. By these figures the networks of the shipped file were chosen. The
test part is not read.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from batches import Config, normalised, plain_chips
from export import averaged
from fairface_split import Part
from network import from_age_v1
from pictures import load
from scores import measure
from targets import labels
from train import AGE_V1, CONFIG, answers

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pictures import Pictures

TARGET: Final = Path(__file__).with_name("tried.json")


def answers_of(name: str, held: Pictures, work: Path) -> NDArray[np.float32]:
    """What one trained network says, ``[N, 81]``."""
    return answers(averaged(work / f"{name}.pt"), held, Config.read(CONFIG, name).side)


def answers_of_age_v1(held: Pictures) -> NDArray[np.float32]:
    """What age-v1 itself says."""
    chips = normalised(plain_chips(held, np.arange(512), 64, exact=False))
    return answers(from_age_v1(AGE_V1, chips, dropout=0.0, drop_path=0.0), held, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the networks that were trained.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--work", type=Path, required=True, help="where train.py left its states")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    document = tomllib.loads(CONFIG.read_text("utf-8"))
    held = load(arguments.folder, Part.CALIBRATION, arguments.work).aligned()
    found = labels(held.faces)
    single = {name: answers_of(name, held, arguments.work) for name in document["network"]}
    tried: list[dict[str, Any]] = [
        {
            "networks": ["age-v1"],
            "what": "where all start",
            **measure(answers_of_age_v1(held), found),
        }
    ]
    for name, one in single.items():
        what = document["network"][name]["what"]
        tried.append({"networks": [name], "what": what, **measure(one, found)})
    for names in document["compare"]["means"]:
        mean = np.mean([single[name] for name in names], axis=0)
        tried.append({"networks": names, "what": "mean of their answers", **measure(mean, found)})
    for line in tried:
        print({key: value for key, value in line.items() if key != "cells"})
    written = {
        "measured_on": "FairFace, calibration part, chips as the pipeline cuts them",
        "pictures": len(held.faces),
        "cells": found.cells,
        "tried": tried,
    }
    TARGET.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
