"""The ``ageassure`` command: one group, one module for each wing."""

from __future__ import annotations

import click

from ageassure.cli.audit import audit
from ageassure.cli.audit_data import (
    datasets,
    import_folder,
    leakage,
    measure,
    pseudonymise,
    validate,
)
from ageassure.cli.audit_plan import plan
from ageassure.cli.audit_predict import predict
from ageassure.cli.audit_report import check, drift, practice, sign
from ageassure.cli.audit_reporting import compare, report
from ageassure.cli.demo import demo
from ageassure.cli.face import estimate, issue
from ageassure.cli.keys import keys
from ageassure.cli.models import models
from ageassure.cli.tokens import inspect, verify


@click.group()
@click.version_option(package_name="ageassure")
def app() -> None:
    """Privacy-preserving age assurance.

    Exit status: 0 done; 2 wrong usage or set-up; 3 the picture cannot be assessed; 4 inconclusive,
    nothing was signed; 5 the token was refused; 6 the request was refused; 7 a model file is not
    the pinned one; 8 something of a picture was retained; 9 the input of an audit cannot be used;
    10 an audit found what it looks for, such as leakage.
    """


for command in (keys, estimate, issue, verify, inspect, models, demo, audit):
    app.add_command(command)
for command in (
    plan,
    datasets,
    import_folder,
    validate,
    leakage,
    measure,
    predict,
    pseudonymise,
    report,
    compare,
    sign,
    check,
    practice,
    drift,
):
    audit.add_command(command)
