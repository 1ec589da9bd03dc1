"""All cases, and those of what the zone says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chip_kit.accepted import accepted, algorithms
from chip_kit.altered import altered
from chip_kit.case import Case
from chip_kit.malformed import malformed
from chip_kit.objects import (
    ZONE_TD3,
    Chip,
    group,
)
from chip_kit.untrusted import untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator


ZONE_EXPIRED = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F2504155ZE184226B<<<<<18"
)
ZONE_WRONG_DIGIT = ZONE_TD3[:-1] + "7"


def others() -> Iterator[Case]:
    yield Case(
        name="zone",
        description="a zone with a wrong check digit, properly signed",
        result="check_digit",
        chip=Chip(data_group_1=group(ZONE_WRONG_DIGIT)),
    )
    yield Case(
        name="document",
        description="a document that has expired, properly signed",
        result="document_expired",
        chip=Chip(data_group_1=group(ZONE_EXPIRED)),
    )


def all_cases() -> Iterator[Case]:
    for kind in (algorithms, accepted, untrusted, altered, malformed, others):
        yield from kind()
