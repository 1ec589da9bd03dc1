"""Every measured figure in the documentation and the README comes from here.

The tables are made from ``benchmarks/results/*.json``, which the benchmarks write::

    python docs/_ext/figures.py            # print the README's tables
    python docs/_ext/figures.py --readme   # write them between the README's markers

A test fails when the README differs from what this prints.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
BEGIN = "<!-- figures: made by docs/_ext/figures.py -->"
END = "<!-- end of figures -->"


def result(name: str) -> Any:  # noqa: ANN401 - JSON
    """One benchmark's result."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def verification() -> str:
    """What verification costs."""
    found = result("verification")
    cost, where = found["verification"], found["circumstances"]
    names = {
        "raw": "`cryptography`, the signature alone",
        "ageassure": "`TokenVerifier.verify`, every check",
        "pyjwt": "PyJWT `decode`, fewer checks",
    }
    rows = [
        [names[name], f"{f['median']:.0f}", f"{f['p95']:.0f}", _ratio(cost, name)]
        for name, f in cost["microseconds"].items()
    ]
    shown = table(["ES256, one token", "median µs", "95 % below µs", "ratio to the first"], rows)
    return (
        f"{shown}\n\n{cost['rounds']} rounds of {cost['tokens_per_round']} tokens, in turn, one "
        f"thread, {where['processor']}, Python {where['python']}, {where['openssl']}. Ratios are "
        "those of the minima; microseconds differ between machines."
    )


def _ratio(cost: dict[str, Any], name: str) -> str:
    if name == "raw":
        return "1"
    return f"{cost[f'ratio_{name}_to_raw']['of_minima']:.2f}"


def replay_store() -> str:
    """What one claim in the memory replay store costs."""
    rows = [
        [f"{row['entries']:,}", f"{row['median']:.2f}", f"{row['p95']:.2f}", f"{row['max']:.0f}"]
        for row in result("verification")["replay_store"]
    ]
    return table(["tokens held", "median µs", "95 % below µs", "longest µs"], rows)


def readme() -> str:
    """The README's tables."""
    return verification()


MAKERS = {"verification": verification, "replay-store": replay_store}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive ``figures NAME``."""
    from catalogue import Generated

    class Figures(Generated):
        makers = {"figures": lambda name: MAKERS[name]()}  # noqa: RUF012 - never changed

    app.add_directive("figures", Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def replaced(text: str) -> str:
    """``text`` with what stands between the markers made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{readme()}\n\n{END}{after}"


def main() -> None:
    """Print the README's tables, or write them into it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--readme", action="store_true", help="write them into README.md")
    if parser.parse_args().readme:
        path = ROOT / "README.md"
        path.write_text(replaced(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(readme() + "\n")


if __name__ == "__main__":
    main()
