"""Write calibration, operating points and pinned digests of the age networks anew.

To be run after every change of the pipeline: of a network, of a threshold, of the code of a step
(``PIPELINE_REVISION``). The old files are refused then, because they name another digest. From the
repository's folder::

    python models/calibration/refit.py ../shared/data/fairface-train --cache ~/.cache/fairface

For each age network: fit the calibration on the calibration part (``fit.py``), earn its bars on the
same part and count on the test part what they do (``operating_points.py``); then pin the digests of
all model files in ``ageassure.inference``. With ``--check`` nothing is written, and what would be
written is compared with what is there.

Some ten minutes for a network on one processor, or seconds where the cache holds the pipeline's
answers; needs the extra ``face`` and the group ``calibrate``. The same processor and libraries give
the same bytes; others may move the last digit of a parameter.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))

from fairface_outputs import outputs
from fairface_split import Part, load_split, split_digest
from fit import described, fit
from operating_points import document

from ageassure.estimators.facial.calibrations import read_calibration
from ageassure.estimators.facial.estimator import pipeline_digest
from ageassure.estimators.facial.pipeline import AGE_MODELS, FacialPipeline
from ageassure.inference import pinned

MODELS: Final = Path(__file__).parents[1]
PINNED: Final = Path(pinned.__file__)
PATTERNS: Final = ("*/model.toml", "*/*.onnx", "*/*.json")


def made(model_id: str, folder: Path, cache: Path) -> dict[Path, bytes]:
    """The two files of one age network.

    Args:
        model_id: Its name.
        folder: Holds ``labels.csv`` and the shards.
        cache: Folder for raw answers.
    """
    pipeline = FacialPipeline.shipped(model_id)
    parts = {part: outputs(pipeline, folder, part, cache) for part in (Part.CALIBRATION, Part.TEST)}
    labels_digest = split_digest(load_split(folder / "labels.csv"))
    kept = parts[Part.CALIBRATION].processed()
    fitted, likelihoods = fit(kept, pipeline.raw_digest)
    text = fitted.to_json(described(parts[Part.CALIBRATION], fitted, likelihoods, labels_digest))
    # As read from the file, so that the bars belong to what is shipped to the last bit.
    calibration = read_calibration(text)
    points = document(calibration, pipeline_digest(pipeline, calibration), parts, labels_digest)
    written = json.dumps(points, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    target = MODELS / model_id
    return {
        target / "calibration.json": text,
        target / "operating_points.json": written.encode(),
    }


def pinned_again(source: str, models: Path) -> str:
    """The source of the module of pinned digests, with those of the files in ``models``."""
    paths = sorted(
        path.relative_to(models).as_posix() for pattern in PATTERNS for path in models.glob(pattern)
    )
    lines = "".join(
        f"{hashlib.sha256((models / path).read_bytes()).hexdigest()}  {path}\n" for path in paths
    )
    return re.sub(r'(?<="""\\\n)[0-9a-f].*?(?=""")', lines, source, count=1, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--cache", type=Path, required=True, help="folder for raw answers")
    parser.add_argument("--model", choices=AGE_MODELS, help="only this age network")
    parser.add_argument("--check", action="store_true", help="compare with the files there are")
    arguments = parser.parse_args()
    differing = []
    for model_id in AGE_MODELS if arguments.model is None else (arguments.model,):
        for path, text in made(model_id, arguments.folder, arguments.cache).items():
            if arguments.check:
                differing += [] if path.read_bytes() == text else [f"{model_id}/{path.name}"]
            else:
                path.write_bytes(text)
                print(f"{model_id}/{path.name}: {len(text):,} bytes", flush=True)
    source = PINNED.read_text("utf-8")
    again = pinned_again(source, MODELS)
    if not arguments.check:
        PINNED.write_text(again, "utf-8")
    elif again != source:
        differing.append(PINNED.name)
    sys.exit(f"others than there are: {', '.join(differing)}" if differing else None)


if __name__ == "__main__":
    main()
