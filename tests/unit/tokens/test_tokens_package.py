"""The rooms' fronts: what is exported exists, what signs is loaded only when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ageassure.tokens
import ageassure.tokens.keys
import ageassure.verifier


@pytest.mark.parametrize(
    "room", [ageassure.tokens, ageassure.tokens.keys, ageassure.verifier], ids=lambda m: m.__name__
)
def test_exports(room: object) -> None:
    names = room.__all__  # type: ignore[attr-defined]
    assert all(getattr(room, name) is not None for name in names)
    told = f"module {room.__name__!r} has no attribute 'no_such_name'"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=f"^{told}$"):
        room.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_a_relying_party_loads_nothing_that_signs() -> None:
    script = (
        "import sys, ageassure.verifier\n"
        "names = ('ageassure.tokens.issuer', 'ageassure.tokens.keys.signing', 'secrets')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
