"""``ageassure audit`` on data sets: list, import, measure, validate, leakage, pseudonymise."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ageassure.cli.output import ExitStatus, command_with_json, emit
from ageassure.errors import AuditError, ConfigurationError
from ageassure.extras import require_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.audit.datasets.leakage import Leakage

FILE = click.Path(path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def need_audit() -> None:
    """Check that the extra is installed, before anything is imported from it."""
    require_extra("audit", "numpy", "cv2", "onnxruntime", "pyarrow", "scipy", "tqdm")


def bar(total: int, done: int) -> Callable[[int], object]:
    """A bar of progress, and what moves it on."""
    from ageassure.audit.progress import progress_bar

    update: Callable[[int], object] = progress_bar(total=total, done=done).update
    return update


@click.command()
@command_with_json
def datasets(*, as_json: bool) -> None:
    """List the published data sets whose folders can be imported; none is shipped or fetched."""
    need_audit()
    from ageassure.audit.datasets.layouts import LAYOUTS

    width = max(len(layout.name) for layout in LAYOUTS)
    emit(
        {
            "layouts": [
                {
                    "name": layout.name,
                    "title": layout.title,
                    "age_proof": layout.age_proof,
                    "licence": layout.licence,
                    "files": layout.files,
                    "run_on_the_real_set": layout.run_on or None,
                }
                for layout in LAYOUTS
            ]
        },
        [
            f"{layout.name:<{width}}  {layout.age_proof:<13}  "
            f"{'run on ' + layout.run_on if layout.run_on else 'not run on the real set'}"
            for layout in LAYOUTS
        ],
        as_json=as_json,
    )


@click.command("import")
@click.argument("layout")
@click.argument("folder", type=FILE)
@click.option("--out", type=FILE, required=True, help="Manifest: .parquet, or CSV.")
@command_with_json
def import_folder(layout: str, folder: Path, out: Path, *, as_json: bool) -> None:
    """Write the manifest of FOLDER, a data set of LAYOUT (one of: datasets), and its statement."""
    need_audit()
    from ageassure.audit.datasets.importing import import_data_set
    from ageassure.audit.datasets.layouts import find_layout

    found = import_data_set(find_layout(layout), folder, out, progress=bar)
    left = [f"  left out: {count} {reason}" for reason, count in found.left_out.items()]
    emit(
        {"manifest": str(out), "rows": found.rows, "left_out": found.left_out},
        [f"{out}: {found.rows} rows", *left],
        as_json=as_json,
    )


@click.command()
@click.argument("manifest", type=FILE)
@click.option("--root", type=FOLDER, help="The folder of its paths; the manifest's own if absent.")
@click.option("--out", type=FILE, required=True, help="The new manifest: .parquet, or CSV.")
@command_with_json
def measure(manifest: Path, root: Path | None, out: Path, *, as_json: bool) -> None:
    """Write MANIFEST anew with the head's turn and the eyes' distance of every picture.

    A report then tells errors against them. Do it before predict: predictions name the manifest
    that they are of.
    """
    need_audit()
    from ageassure.audit.datasets.measuring import measure_conditions

    folder = manifest.parent if root is None else root
    found = measure_conditions(manifest, out, root=folder, progress=bar)
    left = [f"  not measured: {count} {code}" for code, count in found.not_measured.items()]
    emit(
        {"manifest": str(out), "rows": found.rows, "not_measured": found.not_measured},
        [f"{out}: {found.rows} rows", *left],
        as_json=as_json,
    )


@click.command()
@click.argument("manifest", type=FILE)
@click.option("--predictions", type=FILE, help="Check these, too, and that they belong to it.")
@command_with_json
def validate(manifest: Path, predictions: Path | None, *, as_json: bool) -> None:
    """Check MANIFEST, its statement and, if given, predictions, ours or a foreign system's."""
    need_audit()
    from ageassure.audit.datasets.manifest import read_manifest
    from ageassure.audit.joining import join
    from ageassure.audit.prediction.files import read_predictions

    people = read_manifest(manifest)
    document: dict[str, object] = {
        "rows": len(people),
        "subjects": len(people.subject_names) or None,
        "exact_ages": int((people.age_low_years == people.age_high_years).sum()),
        "groups": {name: len(column.values) for name, column in people.groups.items()},
    }
    if predictions is not None:
        table = join(people, read_predictions(predictions))
        document["processed"] = int(table.processed.sum())
    groups = ", ".join(f"{name} {len(column.values)}" for name, column in people.groups.items())
    said = document | {
        "subjects": document["subjects"] or "not named",
        "groups": groups or "none",
    }
    emit(document, [f"{name}: {value}" for name, value in said.items()], as_json=as_json)


@click.command()
@click.argument("first", type=FILE)
@click.argument("second", type=FILE, required=False)
@click.option(
    "--root", "roots", type=FOLDER, multiple=True, help="Folder of each manifest's paths."
)
@click.option("--split", metavar="COLUMN", help="Compare the parts of FIRST that COLUMN tells.")
@command_with_json
def leakage(
    first: Path,
    second: Path | None,
    roots: tuple[Path, ...],
    split: str | None,
    *,
    as_json: bool,
) -> None:
    """Look for people and pictures that are both in FIRST and in SECOND.

    Exit status 10 if there are any, or if a picture could not be read. Another photograph of the
    same person is found only if the manifests name the subjects.
    """
    need_audit()
    from ageassure.audit.datasets.leakage import find_leakage, samples_of
    from ageassure.audit.datasets.manifest import read_manifest
    from ageassure.audit.prediction.run import jobs_of

    if (second is None) == (split is None):
        raise ConfigurationError("expected either SECOND or --split")
    manifests = [first] if second is None else [first, second]
    if roots and len(roots) != len(manifests):
        raise ConfigurationError(f"got {len(roots)} --root, expected {len(manifests)} or none")
    samples = []
    for number, path in enumerate(manifests):
        people = read_manifest(path)
        places = [job.place for job in jobs_of(people, roots[number] if roots else path.parent)]
        samples += samples_of(
            people, places, split or f"{number + 1}: {path.name}", column=bool(split)
        )
    found = find_leakage(samples, progress=bar(len(samples), 0))
    emit(asdict(found), _leakage_lines(found), as_json=as_json)
    if found.found:
        raise SystemExit(ExitStatus.AUDIT_FINDING)


SHOWN_PAIRS = 20


def _leakage_lines(found: Leakage) -> list[str]:
    kinds = Counter(pair.kind for pair in found.pairs)
    lines = [f"{split}: {count} pictures compared" for split, count in found.compared.items()]
    lines += [f"could not be read: {len(found.not_compared)}"] if found.not_compared else []
    people = str(len(found.subjects)) if found.subjects_known else "not known: no subjects named"
    lines.append(f"people in more than one: {people}")
    lines += [
        f"the same bytes: {kinds['exact']}",
        f"one photograph: {kinds['near']}",
        f"alike, to be looked at: {kinds['alike']}",
    ]
    pairs = sorted(found.pairs, key=lambda pair: -pair.correlation)
    lines += [
        f"  {pair.kind} {pair.correlation:.2f}{' mirrored' if pair.mirrored else ''}"
        f"  {pair.first[1]}  {pair.second[1]}"
        for pair in pairs[:SHOWN_PAIRS]
    ]
    left = len(found.pairs) - SHOWN_PAIRS
    return [*lines, f"  and {left} more; --json lists all"] if left > 0 else lines


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", type=FILE, required=True, help="A file of at least 32 random bytes.")
@click.option("--out", type=FILE, required=True, help="Where the new file goes.")
@command_with_json
def pseudonymise(file: Path, key: Path, out: Path, *, as_json: bool) -> None:
    """Replace the names in FILE, a manifest or predictions, for publication.

    Whoever has the key can trace them back. Ages and groups stay: it is not anonymity.
    """
    need_audit()
    from ageassure.audit.prediction.files import is_predictions
    from ageassure.audit.pseudonyms import (
        pseudonymise_manifest,
        pseudonymise_predictions,
        read_key,
    )
    from ageassure.audit.rows import read_rows

    secret = read_key(key)
    predictions = is_predictions(read_rows(file, AuditError).header)
    write = pseudonymise_predictions if predictions else pseudonymise_manifest
    rows = write(file, out, secret)
    emit({"out": str(out), "rows": rows}, [f"{out}: {rows} rows"], as_json=as_json)
