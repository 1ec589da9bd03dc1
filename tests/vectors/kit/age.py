"""Steps 11 and 12: the age (``age_not_met``), method and level (``assurance_not_met``)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from kit.build import DROP, Json, Vector, claims, refused, token

if TYPE_CHECKING:
    from collections.abc import Iterator


def vectors() -> Iterator[Vector]:
    yield from _ages()
    yield from _methods()
    yield from _levels()


def _ages() -> Iterator[Vector]:
    over = [
        (18, 17, True),
        (18, 16, True),
        (18, 1, True),
        (19, 18, True),
        (10, 9, True),
        (99, 98, True),
    ]
    over += [(18, 18, False), (18, 21, False), (18, 17, False), (9, 10, False), (1, 99, False)]
    for limit, said, value in over:
        text = token(claims(age_equal_or_over={str(said): value}))
        word = "true" if value else "false"
        yield refused(
            "age_not_met",
            f"over_{limit}_from_{said}_{word}",
            f"over {limit} is asked, {said}: {word} is said",
            text,
            age_over=limit,
        )
    under = [(18, 19, False), (18, 21, False), (18, 99, False), (9, 10, False), (1, 2, False)]
    under += [(18, 18, True), (18, 16, True), (18, 21, True), (10, 9, True), (99, 1, True)]
    for limit, said, value in under:
        text = token(claims(age_equal_or_over={str(said): value}))
        word = "true" if value else "false"
        yield refused(
            "age_not_met",
            f"under_{limit}_from_{said}_{word}",
            f"under {limit} is asked, {said}: {word} is said",
            text,
            age_over=DROP,
            age_under=limit,
        )


def _methods() -> Iterator[Vector]:
    code = "assurance_not_met"
    cases: list[tuple[str, str, dict[str, str], list[str] | None]] = [
        ("method_absent", "a method is demanded, none is told", {}, ["verification"]),
        (
            "method_other",
            "verification is demanded, estimation is told",
            {"age_method": "estimation"},
            ["verification"],
        ),
        (
            "method_not_among",
            "inference is not among those demanded",
            {"age_method": "inference"},
            ["verification", "estimation"],
        ),
        (
            "declaration_nothing_demanded",
            "a declaration, no method is demanded",
            {"age_method": "declaration"},
            None,
        ),
        (
            "declaration_not_named",
            "a declaration, the three other methods are named",
            {"age_method": "declaration"},
            ["verification", "estimation", "inference"],
        ),
        (
            "declaration_named_told_nothing",
            "all four are named, none is told",
            {},
            ["verification", "estimation", "inference", "declaration"],
        ),
        (
            "declaration_with_level",
            "a declaration that claims the level strict",
            {"age_method": "declaration", "age_assurance": "strict"},
            None,
        ),
    ]
    for name, description, told, methods in cases:
        demanded: Json = {} if methods is None else {"methods": methods}
        yield refused(code, name, description, token(claims(**told)), **demanded)


def _levels() -> Iterator[Vector]:
    code = "assurance_not_met"
    levels = ["asserted", "standard", "enhanced", "strict"]
    for level in levels:
        yield refused(
            code,
            f"level_absent_{level}",
            f"the level {level} is demanded, none is told",
            token(),
            minimum_level=level,
        )
    for told, demanded in pairwise(levels):
        yield refused(
            code,
            f"level_{told}_for_{demanded}",
            f"the level {demanded} is demanded, {told} is told",
            token(claims(age_assurance=told)),
            minimum_level=demanded,
        )
    text = token(claims(age_method="verification", age_assurance="asserted"))
    yield refused(
        code,
        "method_met_level_not",
        "the method is right, the level too low",
        text,
        methods=["verification"],
        minimum_level="standard",
    )
    text = token(claims(age_method="inference", age_assurance="strict"))
    yield refused(
        code,
        "level_met_method_not",
        "the level is right, the method is not",
        text,
        methods=["verification"],
        minimum_level="standard",
    )
