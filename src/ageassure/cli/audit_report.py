"""``ageassure audit sign`` and ``check``: the auditor's signature, and a gate on figures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ageassure.cli.output import ExitStatus, command_with_json, emit
from ageassure.errors import AuditSignatureError, ReportError

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--key", type=FILE, required=True, help="Ed25519 private key in PEM; see keys.")
@click.option("--out", type=FILE, help="The first file's name with .sig, if absent.")
@command_with_json
def sign(files: tuple[Path, ...], key: Path, out: Path | None, *, as_json: bool) -> None:
    """Sign FILES of one folder: the report's JSON first, then what belongs to it.

    The signature names their digests. An existing one is not overwritten.
    """
    from ageassure.audit.report.signature import SUFFIX, sign_files
    from ageassure.tokens import SigningKey

    target = files[0].with_name(files[0].name + SUFFIX) if out is None else out
    if {file.parent.resolve() for file in files} != {target.parent.resolve()}:
        raise AuditSignatureError("the files and their signature lie in different folders")
    content = sign_files(files, SigningKey.load(key))
    if not _written(target, content):
        raise AuditSignatureError(f"{target.name}: exists already, or cannot be written")
    names = [file.name for file in files]
    emit(
        {"signature": str(target), "files": names},
        [f"{target}: signs {', '.join(names)}"],
        as_json=as_json,
    )


def _written(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError:
        return False
    return True


@click.command()
@click.argument("report", type=FILE)
@click.option("--key", type=FILE, required=True, help="The auditor's public key in PEM, pinned.")
@click.option(
    "--fail-if",
    "conditions",
    multiple=True,
    required=True,
    metavar="CONDITION",
    help="Such as 'fpr_ucb@18 > 0.01' or 'gini(mae) > 0.15'; may be given several times.",
)
@click.option("--manifest", type=FILE, help="Check that the report is about this manifest, too.")
@click.option("--predictions", type=FILE, help="And that it is about these predictions.")
@command_with_json
def check(
    report: Path,
    key: Path,
    conditions: tuple[str, ...],
    manifest: Path | None,
    predictions: Path | None,
    *,
    as_json: bool,
) -> None:
    """Verify the signature over REPORT, and fail if a condition holds.

    The signature is REPORT with .sig, made by the pinned key, over REPORT and whatever was signed
    with it. A figure that is missing, null or INCONCLUSIVE fails. Exit status 10 if a condition
    holds; 9 if signature, digests or the report itself are not as they must be.
    """
    from ageassure.audit.report.gate import Condition, judge
    from ageassure.audit.report.reading import read_report
    from ageassure.audit.report.signature import SUFFIX, read_public_key, verify_files

    asked = [Condition.parse(text) for text in conditions]
    signed = verify_files(report.with_name(report.name + SUFFIX), read_public_key(key))
    if report.name not in signed:
        raise AuditSignatureError(f"{report.name}: is not among the files that were signed")
    document = read_report(report)
    for name, path in (("manifest_sha256", manifest), ("predictions_sha256", predictions)):
        if path is not None:
            _require_digest(document, name, path)
    outcomes = judge(document, asked)
    failed = [outcome for outcome in outcomes if outcome.failed]
    emit(
        {
            "signed": list(signed),
            "passed": not failed,
            "conditions": [asdict(outcome) for outcome in outcomes],
        },
        [
            f"{'FAIL' if outcome.failed else 'ok'}  {outcome.condition}  "
            f"({outcome.why if outcome.value is None else f'{outcome.value:.6g}'})"
            for outcome in outcomes
        ],
        as_json=as_json,
    )
    if failed:
        raise SystemExit(ExitStatus.AUDIT_FINDING)


def _require_digest(document: dict[str, object], name: str, path: Path) -> None:
    from ageassure.audit.report.signature import file_digest

    provenance = document.get("provenance")
    stated = provenance.get(name) if isinstance(provenance, dict) else None
    if stated != file_digest(path):
        raise ReportError(f"{path.name}: is not the file that the report is about")
