"""Tables of the estimators beside each other, and what they were made from."""

from __future__ import annotations

from typing import Final

import accuracy_fairface as fairface
import accuracy_london as london
from accuracy_parts import ESTIMATORS, FAIRFACE, LONDON, result
from figure_parts import table


def sources() -> str:
    """What the tables were made from."""
    rows = []
    for protocol in (LONDON, FAIRFACE):
        for name in ESTIMATORS:
            found = result(protocol, name)
            system = found["estimator"]
            made = system.get("pipeline_digest") or system["system_sha256"]
            what = f"{system['system']['version']}, system" if "system" in system else "pipeline"
            digests = (found["data"]["manifest_sha256"], found["protocol"]["sha256"])
            rows.append(
                [f"`{protocol}`", name, f"{what} `{made[:16]}`"]
                + [f"`{digest[:16]}`" for digest in (*digests, found["code_sha256"])]
            )
    return table(["protocol", "estimator", "made by", "manifest", "protocol's file", "code"], rows)


MAKERS: Final = {
    "accuracy-london": london.everybody,
    "accuracy-london-groups": london.by_group,
    "accuracy-london-paired": london.paired,
    "accuracy-intervals": london.intervals,
    "accuracy-fairface": fairface.everybody,
    "accuracy-earned": fairface.earned,
    "accuracy-fairface-groups": fairface.by_group,
    "accuracy-fairface-paired": fairface.paired,
    "accuracy-calibration": fairface.calibration,
    "accuracy-failures": fairface.failures,
    "accuracy-sources": sources,
}
