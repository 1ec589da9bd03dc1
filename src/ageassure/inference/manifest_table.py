"""Tables of a ``model.toml``, read strictly.

What is missing, of another kind or unknown raises :class:`ModelIntegrityError`.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from ageassure.errors import ModelIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")


class Table:
    """A table from which every key has to be taken, each with its kind."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self._values = dict(values)
        self._where = where

    def take(self, key: str, kind: type[_T]) -> _T:
        """The value of a key, of exactly this kind."""
        value = self._values.pop(key, None)
        # Not isinstance: True is an int.
        if type(value) is not kind:
            raise ModelIntegrityError(f"got no {kind.__name__} {key!r} in {self._where}")
        return value

    def table(self, key: str) -> Table:
        """The table under a key, to be read as strictly."""
        return Table(self.take(key, dict), f"[{key}]")

    def free(self, key: str) -> Mapping[str, object]:
        """The table under a key, as written."""
        return MappingProxyType(self.take(key, dict))

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list."""
        return all_of(self.take(key, list), str, key)

    def identifier(self, key: str) -> str:
        """The name of a model: lower-case letters, digits and hyphens."""
        value = self.take(key, str)
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", value):
            raise ModelIntegrityError(f"got a malformed {key!r} in {self._where}")
        return value

    def digest(self, key: str) -> str:
        """A SHA-256 digest, 64 hex digits."""
        value = self.take(key, str)
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise ModelIntegrityError(f"got a malformed {key!r} in {self._where}")
        return value

    def finish(self) -> None:
        """Refuse what was not taken."""
        if self._values:
            raise ModelIntegrityError(f"got unknown keys {sorted(self._values)} in {self._where}")


def all_of(values: list[object], kind: type[_T], where: str) -> tuple[_T, ...]:
    """The values of a list whose values are all of this kind."""
    found = tuple(value for value in values if type(value) is kind)
    if len(found) != len(values):
        raise ModelIntegrityError(f"got another kind than {kind.__name__} in {where!r}")
    return found
