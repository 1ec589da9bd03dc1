from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from ageassure.audit.resources import (
    Resources,
    installed_bytes,
    peak_rss_bytes,
    resources,
    this_machine,
)
from ageassure.errors import ConfigurationError

MACHINE: dict[str, Any] = {
    "machine": "two cores of a server",
    "at_once": 2,
    "network_threads": 1,
    "model_bytes": 10,
    "install_bytes": 20,
    "peak_rss_bytes": 30,
}


def test_latencies_are_summed_up() -> None:
    found = resources([float(step) for step in range(1, 101)], **MACHINE)
    assert found.n == 100
    assert found.median_ms == pytest.approx(50.5)
    assert found.p95_ms == pytest.approx(95)
    assert resources([200.0], **MACHINE).p95_ms == pytest.approx(200)


def test_what_is_not_known_is_null_and_all_of_it_is_read_back() -> None:
    unknown = ("network_threads", "model_bytes", "install_bytes", "peak_rss_bytes")
    found = resources([1.0], **MACHINE | dict.fromkeys(unknown))
    assert Resources.from_data(asdict(found)) == found


@pytest.mark.parametrize(
    ("latencies", "changes"),
    [
        ([], {}),
        ([0.0], {}),
        ([0.1, float("nan")], {}),
        ([0.1], {"network_threads": 0}),
        ([0.1], {"at_once": 0}),
        ([0.1], {"machine": ""}),
        ([0.1], {"model_bytes": 0}),
    ],
)
def test_malformed_resources_are_refused(latencies: list[float], changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        resources(latencies, **MACHINE | changes)


@pytest.mark.parametrize("found", [None, [], {}, {"machine": "this"}])
def test_other_members_are_refused(found: object) -> None:
    with pytest.raises(ConfigurationError, match="other members"):
        Resources.from_data(found)


def test_latencies_out_of_order_are_refused() -> None:
    good = asdict(resources([1.0, 2.0], **MACHINE))
    with pytest.raises(ConfigurationError, match="not positive and in order"):
        Resources.from_data(good | {"p95_ms": 0.5})


def test_this_machine_is_told_without_its_name() -> None:
    import platform

    assert this_machine(2).endswith(f" {platform.machine()}, 2 processors")
    assert platform.node() not in this_machine(2)


def test_sizes_are_of_what_is_installed() -> None:
    assert installed_bytes(["no-such-distribution"]) == 0
    assert installed_bytes(["numpy"]) > 1_000_000
    assert installed_bytes(["ageassure", "numpy"]) > installed_bytes(["numpy"]) + 100_000
    peak = peak_rss_bytes()
    assert peak is None or peak > 1_000_000
