"""Every measured figure in the documentation and the README comes from here.

The tables are made, in the modules beside this one, from what the benchmarks wrote to
``benchmarks/results`` and from the operating points that ship with a model::

    python docs/_ext/figures.py           # print the README's tables
    python docs/_ext/figures.py --write   # write them between the markers of the README and of the
                                          # default age network's model card

A test fails when these files differ from what this makes.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from accuracy_figures import MAKERS as ACCURACY
from age_figures import age_network_groups, age_networks, coverage, tried
from audit_figures import audit_cost, audit_coverage, audit_engines, audit_scale
from face_figures import (
    face_parts,
    face_speed,
    face_speed_other_processor,
    picture_bounds,
    soak,
)
from fairface_figures import cross_fitted, failures, fairface, fairface_groups
from figure_parts import CARD, ROOT
from frame_figures import detection, frames
from london_figures import london, london_in_short
from point_figures import challenge_ages, lower_bars
from quality_figures import (
    drawings,
    drawings_photographs,
    quality,
    quality_limits,
    quality_refusals,
    quality_signs,
)
from verification_figures import (
    endpoint,
    replay_store,
    replay_stores,
    verification,
    verification_imports,
    verification_other_processor,
)
from view_figures import views

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BEGIN: Final = "<!-- figures: made by docs/_ext/figures.py -->"
END: Final = "<!-- end of figures -->"

README_LIMIT_YEARS: Final = 18

MAKERS: Final = {
    "london": london,
    "challenge-ages": challenge_ages,
    "lower-bars": lower_bars,
    "age-networks": age_networks,
    "age-network-groups": age_network_groups,
    "coverage": coverage,
    "tried": tried,
    "fairface": fairface,
    "fairface-groups": fairface_groups,
    "cross-fitted": cross_fitted,
    "failures": failures,
    "detection": detection,
    "frames": frames,
    "drawings": drawings,
    "drawings-photographs": drawings_photographs,
    "quality": quality,
    "quality-limits": quality_limits,
    "quality-refusals": quality_refusals,
    "quality-signs": quality_signs,
    "views": views,
    "face-speed": face_speed,
    "face-speed-other-processor": face_speed_other_processor,
    "face-parts": face_parts,
    "picture-bounds": picture_bounds,
    "soak": soak,
    "verification": verification,
    "verification-imports": verification_imports,
    "verification-other-processor": verification_other_processor,
    "endpoint": endpoint,
    "replay-store": replay_store,
    "replay-stores": replay_stores,
    "audit-coverage": audit_coverage,
    "audit-scale": audit_scale,
    "audit-engines": audit_engines,
    "audit-cost": audit_cost,
    **ACCURACY,
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive ``figures NAME``."""
    from catalogue import Generated

    class Figures(Generated):
        makers = {"figures": lambda name: MAKERS[name]()}  # noqa: RUF012 - never changed

    app.add_directive("figures", Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def readme() -> str:
    """The README's tables: one limit, everybody, and the time."""
    return "\n\n".join(
        [
            "**Estimated age against true age**",
            london_in_short(),
            f"**Who is let through at the limit {README_LIMIT_YEARS}**",
            challenge_ages([README_LIMIT_YEARS]),
            "**What verification costs**",
            verification(),
        ]
    )


def card() -> str:
    """The model card's tables."""
    return "\n\n".join(
        [
            "**Beside age-v1**",
            age_networks(),
            "**By group**",
            age_network_groups(),
            "**Intervals**",
            coverage(),
            "**Challenge ages**",
            challenge_ages(),
            "**What was tried**",
            tried(),
        ]
    )


FILES: Final = {ROOT / "README.md": readme, CARD: card}
"""Files with tables between markers, and what makes them."""


def replaced(text: str, made: str) -> str:
    """``text`` with what stands between the markers replaced by ``made``.

    Raises:
        ValueError: If the markers are not there, in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"got a text without the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> None:
    """Print the README's tables, or write all tables into their files."""
    parser = argparse.ArgumentParser(description="Make the tables of measured figures.")
    parser.add_argument("--write", action="store_true", help="write them into their files")
    if parser.parse_args().write:
        for path, make in FILES.items():
            path.write_text(replaced(path.read_text(encoding="utf-8"), make()), encoding="utf-8")
    else:
        sys.stdout.write(readme() + "\n")


if __name__ == "__main__":
    main()
