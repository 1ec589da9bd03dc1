"""Key rings: no token is refused while keys change, and no file is believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ageassure.errors import KeySetError
from ageassure.tokens.claims import MAX_LIFETIME_SECONDS
from ageassure.tokens.keys.ring import (
    HELD_SECONDS,
    OVERLAP_SECONDS,
    PUBLISH_BEFORE_SECONDS,
    RING_FILE,
    KeyRing,
)
from ageassure.verifier.jwks.settings import DEFAULT_COOLDOWN_SECONDS, DEFAULT_MAX_FRESH_SECONDS
from ageassure.verifier.verifier import MAX_LEEWAY_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

START = 1_800_000_000


def kids(ring: KeyRing, now: int) -> list[str]:
    return [key.kid for key in ring.key_set(now)]


def states(ring: KeyRing, now: int) -> list[str]:
    return [entry.state(now) for entry in ring.entries]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    ring = KeyRing(tmp_path / "ring")
    ring.rotate(START)
    return ring


def test_the_times_fit_this_librarys_own_verifier() -> None:
    assert PUBLISH_BEFORE_SECONDS == 3630
    assert HELD_SECONDS == 600
    assert OVERLAP_SECONDS == 1560
    assert PUBLISH_BEFORE_SECONDS >= DEFAULT_MAX_FRESH_SECONDS + DEFAULT_COOLDOWN_SECONDS
    # Asked for in its last second, a key signs for ten minutes more, and its tokens live on.
    assert OVERLAP_SECONDS >= HELD_SECONDS + MAX_LIFETIME_SECONDS + MAX_LEEWAY_SECONDS


def test_the_first_key_signs_at_once(ring: KeyRing) -> None:
    assert [ring.signing_key(START).kid] == kids(ring, START)


def test_a_key_is_published_before_it_signs_and_until_its_last_token_expired(
    ring: KeyRing,
) -> None:
    old = ring.signing_key(START).kid
    new = ring.rotate(START + 10).kid
    change = START + 10 + PUBLISH_BEFORE_SECONDS
    end = change + OVERLAP_SECONDS
    for now, signs, published in (
        (START + 10, old, [old, new]),
        (change - 1, old, [old, new]),
        (change, new, [old, new]),
        (end - 1, new, [old, new]),
        (end, new, [new]),
    ):
        assert ring.signing_key(now).kid == signs
        assert kids(ring, now) == published
    assert states(ring, end) == ["expired", "signing"]


def test_a_ring_is_read_back_as_it_was_written(ring: KeyRing, tmp_path: Path) -> None:
    ring.rotate(START + 10)
    again = KeyRing(tmp_path / "ring")
    assert again.entries == ring.entries
    assert kids(again, START + 10) == kids(ring, START + 10)


def test_no_second_key_waits(ring: KeyRing) -> None:
    ring.rotate(START + 10)
    with pytest.raises(KeySetError, match="waits"):
        ring.rotate(START + 20)


@pytest.mark.parametrize("after_seconds", [0, PUBLISH_BEFORE_SECONDS + 500])
def test_a_published_key_is_not_retired(ring: KeyRing, after_seconds: int) -> None:
    old = ring.signing_key(START).kid
    ring.rotate(START)
    with pytest.raises(KeySetError, match="expected one that has expired"):
        ring.retire(old, START + after_seconds)


def test_an_expired_key_is_retired_with_its_file(ring: KeyRing, tmp_path: Path) -> None:
    old = ring.signing_key(START).kid
    ring.rotate(START)
    end = START + PUBLISH_BEFORE_SECONDS + OVERLAP_SECONDS
    ring.retire(old, end)
    assert not (tmp_path / "ring" / f"{old}.pem").exists()
    assert states(ring, end) == ["signing"]
    with pytest.raises(KeySetError, match="does not have"):
        ring.retire(old, end)


class TestCompromised:
    def test_the_waiting_key_signs_at_once(self, ring: KeyRing) -> None:
        old = ring.signing_key(START).kid
        new = ring.rotate(START).kid
        ring.retire_compromised(old, START + 5)
        assert ring.signing_key(START + 5).kid == new
        assert kids(ring, START + 5) == [new]

    def test_without_a_waiting_key_a_new_one_is_made(self, ring: KeyRing) -> None:
        old = ring.signing_key(START).kid
        ring.retire_compromised(old, START + 5)
        assert ring.signing_key(START + 5).kid != old
        assert len(kids(ring, START + 5)) == 1

    def test_if_it_was_waiting_the_one_before_goes_on(self, ring: KeyRing) -> None:
        old = ring.signing_key(START).kid
        new = ring.rotate(START).kid
        ring.retire_compromised(new, START + 5)
        later = START + PUBLISH_BEFORE_SECONDS + OVERLAP_SECONDS + 5
        assert ring.signing_key(later).kid == old
        assert ring.rotate(later).state(later) == "waiting"

    def test_if_it_was_leaving_nothing_else_changes(self, ring: KeyRing) -> None:
        old = ring.signing_key(START).kid
        new = ring.rotate(START).kid
        now = START + PUBLISH_BEFORE_SECONDS + 1
        ring.retire_compromised(old, now)
        assert kids(ring, now) == [new]
        assert ring.signing_key(now).kid == new


class TestFiles:
    def test_an_empty_ring_signs_nothing(self, tmp_path: Path) -> None:
        ring = KeyRing(tmp_path)
        assert ring.entries == ()
        with pytest.raises(KeySetError, match="without a key"):
            ring.signing_key(START)
        with pytest.raises(KeySetError):
            ring.key_set(START)

    @pytest.mark.parametrize(
        "change",
        [
            {"kid": "../../etc/passwd"},
            {"kid": 1},
            {"alg": None},
            {"signs_from": True},
            {"signs_from": "0"},
            {"signs_until": 1.5},
            {"signs_until": "0"},
            {"signs_until": True},
            {"more": 1},
        ],
    )
    @pytest.mark.usefixtures("ring")
    def test_a_malformed_entry_is_refused(self, tmp_path: Path, change: dict[str, object]) -> None:
        path = tmp_path / "ring" / RING_FILE
        document = json.loads(path.read_text())
        document["keys"][0] |= change
        path.write_text(json.dumps(document))
        with pytest.raises(KeySetError, match="no key ring"):
            KeyRing(tmp_path / "ring")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"format": "ageassure-key-ring-1", "keys": 1}', "x" * 70_000]
    )
    def test_another_file_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / RING_FILE).write_text(text)
        with pytest.raises(KeySetError, match="no key ring"):
            KeyRing(tmp_path)

    @pytest.mark.parametrize(
        "change", [{"format": "ageassure-key-ring-2"}, {"more": 1}, {"keys": [1]}]
    )
    @pytest.mark.usefixtures("ring")
    def test_another_form_of_ring_is_refused(
        self, tmp_path: Path, change: dict[str, object]
    ) -> None:
        path = tmp_path / "ring" / RING_FILE
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        with pytest.raises(KeySetError, match="no key ring"):
            KeyRing(tmp_path / "ring")

    @pytest.mark.usefixtures("ring")
    def test_one_key_twice_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "ring" / RING_FILE
        document = json.loads(path.read_text())
        document["keys"] *= 2
        path.write_text(json.dumps(document))
        with pytest.raises(KeySetError, match="no key ring"):
            KeyRing(tmp_path / "ring")

    def test_a_key_file_that_was_exchanged_is_refused(self, ring: KeyRing, tmp_path: Path) -> None:
        old, new = ring.signing_key(START).kid, ring.rotate(START).kid
        folder = tmp_path / "ring"
        (folder / f"{old}.pem").unlink()
        (folder / f"{new}.pem").rename(folder / f"{old}.pem")
        with pytest.raises(KeySetError, match="not the key"):
            ring.signing_key(START)

    def test_a_folder_that_cannot_be_made_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(KeySetError, match="cannot make"):
            KeyRing(tmp_path / "file" / "ring").rotate(START)

    def test_a_list_that_cannot_be_written_is_told(self, ring: KeyRing, tmp_path: Path) -> None:
        (tmp_path / "ring" / f"{RING_FILE}.new").mkdir()
        before = ring.entries
        with pytest.raises(KeySetError, match="cannot write the ring"):
            ring.rotate(START)
        assert ring.entries == before


def test_a_key_file_that_cannot_be_deleted_is_told(ring: KeyRing, tmp_path: Path) -> None:
    stolen = ring.signing_key(START).kid
    file = tmp_path / "ring" / f"{stolen}.pem"
    file.unlink()
    file.mkdir()
    with pytest.raises(KeySetError, match="cannot be deleted") as caught:
        ring.retire_compromised(stolen, START)
    assert caught.value.__context__ is None
    assert ring.signing_key(START).kid != stolen  # it is out of use all the same


def test_the_longest_ring_file(ring: KeyRing, tmp_path: Path) -> None:
    path = tmp_path / "ring" / RING_FILE
    written = path.read_bytes()
    path.write_bytes(written.ljust(65_536))
    assert kids(KeyRing(tmp_path / "ring"), START) == kids(ring, START)
    path.write_bytes(written.ljust(65_537))
    with pytest.raises(KeySetError):
        KeyRing(tmp_path / "ring")
