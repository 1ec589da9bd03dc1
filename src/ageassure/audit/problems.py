"""What is wrong with a file of an audit: every problem with its line, up to a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.errors import AuditError

SHOWN: Final = 20
"""Problems that a message lists; the others are counted."""


class Problems:
    """Collects what is wrong with one file, and raises it as one error.

    Messages name lines and columns, never a value: a cell may hold a date of birth or a name.

    Args:
        error: Class of the error.
        path: The file; its name alone enters the message.
        unit: What is numbered: ``line`` of a CSV file (the header is line 1), ``row`` of a table.
    """

    def __init__(self, error: type[AuditError], path: Path, *, unit: str = "line") -> None:
        self._error = error
        self._name = path.name
        self._unit = unit
        self._shown: list[str] = []
        self.count = 0

    def add(self, number: int | None, text: str) -> None:
        """Note a problem of one line, or of the whole file if ``number`` is None."""
        self.count += 1
        if len(self._shown) < SHOWN:
            self._shown.append(text if number is None else f"{self._unit} {number}: {text}")

    def raise_if_any(self) -> None:
        """Raise what was noted.

        Raises:
            AuditError: Of the class given, if there is any problem.
        """
        if self.count:
            raise self._error(self._message())

    def _message(self) -> str:
        if self.count == 1:
            return f"{self._name}: {self._shown[0]}"
        head = f"{self._name}: {self.count} problems"
        left = self.count - len(self._shown)
        more = [f"and {left} more"] if left else []
        return "\n  ".join([head, *self._shown, *more])
