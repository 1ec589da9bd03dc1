"""Key rings: no token is refused while keys change, and no file is believed."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens.claims import MAX_LIFETIME_SECONDS
from ageassure.tokens.keys.ring import PUBLISH_BEFORE_SECONDS, KeyRing
from ageassure.tokens.keys.ring_file import HELD_SECONDS, OVERLAP_SECONDS, RING_FILE, RingEntry
from ageassure.verifier.jwks.settings import DEFAULT_COOLDOWN_SECONDS, ClientSettings
from ageassure.verifier.verifier import MAX_LEEWAY_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

START = 1_800_000_000


def kids(ring: KeyRing, now: int) -> list[str]:
    return [key.kid for key in ring.key_set(now)]


def states(ring: KeyRing, now: int) -> list[str]:
    return [entry.state(now) for entry in ring.entries]


def published(ring: KeyRing, now: int) -> RingEntry | None:
    return ring.note_published(ring.key_set(now), now)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    ring = KeyRing(tmp_path / "ring")
    ring.rotate(START)
    return ring


def test_the_times_fit_this_librarys_own_verifier() -> None:
    assert PUBLISH_BEFORE_SECONDS == 90_000
    assert HELD_SECONDS == 600
    assert OVERLAP_SECONDS == 1560
    longest = {"timeout_seconds": 5, "min_fresh_seconds": 60, "stale_seconds": 0}
    longest |= {"cooldown_seconds": DEFAULT_COOLDOWN_SECONDS}
    assert ClientSettings(**longest, max_fresh_seconds=86_400).max_fresh_seconds == 86_400
    with pytest.raises(ConfigurationError):
        ClientSettings(**longest, max_fresh_seconds=86_401)
    assert PUBLISH_BEFORE_SECONDS >= 86_400 + DEFAULT_COOLDOWN_SECONDS
    # Asked for in its last second, a key signs for ten minutes more, and its tokens live on.
    assert OVERLAP_SECONDS >= HELD_SECONDS + MAX_LIFETIME_SECONDS + MAX_LEEWAY_SECONDS


def test_the_first_key_signs_at_once(ring: KeyRing) -> None:
    assert [ring.signing_key(START).kid] == kids(ring, START)


def test_a_key_is_published_before_it_signs_and_until_its_last_token_expired(
    ring: KeyRing,
) -> None:
    old = ring.signing_key(START).kid
    new = ring.rotate(START + 10).kid
    published(ring, START + 20)
    change = START + 20 + PUBLISH_BEFORE_SECONDS
    end = change + OVERLAP_SECONDS
    for now, signs, shown in (
        (START + 10, old, [old, new]),
        (change - 1, old, [old, new]),
        (change, new, [old, new]),
        (end - 1, new, [old, new]),
        (end, new, [new]),
    ):
        assert ring.signing_key(now).kid == signs
        assert kids(ring, now) == shown
    assert states(ring, end) == ["expired", "signing"]


def test_a_ring_is_read_back_as_it_was_written(ring: KeyRing, tmp_path: Path) -> None:
    ring.rotate(START + 10)
    again = KeyRing(tmp_path / "ring")
    assert again.entries == ring.entries
    assert kids(again, START + 10) == kids(ring, START + 10)


def test_a_key_that_was_never_published_never_signs(ring: KeyRing, tmp_path: Path) -> None:
    old = ring.signing_key(START).kid
    entry = ring.rotate(START + 10)
    assert (entry.signs_from, entry.signs_until) == (None, None)
    late = START + 100 * PUBLISH_BEFORE_SECONDS
    again = KeyRing(tmp_path / "ring")
    assert again.signing_key(late).kid == old
    assert kids(again, late) == [old, entry.kid]
    assert states(again, late) == ["signing", "waiting"]
    with pytest.raises(KeySetError, match="waits"):
        again.rotate(late)


def test_its_time_counts_from_when_it_was_first_published(ring: KeyRing, tmp_path: Path) -> None:
    old = ring.signing_key(START)
    new = ring.rotate(START + 10)
    # A set that was made before the key is no publication of it.
    assert ring.note_published(old.public_set(), START + 50) is None
    assert ring.entries[1].signs_from is None
    noted = published(ring, START + 5000)
    assert noted is not None
    assert (noted.kid, noted.signs_from) == (new.kid, START + 5000 + PUBLISH_BEFORE_SECONDS)
    assert ring.entries[0].signs_until == noted.signs_from
    # Once is enough, and what comes later changes nothing.
    again = KeyRing(tmp_path / "ring")
    assert published(again, START + 6000) is None
    assert again.entries == ring.entries


def test_the_first_keys_times_are_not_changed_by_publishing(ring: KeyRing) -> None:
    before = ring.entries
    assert published(ring, START + 5) is None
    assert ring.entries == before


def test_a_ring_of_an_earlier_version(ring: KeyRing, tmp_path: Path) -> None:
    """Its waiting key got its time when it was made, and keeps it."""
    old, new = ring.entries[0], ring.rotate(START)
    path = tmp_path / "ring" / RING_FILE
    keys = [
        {"kid": old.kid, "alg": "ES256", "signs_from": START, "signs_until": START + 3630},
        {"kid": new.kid, "alg": "ES256", "signs_from": START + 3630, "signs_until": None},
    ]
    path.write_text(json.dumps({"format": "ageassure-key-ring-1", "keys": keys}))
    again = KeyRing(tmp_path / "ring")
    assert published(again, START + 100) is None
    assert again.signing_key(START + 3629).kid == old.kid
    assert again.signing_key(START + 3630).kid == new.kid


def test_what_changes_a_ring_sees_what_another_object_has_changed(
    ring: KeyRing, tmp_path: Path
) -> None:
    other = KeyRing(tmp_path / "ring")
    new = ring.rotate(START)
    with pytest.raises(KeySetError, match="waits"):
        other.rotate(START)
    assert other.entries == ring.entries
    third = KeyRing(tmp_path / "ring")
    ring.retire_compromised(new.kid, START)
    with pytest.raises(KeySetError, match="does not have"):
        third.retire_compromised(new.kid, START)
    # A key that went while its set was being published is not noted.
    key_set = KeyRing(tmp_path / "ring").key_set(START)
    assert third.note_published(key_set, START) is None


def test_a_key_that_went_while_it_was_published(ring: KeyRing, tmp_path: Path) -> None:
    new = ring.rotate(START)
    other = KeyRing(tmp_path / "ring")
    key_set = other.key_set(START)
    ring.retire_compromised(new.kid, START)
    assert other.note_published(key_set, START) is None
    assert [entry.kid for entry in other.entries] == [ring.entries[0].kid]


def test_the_first_second_of_all_is_a_time(ring: KeyRing, tmp_path: Path) -> None:
    kid = ring.entries[0].kid
    keys = [{"kid": kid, "alg": "ES256", "signs_from": 0, "signs_until": None}]
    (tmp_path / "ring" / RING_FILE).write_text(
        json.dumps({"format": "ageassure-key-ring-1", "keys": keys})
    )
    assert KeyRing(tmp_path / "ring").signing_key(0).kid == kid


@pytest.mark.parametrize("now", [None, "now", 1.5, True, -1, 2**36, 2**62])
def test_what_is_no_time(ring: KeyRing, now: Any) -> None:
    before = ring.entries
    kid, key_set = before[0].kid, ring.key_set(START)
    for call in (
        lambda: ring.rotate(now),
        lambda: ring.signing_key(now),
        lambda: ring.key_set(now),
        lambda: ring.retire(kid, now),
        lambda: ring.retire_compromised(kid, now),
        lambda: ring.note_published(key_set, now),
    ):
        with pytest.raises(ConfigurationError, match="now_seconds"):
            call()
    assert ring.entries == before


def test_the_last_time_of_all(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "ring")
    last = 2**36 - 1
    ring.rotate(last)
    ring.rotate(last)
    published(ring, last)
    assert KeyRing(tmp_path / "ring").entries == ring.entries


@pytest.mark.parametrize("key_set", [None, 5, "keys", {"keys": []}])
def test_what_is_no_set_is_not_noted(ring: KeyRing, key_set: Any) -> None:
    with pytest.raises(KeySetError, match="JWKSet"):
        ring.note_published(key_set, START)
    ring.rotate(START)
    with pytest.raises(KeySetError, match="JWKSet"):
        ring.note_published(key_set, START)
    assert ring.entries[1].signs_from is None


@pytest.mark.parametrize("folder", [None, b"ring", 5, []])
def test_what_is_no_folder(folder: Any) -> None:
    with pytest.raises(KeySetError, match="path"):
        KeyRing(folder)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "\ud800"])
def test_folders_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeySetError) as caught:
        KeyRing(tmp_path / name).rotate(START)
    assert caught.value.__context__ is None


def test_no_second_key_waits(ring: KeyRing) -> None:
    ring.rotate(START + 10)
    with pytest.raises(KeySetError, match="waits"):
        ring.rotate(START + 20)


@pytest.mark.parametrize("after_seconds", [0, PUBLISH_BEFORE_SECONDS + 500])
def test_a_published_key_is_not_retired(ring: KeyRing, after_seconds: int) -> None:
    old = ring.signing_key(START).kid
    ring.rotate(START)
    published(ring, START)
    with pytest.raises(KeySetError, match="expected one that has expired"):
        ring.retire(old, START + after_seconds)


def test_an_expired_key_is_retired_with_its_file(ring: KeyRing, tmp_path: Path) -> None:
    old = ring.signing_key(START).kid
    ring.rotate(START)
    published(ring, START)
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

    @pytest.mark.parametrize("was_published", [True, False])
    def test_if_it_was_waiting_the_one_before_goes_on(
        self, ring: KeyRing, was_published: bool
    ) -> None:
        old = ring.signing_key(START).kid
        new = ring.rotate(START).kid
        if was_published:
            published(ring, START)
        ring.retire_compromised(new, START + 5)
        later = START + PUBLISH_BEFORE_SECONDS + OVERLAP_SECONDS + 5
        assert ring.signing_key(later).kid == old
        assert ring.rotate(later).state(later) == "waiting"

    def test_if_it_was_leaving_nothing_else_changes(self, ring: KeyRing) -> None:
        old = ring.signing_key(START).kid
        new = ring.rotate(START).kid
        published(ring, START)
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
            {"alg": "none"},
            {"alg": ["ES256"]},
            {"alg": "\u001b[31m"},
            {"signs_from": -1},
            {"signs_from": 2**37},
            {"signs_until": -1},
            {"signs_until": 2**37},
            {"signs_from": 9 * 10**15},
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

    @pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
    def test_a_folder_that_others_may_write_to_is_refused(
        self, ring: KeyRing, tmp_path: Path, mode: int
    ) -> None:
        folder = tmp_path / "ring"
        folder.chmod(mode)
        with pytest.raises(KeySetError, match="0700"):
            KeyRing(folder)
        with pytest.raises(KeySetError, match="0700"):
            ring.rotate(START)
        folder.chmod(0o755)  # others may look: the keys' own files are their owner's alone
        assert KeyRing(folder).entries == ring.entries
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty").chmod(0o777)
        with pytest.raises(KeySetError, match="0700"):
            KeyRing(tmp_path / "empty")

    @pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
    def test_a_new_folder_is_its_owners_alone(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            KeyRing(tmp_path / "new").rotate(START)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700

    def test_only_a_regular_file_is_read(self, tmp_path: Path) -> None:
        (tmp_path / RING_FILE).mkdir()
        with pytest.raises(KeySetError, match="folder"):
            KeyRing(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / RING_FILE)
        with pytest.raises(KeySetError, match="regular"):
            KeyRing(tmp_path)

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
