"""The one split of the FairFace pictures into train, calibration and test, and their reader.

Everything that is fitted here uses it, and nothing is tuned on its test part. A picture's part
comes from its name in FairFace alone, so that the split survives another order or subset of the
pictures; only those in ``near_duplicates.txt`` (``near_duplicates.py`` writes it) go to train
whatever their name says.

Run it to print the sizes of the parts, or to write the manifest of one for an audit::

    python models/data/fairface_split.py ../shared/data/fairface-train
    python models/data/fairface_split.py ../shared/data/fairface-train --manifest test.csv
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import tarfile
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ageassure.audit.datasets.layouts.base import Reading, Row

SEED: Final = "ageassure-fairface-1"
TRAIN_SHARE: Final = 0.670
CALIBRATION_SHARE: Final = 0.158
NEAR_DUPLICATES: Final = Path(__file__).with_name("near_duplicates.txt")

COLUMNS: Final = ("shard", "file", "age_low", "age_high", "sex", "ethnicity", "fairface_file")


class Part(StrEnum):
    """Weights learn on TRAIN, calibration and bars on CALIBRATION; TEST is only ever measured."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFace:
    """One row of ``labels.csv`` with its part.

    Attributes:
        file: Name inside the shard.
        shard: The picture lies in ``shard-0<shard>.tar``.
        age_low: First completed year of the apparent age group.
        age_high: Its last completed year, included.
        sex: As judged by crowd workers.
        ethnicity: One of FairFace's seven groups, likewise.
        fairface_file: Name in FairFace itself; the split hangs on it.
        part: Where it belongs.
    """

    file: str
    shard: int
    age_low: int
    age_high: int
    sex: str
    ethnicity: str
    fairface_file: str
    part: Part

    @property
    def group(self) -> str:
        """The age group, such as ``10–19``; the last is ``70+``."""
        return f"{self.age_low}+" if self.age_high > 100 else f"{self.age_low}–{self.age_high}"


def part_by_name(fairface_file: str) -> Part:
    """The part that the name alone gives: the first 64 bits of SHA-256, as a share of 2⁶⁴."""
    digest = hashlib.sha256(f"{SEED}|{fairface_file}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < TRAIN_SHARE:
        return Part.TRAIN
    return Part.CALIBRATION if share < TRAIN_SHARE + CALIBRATION_SHARE else Part.TEST


def read_near_duplicates(path: Path = NEAR_DUPLICATES) -> frozenset[str]:
    """FairFace names of the pictures that have a near-duplicate."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def load_split(
    labels_csv: Path, near_duplicates: Collection[str] | None = None
) -> tuple[LabelledFace, ...]:
    """Read the labels and give every picture its part, in the file's order.

    Args:
        labels_csv: ``labels.csv`` beside the shards.
        near_duplicates: Pictures that go to train; the committed list if None.

    Raises:
        ValueError: If the columns are others, a picture occurs twice, or an age group is empty.
    """
    to_train = read_near_duplicates() if near_duplicates is None else near_duplicates
    with labels_csv.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"got the columns {reader.fieldnames}, expected {COLUMNS}")
        faces = tuple(_face(row, to_train) for row in reader)
    if len({face.fairface_file for face in faces}) != len(faces):
        raise ValueError("got a picture twice in the labels")
    return faces


def _face(row: dict[str, str], to_train: Collection[str]) -> LabelledFace:
    low, high = int(row["age_low"]), int(row["age_high"])
    if not 0 <= low <= high:
        raise ValueError(f"got the age group {low} to {high}")
    name = row["fairface_file"]
    return LabelledFace(
        file=row["file"],
        shard=int(row["shard"]),
        age_low=low,
        age_high=high,
        sex=row["sex"],
        ethnicity=row["ethnicity"],
        fairface_file=name,
        part=Part.TRAIN if name in to_train else part_by_name(name),
    )


def split_digest(faces: Iterable[LabelledFace]) -> str:
    """SHA-256 over ``<fairface_file> <part>`` lines, sorted: which picture lies in which part."""
    lines = sorted(f"{face.fairface_file} {face.part}\n" for face in faces)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_pictures(
    folder: Path, faces: Iterable[LabelledFace]
) -> Iterator[tuple[LabelledFace, bytes]]:
    """Yield every face's JPEG bytes, shard by shard, in the order inside the shards.

    Raises:
        ValueError: If a picture is missing from its shard; after all others were yielded.
    """
    shards: dict[int, dict[str, LabelledFace]] = {}
    for face in faces:
        shards.setdefault(face.shard, {})[face.file] = face
    for shard, wanted in sorted(shards.items()):
        with tarfile.open(folder / f"shard-{shard:02d}.tar", "r|") as archive:
            for member in archive:
                face_or_none = wanted.pop(member.name, None)
                stream = archive.extractfile(member) if face_or_none else None
                if face_or_none is not None and stream is not None:
                    yield face_or_none, stream.read()
        if wanted:
            raise ValueError(f"{len(wanted)} pictures are missing from shard {shard}")


def write_manifest(folder: Path, part: Part, manifest: Path) -> None:
    """Write the manifest of one part, and its statement; needs the extra ``audit``."""
    from ageassure.audit.datasets.importing import import_data_set
    from ageassure.audit.datasets.layouts import find_layout

    whole = find_layout("fairface-shards")
    names = {f.fairface_file for f in load_split(folder / "labels.csv") if f.part is part}

    def read(reading: Reading) -> Iterator[Row]:
        for row in whole.read(reading):
            if row["sample_id"] in names:
                yield row
            else:
                reading.left_out["of another part"] += 1

    layout = replace(whole, title=f"{whole.title}, {part} part", read=read)
    print(f"{manifest}: {import_data_set(layout, folder, manifest).rows} rows")


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the sizes of the parts.")
    parser.add_argument("folder", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--manifest", type=Path, help="write the manifest of a part instead")
    parser.add_argument("--part", type=Part, choices=list(Part), default=Part.TEST)
    arguments = parser.parse_args()
    if arguments.manifest is not None:
        write_manifest(arguments.folder, arguments.part, arguments.manifest)
        return
    faces = load_split(arguments.folder / "labels.csv")
    moved = sum(face.part is not part_by_name(face.fairface_file) for face in faces)
    print(f"split {split_digest(faces)}; moved to train {moved}")
    for column in ("group", "sex", "ethnicity"):
        counts = Counter((getattr(face, column), face.part) for face in faces)
        print(f"\n| {column} | " + " | ".join(Part) + " |\n| --- | ---: | ---: | ---: |")
        for value in sorted({value for value, _ in counts}, key=_first_number):
            print(f"| {value} | " + " | ".join(f"{counts[value, part]:,}" for part in Part) + " |")
    totals = Counter(face.part for face in faces)
    print("| all | " + " | ".join(f"{totals[part]:,}" for part in Part) + " |")


def _first_number(value: str) -> tuple[int, str]:
    digits = value.replace("+", "–").split("–")[0]
    return (int(digits) if digits.isdigit() else 0, value)


if __name__ == "__main__":
    main()
