"""What is said of a data set as a whole: the TOML file beside its manifest."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ageassure.errors import DataSetError
from ageassure.files import read_at_most

if TYPE_CHECKING:
    from pathlib import Path

MAX_STATEMENT_BYTES: Final = 65_536
MAX_TEXT_CHARACTERS: Final = 1_000
MAX_BORDER_PIXELS: Final = 4_096
SHA256: Final = re.compile(r"[0-9a-f]{64}")

_REQUIRED: Final = ("name", "licence", "age_proof", "manifest_sha256")
_OPTIONAL: Final = ("source", "age_proof_detail", "left_out", "border_pixels")


class AgeProof(StrEnum):
    """How the ages in a data set were proved; printed beside every figure."""

    DOCUMENT = "document"
    SELF_REPORTED = "self-reported"
    APPARENT = "apparent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The statement of a data set.

    Attributes:
        name: The data set, with its version.
        licence: Under which it may be used.
        age_proof: How the ages were proved.
        age_proof_detail: More on that: who judged, what was asked; may be empty.
        source: Where it comes from, a reference or an address; may be empty.
        left_out: Which pictures of the data set got no row, how many, and why; may be empty.
        border_pixels: Width of the black border that is put around every picture before an
            estimator sees it. For chips cut so close that a detector finds no face in them; figures
            made with a border say nothing of pictures from a camera.
        manifest_sha256: SHA-256 of the manifest's bytes, 64 hex digits.
    """

    name: str
    licence: str
    age_proof: AgeProof
    manifest_sha256: str
    age_proof_detail: str = ""
    source: str = ""
    left_out: str = ""
    border_pixels: int = 0

    def __post_init__(self) -> None:
        texts = (self.name, self.licence, self.age_proof_detail, self.source, self.left_out)
        if not all(_is_line(text) for text in texts):
            raise DataSetError(
                f"a text of a statement is no line of at most {MAX_TEXT_CHARACTERS} characters"
            )
        if not self.name or not self.licence:
            raise DataSetError("a statement names no data set or no licence")
        if not isinstance(self.age_proof, AgeProof):
            raise DataSetError(f"got another age_proof than {', '.join(AgeProof)}")
        if not SHA256.fullmatch(str(self.manifest_sha256)):
            raise DataSetError("got a manifest_sha256 that is not 64 lower-case hex digits")
        if type(self.border_pixels) is not int or not 0 <= self.border_pixels <= MAX_BORDER_PIXELS:
            raise DataSetError(f"got border_pixels that is no number of 0 to {MAX_BORDER_PIXELS}")

    def to_toml(self) -> str:
        """The text of the TOML file."""
        lines = ["[data_set]"]
        for key in (*_REQUIRED, *_OPTIONAL):
            value = getattr(self, key)
            if value or key in _REQUIRED:
                lines.append(f"{key} = {value if isinstance(value, int) else _quoted(value)}")
        return "\n".join(lines) + "\n"


def _is_line(text: object) -> bool:
    return isinstance(text, str) and text.isprintable() and len(text) <= MAX_TEXT_CHARACTERS


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def statement_path(manifest: Path) -> Path:
    """Where the statement of a manifest lies: beside it, with the suffix ``.toml``."""
    return manifest.with_suffix(".toml")


def read_statement(path: Path) -> Statement:
    """Read a statement.

    Raises:
        DataSetError: If it cannot be read, is no TOML, or has other members than a statement.
    """
    content, reason = bytearray(), None
    try:
        content = read_at_most(path, MAX_STATEMENT_BYTES + 1)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise DataSetError(f"cannot read the statement {path.name}: {reason}")
    return _checked(_parsed(bytes(content), path.name), path.name)


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    document: dict[str, Any] | None = None
    if len(content) <= MAX_STATEMENT_BYTES:
        try:
            document = tomllib.loads(content.decode("utf-8"))
        except (ValueError, RecursionError):
            document = None
    if document is None:
        raise DataSetError(f"{name}: is no TOML of at most {MAX_STATEMENT_BYTES} bytes in UTF-8")
    return document


def _checked(document: dict[str, Any], name: str) -> Statement:
    members = document.get("data_set")
    if document.keys() != {"data_set"} or not isinstance(members, dict):
        raise DataSetError(f"{name}: expected one table, [data_set]")
    missing = [key for key in _REQUIRED if key not in members]
    if missing or members.keys() - {*_REQUIRED, *_OPTIONAL}:
        raise DataSetError(
            f"{name}: expected {', '.join(_REQUIRED)}, and at most {', '.join(_OPTIONAL)} besides"
        )
    proof = next((p for p in AgeProof if p == members["age_proof"]), members["age_proof"])
    return Statement(**{**members, "age_proof": proof})
