"""What is said where an optional dependency is missing."""

from __future__ import annotations

import pytest

from ageassure.errors import MissingExtraError
from ageassure.extras import require_extra


def test_what_is_there_is_not_complained_of() -> None:
    require_extra("face", "json", "math")


def test_one_missing_module_is_enough() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[face\]'"):
        require_extra("face", "json", "no_such_module_anywhere")
