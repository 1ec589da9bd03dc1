"""What is done with a report: signed, checked, put into words, held against a service."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ageassure.cli.output import ExitStatus, command_with_json, emit
from ageassure.errors import AuditSignatureError, ReportError
from ageassure.extras import require_extra

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option(
    "--key",
    type=FILE,
    required=True,
    help="Ed25519 private key in PEM, as openssl genpkey makes it.",
)
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


@click.command()
@click.argument("report", type=FILE)
@click.option("--answers", type=FILE, required=True, help="The operator's answers, TOML.")
@click.option("--out", type=FILE, required=True, help="Where the Markdown goes; a new file.")
@command_with_json
def practice(report: Path, answers: Path, out: Path, *, as_json: bool) -> None:
    """Write a practice statement from REPORT and the operator's answers, and say what is missing.

    Exit status 10 if something is missing; the statement is written all the same.
    """
    from ageassure.audit.report.practice import practice_statement, read_answers
    from ageassure.audit.report.reading import read_report

    statement = practice_statement(read_report(report), read_answers(answers))
    if not _written(out, statement.markdown.encode()):
        raise ReportError(f"{out.name}: exists already, or cannot be written")
    emit(
        {"statement": str(out), "missing": list(statement.missing)},
        [str(out), *(f"missing: {name}" for name in statement.missing)],
        as_json=as_json,
    )
    if statement.missing:
        raise SystemExit(ExitStatus.AUDIT_FINDING)


@click.command()
@click.argument("report", type=FILE)
@click.argument("counts", type=FILE)
@command_with_json
def drift(report: Path, counts: Path, *, as_json: bool) -> None:
    """Hold a service's COUNTS of outcomes against those that REPORT was made from.

    Both must have the same limit and challenge age. A difference may be another mix of people as
    well as another system. Exit status 10 if there is one; 0 if there is none, or there are too few
    samples to say so.
    """
    require_extra("audit", "scipy")
    from ageassure.audit.report.drift import LEAST_DECISIONS, Drift, compare_with_audit, read_counts
    from ageassure.audit.report.reading import read_report

    found = compare_with_audit(read_report(report), read_counts(counts))
    lines = [
        f"{'DIFFERS' if rate.differs else '       '}  {rate.name}: {rate.service} of "
        f"{found.service_presented} [{rate.service_low:.2%}, {rate.service_high:.2%}], "
        f"audited {rate.audit_rate:.2%} ({rate.audit} of {found.audit_presented})"
        for rate in found.rates
    ]
    if found.drift is Drift.TOO_FEW:
        lines.append(
            f"got {found.service_presented} samples of the service and {found.audit_presented} of "
            f"the audit: {LEAST_DECISIONS} of each are the fewest that are compared"
        )
    elif found.audit_clustered:
        lines.append("the audit has several samples of a person: differences show too easily")
    emit(asdict(found), [*lines, found.drift.value], as_json=as_json)
    if found.drift is Drift.SEEN:
        raise SystemExit(ExitStatus.AUDIT_FINDING)


def _require_digest(document: dict[str, object], name: str, path: Path) -> None:
    from ageassure.audit.report.signature import file_digest

    provenance = document.get("provenance")
    stated = provenance.get(name) if isinstance(provenance, dict) else None
    if stated != file_digest(path):
        raise ReportError(f"{path.name}: is not the file that the report is about")
