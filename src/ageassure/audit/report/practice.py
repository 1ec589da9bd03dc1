"""A practice statement: what a report shows and what an operator answers, and what is missing.

Its headings follow the characteristics that ISO/IEC 27566-1 asks a provider to state (functional,
performance, privacy, security, acceptability) and the four criteria of Ofcom's guidance on highly
effective age assurance (technically accurate, robust, reliable, fair). It makes no claim that a
service conforms to either; it is a text to be read, completed and answered for by the operator.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ageassure.audit.report.reading import Found, figure
from ageassure.audit.report.wording import number_cell, percent, share_cell
from ageassure.errors import ReportError
from ageassure.files import read_at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMAT: Final = "ageassure-practice-answers-1"
MISSING: Final = "**Missing.**"
MAX_ANSWER_CHARACTERS: Final = 20_000
_MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator is asked.

    Attributes:
        key: Member of the answers file.
        text: The question, printed above the answer.
    """

    key: str
    text: str


SECTIONS: Final[Mapping[str, tuple[Question, ...]]] = MappingProxyType(
    {
        "Functional characteristics": (
            Question("service", "Which service uses age assurance, and for what?"),
            Question("age_limits", "Which age limits are asked about, and by which law?"),
            Question("methods", "Which methods are used, in which order, and what settles one?"),
            Question("inconclusive", "What becomes of people whom no method settles?"),
        ),
        "Technically accurate": (
            Question("accuracy_population", "Are the audited people like those of the service?"),
        ),
        "Robust": (
            Question("robustness", "Under which conditions was it tried, and where does it fail?"),
            Question("circumvention", "Which attacks were tried: photographs, masks, injection?"),
        ),
        "Reliable": (
            Question("reliability", "How often is it measured again, and what would stop it?"),
            Question("changes", "What happens when the model or its settings change?"),
        ),
        "Fair": (
            Question("fairness", "Which groups err more often, and what is done about it?"),
            Question("accessibility", "What is offered to people who cannot use a method?"),
        ),
        "Privacy": (
            Question("data", "Which data are processed, where, and for how long?"),
            Question("retention_check", "When was non-retention last checked, and how?"),
        ),
        "Security": (Question("security", "How are keys, stores and the process protected?"),),
        "Acceptability": (
            Question("information", "What are people told before, and after a refusal?"),
            Question("complaints", "How can a decision be challenged, and who answers?"),
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeStatement:
    """The statement, and what it lacks.

    Attributes:
        markdown: The text.
        missing: Keys of questions without an answer, and names of figures that the report lacks.
    """

    markdown: str
    missing: tuple[str, ...]


def read_answers(path: Path) -> dict[str, str]:
    """Read an operator's answers: TOML with ``format`` and one text for each key.

    Raises:
        ReportError: If it is anything else, or has an unknown key. A key may be left out: the
            statement then says so.
    """
    found: dict[str, Any] | None = None
    with suppress(OSError, ValueError):
        content = read_at_most(path, _MAX_BYTES + 1)
        if len(content) <= _MAX_BYTES:
            found = tomllib.loads(content.decode())
    if found is None or found.pop("format", None) != FORMAT:
        raise ReportError(f"{path.name}: is no file of answers in the format {FORMAT}")
    known = {question.key for questions in SECTIONS.values() for question in questions}
    for key, answer in found.items():
        if key not in known:
            raise ReportError(f"{path.name}: got an unknown key {key!r}")
        if not isinstance(answer, str) or len(answer) > MAX_ANSWER_CHARACTERS:
            raise ReportError(f"{path.name}: {key} is no text of {MAX_ANSWER_CHARACTERS} at most")
    return found


def practice_statement(report: dict[str, Any], answers: Mapping[str, str]) -> PracticeStatement:
    """Write the statement.

    Args:
        report: As :func:`~ageassure.audit.report.reading.read_report` gives it.
        answers: As :func:`read_answers` gives them.

    Raises:
        ReportError: If the report has another form.
    """
    missing: list[str] = []
    lines = ["# Age assurance practice statement", "", *_about(report)]
    for heading, questions in SECTIONS.items():
        lines += ["", f"## {heading}", ""]
        for name, text in _FIGURES.get(heading, ()):
            lines.extend(_shown(report, name, text, missing))
        for question in questions:
            answer = answers.get(question.key, "").strip()
            if not answer:
                missing.append(question.key)
            lines += ["", f"*{question.text}*", "", _inert(answer) or MISSING]
    lines += ["", "## What is missing", ""]
    lines += [f"- `{name}`" for name in missing] or ["Nothing that was asked for."]
    return PracticeStatement(markdown="\n".join(lines) + "\n", missing=tuple(missing))


_FIGURES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = MappingProxyType(
    {
        "Technically accurate": (
            ("mae", "Mean absolute error, years"),
            ("bias", "Bias, years"),
            ("fpr_ucb@{limit}", "Upper bound of the protected band's error at {limit} (95 %)"),
            ("fnr@{limit}", "Share of people at or over {limit} who are not passed"),
        ),
        "Reliable": (("ftp", "Share of samples that could not be processed"),),
        "Fair": (
            ("worst_fpr_ucb@{limit}", "The same bound for the worst group at {limit}"),
            ("gini(mae)", "Gini coefficient of the error over groups, the greatest"),
        ),
    }
)


def _about(report: dict[str, Any]) -> Iterator[str]:
    try:
        statement, counts = report["evaluation"]["statement"], report["evaluation"]["counts"]
        yield (
            f"Measured on {_inert(str(statement['name']))}: {int(counts['rows'])} samples of "
            f"{int(counts['subjects'])} people; age proved by: "
            f"{_inert(str(statement['age_proof']))}."
        )
        return
    except (KeyError, TypeError, ValueError):
        pass
    raise ReportError("the report's evaluation has another form")


def _limits(report: dict[str, Any]) -> list[int]:
    points = report["evaluation"].get("points", [])
    return sorted({int(point["point"]["limit_years"]) for point in points})


def _shown(report: dict[str, Any], name: str, text: str, missing: list[str]) -> Iterator[str]:
    for limit in _limits(report) if "{limit}" in name else [0]:
        asked = name.format(limit=limit)
        found = figure(report, asked)
        if found.value is None:
            missing.append(asked)
            yield f"- {text.format(limit=limit)}: {MISSING} ({found.why})"
        else:
            yield f"- {text.format(limit=limit)}: {_written(name, found)}"


def _written(name: str, found: Found) -> str:
    """The number with its n and interval, as the report writes it."""
    cell = found.cell or {}
    try:
        if "ucb" in name:
            passed = f"{cell['subjects_passed']} of {cell['subjects']} people let through"
            return f"{percent(found.value)} ({passed})"
        return str(share_cell(cell) if name.startswith(("fnr", "ftp")) else number_cell(cell))
    except (KeyError, TypeError):
        pass
    raise ReportError("the report's evaluation has another form")


def _inert(text: str) -> str:
    """The text without what Markdown or HTML would act upon at the start of something."""
    return text.replace("<", "&lt;").replace("[", "\\[").replace("`", "\\`")
