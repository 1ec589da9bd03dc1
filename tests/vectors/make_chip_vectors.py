"""Make the vectors of passport chips.

::

    python tests/vectors/make_chip_vectors.py            # writes tests/vectors/chip
    python tests/vectors/make_chip_vectors.py --out DIR

Every run writes the same bytes (ECDSA by RFC 6979, PSS with a salt derived from the message); a
test compares them with the committed files.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from chip_kit.cases import all_cases

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the vectors of passport chips.")
    parser.add_argument("--out", type=Path, default=HERE)
    folder = parser.parse_args().out / "chip"
    for old in [path for path in folder.glob("*") if path.is_dir()]:
        shutil.rmtree(old)
    for case in all_cases():
        path = folder / case.result / f"{case.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="ascii", newline="\n") as file:  # "x": no name twice
            file.write(json.dumps(case.document(), indent=1) + "\n")


if __name__ == "__main__":
    main()
