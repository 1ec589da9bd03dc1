"""The one owner of Jinja2: a report as one HTML page without scripts or references to elsewhere.

It is written from the report's data alone; every text is escaped, whoever named the groups.
"""

from __future__ import annotations

from importlib.resources import files
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.report import (
    chapters,
    chapters_beyond,
    chapters_calibration,
    chapters_conditions,
)
from ageassure.audit.report.wording import (
    NULL,
    Noted,
    Picture,
    Table,
    band_name,
    challenge_age,
    group_name,
    percent,
    share_cell,
)
from ageassure.extras import require_extra

require_extra("audit", "jinja2")

import jinja2  # noqa: E402
import markupsafe  # noqa: E402

if TYPE_CHECKING:
    from ageassure.audit.report.wording import Chapter

SIGNS: Final = {"PASS": "✔", "FAIL": "✘", "INCONCLUSIVE": "?"}


def html_bytes(report: dict[str, Any], *, beside_published: bool) -> bytes:
    """The file ``report.html``: the same report, the same bytes.

    Args:
        report: As :func:`~ageassure.audit.report.document.build_report` makes it.
        beside_published: Draw its point over NIST's published algorithms, where it has one?
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("ageassure.audit.report") / "templates" / "report.html.j2"
    template = environment.from_string(source.read_text(encoding="utf-8"))
    page = template.render(
        statement=report["evaluation"]["statement"],
        boxes=boxes(report),
        chapters=[_plain(chapter) for chapter in chapters_of(report, beside_published)],
    )
    return (page + "\n").encode()


def chapters_of(report: dict[str, Any], beside_published: bool) -> list[Chapter]:
    """All chapters, in the order in which they are told."""
    first, then = chapters, chapters_beyond
    makers = (
        first.population, first.named_by_nist, first.single_ages, first.det, first.matrix,
        first.severity, chapters_calibration.calibration, chapters_conditions.stability,
        chapters_conditions.attacks, then.failures,
    )  # fmt: skip
    found = [make(report) for make in makers]
    published = then.published(report) if beside_published else None
    found += [] if published is None else [published]
    return [*found, then.limits(report), then.provenance(report)]


def _plain(chapter: Chapter) -> dict[str, Any]:
    parts = [
        {"table": with_notes(part)}
        if isinstance(part, Table)
        else {"picture": part, "svg": _markup(part)}
        for part in chapter.parts
    ]
    return {
        "key": chapter.key,
        "title": chapter.title,
        "sentences": chapter.sentences,
        "parts": parts,
    }


def with_notes(table: Table) -> dict[str, Any]:
    """A table whose cells refer by a letter to the reasons below it.

    Where every figure of a table is null for one and the same reason, ``all_null`` is that reason
    and says of whom, and there are no rows.
    """
    reasons = [cell.note for row in table.rows for cell in row if isinstance(cell, Noted)]
    marks = {note: _letters(number) for number, note in enumerate(dict.fromkeys(reasons))}
    figures = sum(len(row) - 1 for row in table.rows)
    found: dict[str, Any] = {"caption": table.caption, "head": table.head, "all_null": None}
    if len(reasons) == figures > 1 and len(marks) == 1 and reasons[0].startswith(NULL):
        of = "; ".join(str(row[0]) for row in table.rows)
        return found | {"all_null": f"Every figure is {reasons[0]}. Asked of: {of}."}
    rows = [
        [(cell.text, marks[cell.note]) if isinstance(cell, Noted) else (cell, "") for cell in row]
        for row in table.rows
    ]
    return found | {"rows": rows, "notes": [(mark, note) for note, mark in marks.items()]}


def _letters(number: int) -> str:
    """Name the notes a to z, then aa, ab and so on."""
    more, last = divmod(number, len(ascii_lowercase))
    return (_letters(more - 1) if more else "") + ascii_lowercase[last]


def _markup(picture: Picture) -> object:
    # matplotlib escapes what it is given; title and description are escaped where they are made.
    return markupsafe.Markup(picture.svg)  # noqa: S704


def boxes(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What stands in front: the verdict on each claim, and what is behind it."""
    return [_box(result) for result in report["evaluation"]["points"]]


def _box(result: dict[str, Any]) -> dict[str, Any]:
    point, claim, worst = result["point"], result["claim"], result["worst"]
    everybody = result["cells"][0]["figures"]
    worst_text = "nobody in any group"
    if worst is not None:
        worst_text = (
            f"{group_name(worst['where'])}: {worst['k']} of {worst['n']}, upper bound "
            f"{percent(worst['upper'])}, {worst['verdict']}"
        )
    return {
        "verdict": result["verdict"],
        "sign": SIGNS[result["verdict"]],
        "claim": f"At most {percent(point['alpha'])} of people of {band_name(point)} pass at "
        f"T = {challenge_age(point)} (age limit {point['limit_years']}).",
        "rows": (
            ("α", percent(point["alpha"])),
            ("T, the challenge age", challenge_age(point)),
            ("Protected band", _band(result)),
            ("Passed (k of n)", f"{claim['k']} of {claim['n']}"),
            ("People", f"{claim['subjects']}, of whom {claim['subjects_passed']} passed"),
            ("Upper bound, one-sided 95 %", percent(claim["upper"])),
            ("Least provable with so many people", percent(claim["min_provable"])),
            ("In every group", result["every_group"]),
            ("Worst cell", worst_text),
            ("Adults turned away at that T (FNR)", str(share_cell(everybody["fnr"]))),
        ),
    }


def _band(result: dict[str, Any]) -> str:
    name = f"{band_name(result['point'])}, completed years"
    if not result["band_across_limit"]:
        return name
    return f"{name}; it lies across the limit, so its rate does not bound that of the minors in it"
