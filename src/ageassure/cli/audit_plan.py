"""``ageassure audit plan``: how many people are needed, before anybody is invited."""

from __future__ import annotations

from dataclasses import asdict

import click

from ageassure.cli.output import command_with_json, emit
from ageassure.extras import require_extra


@click.command()
@click.option("--limit", "limit_years", type=int, required=True, help="Age limit, years.")
@click.option("--alpha", type=float, required=True, help="Rate to be proved, such as 0.01.")
@click.option("--power", type=float, required=True, help="Chance of proving it, such as 0.8.")
@click.option("--true-fpr", type=float, required=True, help="Rate that is expected; below alpha.")
@command_with_json
def plan(
    limit_years: int,
    alpha: float,
    power: float,
    true_fpr: float,
    *,
    as_json: bool,
) -> None:
    """Say how many people under the limit prove a false-positive rate."""
    require_extra("audit", "numpy", "scipy")
    from ageassure.audit.people import people_for_power

    found = people_for_power(limit_years=limit_years, alpha=alpha, power=power, true_rate=true_fpr)
    emit(asdict(found), found.sentences(), as_json=as_json)
