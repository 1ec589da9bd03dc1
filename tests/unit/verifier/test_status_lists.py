"""Status lists at hand: how many, how large, and which one leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ageassure.tokens.status import StatusList, VerifiedStatusList
from ageassure.verifier import status_lists as module
from ageassure.verifier.status_lists import Kept, KeptLists

MIB = 1024 * 1024


def now() -> datetime:
    return datetime.fromtimestamp(100, UTC)


def kept(size: int, *, fetched_at: float = 0, until: float = 1000) -> Kept:
    verified = None
    if size:
        verified = VerifiedStatusList(
            uri="",
            statuses=StatusList(bits=1, data=bytes(size)),
            issued_at=0,
            expires_at=None,
            ttl_seconds=None,
        )
    return Kept(fetched_at, until, verified=verified)


def names(lists: KeptLists) -> str:
    return "".join(sorted(lists._kept))


def test_the_number() -> None:
    assert module.MAX_LISTS == 1000


def test_what_stands() -> None:
    lists = KeptLists(MIB)
    assert lists.standing("a", now) is None
    for fetched_at, until, stands in ((100, 101, True), (101, 200, False), (0, 100, False)):
        put = kept(1, fetched_at=fetched_at, until=until)
        lists.put("a", put)
        assert (lists.standing("a", now) is put) is stands


def test_a_refusal_stands_as_well() -> None:
    lists = KeptLists(MIB)
    refusal = kept(0)
    lists.put("a", refusal)
    assert lists.standing("a", now) is refusal
    assert refusal.size == 0


def test_the_least_recently_used_makes_room_for_bytes() -> None:
    lists = KeptLists(4 * MIB)
    for name in "abcd":
        lists.put(name, kept(MIB))
    assert names(lists) == "abcd"
    lists.standing("a", now)
    lists.put("e", kept(1))
    assert names(lists) == "acde"
    lists.put("f", kept(2 * MIB))
    assert names(lists) == "aef"
    lists.put("g", kept(4 * MIB))
    assert names(lists) == "g"
    lists.put("h", kept(0))  # a refusal takes no bytes
    assert names(lists) == "gh"


def test_what_replaces_needs_only_what_it_adds() -> None:
    lists = KeptLists(4 * MIB)
    for name in "abcd":
        lists.put(name, kept(MIB))
    for _ in range(10):
        lists.put("a", kept(MIB))
    assert names(lists) == "abcd"
    lists.put("a", kept(0))
    lists.put("e", kept(MIB))
    assert names(lists) == "abcde"
    assert lists._bytes == 4 * MIB


@pytest.mark.parametrize("size", [0, 1])
def test_the_least_recently_used_makes_room_in_number(size: int) -> None:
    lists = KeptLists(MIB)
    for number in range(1000):
        lists.put(str(number), kept(size))
    lists.standing("0", now)
    assert len(lists._kept) == 1000
    lists.put("new", kept(size))
    assert len(lists._kept) == 1000
    assert {"0", "2", "new"} <= lists._kept.keys()
    assert "1" not in lists._kept
    assert lists._bytes == 1000 * size
