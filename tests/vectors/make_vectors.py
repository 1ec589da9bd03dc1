"""Make the age token vectors.

::

    python tests/vectors/make_vectors.py            # writes tests/vectors/tokens and …/key_sets
    python tests/vectors/make_vectors.py --out DIR

Every run writes the same bytes; a test compares them with the committed files.
"""

from __future__ import annotations

import argparse
import json
import shutil
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from kit import (
    age,
    context,
    form,
    head,
    holder,
    key_sets,
    keys,
    order,
    payload,
    replay,
    setup,
    signature,
    valid,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kit.build import Vector

HERE = Path(__file__).resolve().parent


def write(folder: Path, vectors: Iterable[Vector]) -> int:
    """Write one file for each vector into an emptied folder, and return their number."""
    if folder.exists():
        shutil.rmtree(folder)
    count = 0
    for vector in vectors:
        path = folder / vector.folder / f"{vector.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(vector.document(), indent=1) + "\n"
        with path.open("x", encoding="ascii", newline="\n") as file:  # "x": no name twice
            file.write(text)
        count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the age token vectors.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write into")
    out: Path = parser.parse_args().out
    modules = (
        form,
        head,
        keys,
        signature,
        payload,
        context,
        age,
        holder,
        replay,
        order,
        setup,
        valid,
    )
    write(out / "tokens", chain.from_iterable(module.vectors() for module in modules))
    write(out / "key_sets", key_sets.vectors())


if __name__ == "__main__":
    main()
