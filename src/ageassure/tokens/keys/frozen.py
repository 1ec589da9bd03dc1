"""What a frozen dataclass is, for the two values that every verifier loads.

``dataclasses`` itself loads ``inspect``, ``ast`` and ``tokenize``: a fifth of what importing
``ageassure.verifier`` took, for these two alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Never, Self


class Frozen:
    """Base of a value that never changes once it is made.

    A subclass names its attributes in ``__slots__``, sets each once in ``__init__`` with
    :meth:`_set`, and tells in :meth:`_compared` by what two of them are equal.
    """

    __slots__ = ()

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    if TYPE_CHECKING:

        def _compared(self) -> tuple[object, ...]: ...

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"cannot set {name!r}: a {type(self).__name__} never changes")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"cannot delete {name!r}: a {type(self).__name__} never changes")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())
