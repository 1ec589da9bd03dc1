"""The reference says something about everything that the code has, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import EvidenceError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def catalogue(extension: Callable[[str], Any]) -> Any:
    return extension("catalogue")


def rows(text: str) -> list[list[str]]:
    """Cells of every Markdown table row."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text(encoding="utf-8")


def test_every_error_class_is_on_the_page(catalogue: Any, root: Path) -> None:
    branches = re.findall(r"\{error-codes\} (\w+)", page(root, "reference/errors.md"))
    shown = "".join(catalogue.error_table(branch) for branch in branches)
    for cls in catalogue.error_classes():
        for code in cls.codes:
            assert f"| `{code}` | `{cls.__name__}` |" in shown


def test_a_code_without_a_text_is_refused(catalogue: Any) -> None:
    with pytest.raises(ValueError, match=r"without a text \['new_code'\]"):
        catalogue.texts("exit-statuses.toml", [*catalogue.ExitStatus.__members__, "new_code"])


def test_a_text_without_a_code_is_refused(catalogue: Any) -> None:
    with pytest.raises(ValueError, match=r"without a code \['DONE'\]"):
        catalogue.texts("exit-statuses.toml", [*catalogue.ExitStatus.__members__][1:])


def test_texts_are_whole(catalogue: Any) -> None:
    codes = {code for cls in catalogue.error_classes() for code in cls.codes}
    for code, text in catalogue.texts("errors.toml", codes).items():
        assert text["meaning"].endswith("."), code
        assert text["do"].endswith("."), code


def test_codes_that_nothing_raises_yet_are_said_to_be_so(catalogue: Any, root: Path) -> None:
    codes = {code for cls in catalogue.error_classes() for code in cls.codes}
    texts = catalogue.texts("errors.toml", codes)
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (root / "src").rglob("*.py")
        if path.name not in {"errors.py", "reasons.py"}
    )
    for cls in catalogue.error_classes(EvidenceError):
        for code in cls.codes - {"evidence"}:
            raised = f'code="{code}"' in source
            assert raised != ("with this version" in texts[code]["meaning"]), code


def test_token_format_and_error_texts_agree_on_the_steps(catalogue: Any, root: Path) -> None:
    codes = {code for cls in catalogue.error_classes() for code in cls.codes}
    texts = catalogue.texts("errors.toml", codes)
    section = page(root, "reference/token-format.md").split("## Verification")[1]
    steps = {
        code: row[0].split()[0]
        for row in rows(section.split("Replay is keyed")[0])
        for code in re.findall(r"`(\w+)`", row[-1])
    }
    refusals = {
        code for cls in catalogue.error_classes(VerificationError) for code in cls.codes
    } - {"verification"}
    assert steps == {code: texts[code]["step"] for code in refusals}


def test_threat_model_names_codes_that_exist(catalogue: Any, root: Path) -> None:
    codes = {code for cls in catalogue.error_classes() for code in cls.codes}
    other = {"age_equal_or_over", "not_evaluated", "holder_jkt", "minimum_level"}
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page(root, "explanation/threat-model.md")))
    assert named - other <= codes


@pytest.mark.parametrize(
    "threat",
    [
        "printed photo",
        "A screen",
        "injected",
        "adult helper",
        "Relay through another site",
        "Token theft",
        "Token sharing",
        "Retries",
        "through `kid`",
        "through `nonce`",
        "Collusion",
        "hostile relying party",
        "Stale keys",
        "clock",
        "Replay-store loss",
    ],
)
def test_every_threat_has_a_defence_or_the_words_not_defended(root: Path, threat: str) -> None:
    sections = page(root, "explanation/threat-model.md").split("\n### ")[1:]
    (section,) = [s for s in sections if threat in s.splitlines()[0]]
    assert re.search(r"\*\*[Nn]ot defended|[Dd]efended.*`", section, re.DOTALL)


def test_every_command_and_exit_status_is_described(catalogue: Any) -> None:
    reference = catalogue.command_reference()
    for name in ("keys generate", "estimate", "issue", "verify", "inspect", "models check", "demo"):
        assert f"### `ageassure {name}`" in reference
    assert len(rows(catalogue.exit_table())) == len(catalogue.ExitStatus) + 2


def test_every_reason_is_described(catalogue: Any) -> None:
    described = rows(catalogue.reason_table())
    assert [row[0] for row in described[2:]] == [f"`{reason}`" for reason in catalogue.Reason]


def test_every_model_folder_is_described(catalogue: Any, root: Path) -> None:
    reference = catalogue.model_reference()
    for manifest in (root / "models").glob("*/model.toml"):
        assert f"### {manifest.parent.name}" in reference
