"""How long the host says that its answer may be used."""

from __future__ import annotations

import pytest

from ageassure.verifier.jwks.cache_control import max_age_seconds


@pytest.mark.parametrize(
    ("told", "age", "seconds"),
    [
        (None, None, None),
        ("", None, None),
        ("public", None, None),
        ("max-age=600", None, 600),
        ("Public , MAX-AGE = 600", None, 600),
        ('max-age="600"', None, 600),
        ("max-age=600, max-age=60", None, 60),
        ("max-age=600, no-cache", None, 0),
        ("no-store, max-age=600", None, 0),
        ('no-cache="Set-Cookie", max-age=600', None, 0),
        ("max-age=600", "100", 500),
        ("max-age=600", "1000", 0),
        ("max-age=600", "-5", 600),
        ("max-age=600", "x", 600),
        ("public", "100", None),
        ("max-age=-1", None, None),
        ("max-age=1.5", None, None),
        ("max-age=\u0661", None, None),
        ("max-age=" + "9" * 5000, None, None),
        ("s-maxage=600", None, None),
        ("x-max-age=600", None, None),
    ],
)
def test_max_age(told: str | None, age: str | None, seconds: int | None) -> None:
    assert max_age_seconds(told, age) == seconds
