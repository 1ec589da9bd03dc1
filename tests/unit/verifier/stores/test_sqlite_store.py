"""The SQLite replay store: good days, and every kind of bad one."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, ReplayStoreError
from ageassure.verifier import SQLiteReplayStore, sqlite_store

from ..no_claims import NO_CLAIMS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
T0 = int(START.timestamp())


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


def key(number: int) -> bytes:
    # Spread over the whole range, as hashes are.
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "big") * 4


def refused(call: Callable[[], object]) -> str:
    """The refusal's message; it came in time, and tells neither key nor path."""
    start = time.monotonic()
    with pytest.raises(ReplayStoreError) as caught:
        call()
    assert time.monotonic() - start < sqlite_store.WAIT_SECONDS + 1
    assert caught.value.code == "replay_store_unavailable"
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "replay.db" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replay.db"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_store, "WAIT_SECONDS", 0.3)


def test_once(path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    assert store.claim(key(1), T0 + 900) is True
    assert store.claim(key(1), T0 + 900) is False
    assert store.claim(key(2), T0 + 900) is True
    other = SQLiteReplayStore(str(path), now=Clock())
    assert other.claim(key(1), T0 + 900) is False
    assert other.claim(key(3), T0 + 900) is True
    assert store.claim(key(3), T0 + 900) is False


def test_nothing_is_forgotten_by_closing(path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    store.claim(key(1), T0 + 900)
    store.close()
    assert store.claim(key(1), T0 + 900) is False
    store.close()
    assert SQLiteReplayStore(path, now=Clock()).claim(key(1), T0 + 900) is False


def test_nothing_is_forgotten_when_a_process_is_killed(path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from ageassure.verifier import SQLiteReplayStore\n"
        f"store = SQLiteReplayStore({str(path)!r})\n"
        "for number in range(20): assert store.claim(number.to_bytes(32, 'big'), 0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    store = SQLiteReplayStore(path)
    assert not any(store.claim(number.to_bytes(32, "big"), 0) for number in range(20))


def test_every_claim_is_on_the_disk_before_it_is_answered(path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    store.claim(key(1), T0 + 900)
    connection = store._file._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(("expires_in", "kept"), [(-5000, 1080), (0, 1080), (5000, 5040)])
def test_kept_until_expiry_and_for_as_long_as_any_token_lives(
    path: Path, expires_in: int, kept: int
) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    store.claim(key(1), T0 + expires_in)
    clock.seconds = kept - 1
    assert store.claim(key(1), T0 + expires_in) is False
    assert _entries(path) == 1
    clock.seconds = kept
    assert store.claim(key(2), T0 + kept) is True
    assert _entries(path) == 1
    # It was to be remembered until then: nobody can say any more whether it was accepted.
    assert "clock" in refused(lambda: store.claim(key(1), T0 + expires_in))
    assert "clock" in refused(lambda: store.claim(key(3), T0 + kept - 1))
    assert store.claim(key(3), T0 + kept) is True


def test_a_clock_that_leaps_forward_and_back_admits_nothing_twice(path: Path) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    assert store.claim(key(1), T0 + 930) is True
    clock.seconds = 1100
    assert all(store.claim(key(number), T0 + 2030) for number in range(10, 13))
    clock.seconds = 0
    assert _entries(path) == 3
    assert "clock" in refused(lambda: store.claim(key(1), T0 + 930))
    # Whatever process is asked, and after any restart.
    store = SQLiteReplayStore(path, now=clock)
    assert "clock" in refused(lambda: store.claim(key(1), T0 + 930))
    assert "clock" in refused(lambda: store.claim(key(2), T0 + 1079))
    assert store.claim(key(10), 0) is False  # what is remembered is known
    assert store.claim(key(2), T0 + 1080) is True
    assert _entries(path) == 4


def test_a_leap_of_a_year_closes_the_door_for_no_year(path: Path) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    for number in range(3):
        store.claim(key(number), T0 + 930)
    clock.seconds = 366 * 86_400
    for number in range(10, 20):
        store.claim(key(number), T0 + int(clock.seconds) + 900)
    clock.seconds = 1
    assert "clock" in refused(lambda: store.claim(key(1), T0 + 930))
    assert store.claim(key(4), T0 + 1080) is True


def test_what_was_to_be_kept_longest_counts(path: Path) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    for offset in (0, 60, 120):
        store.claim(key(offset), T0 + 2000 + offset)
    clock.seconds = 3000
    store.claim(key(10), T0 + 3900)  # forgets two of the three
    clock.seconds = 0
    assert "clock" in refused(lambda: store.claim(key(60), T0 + 2060))
    assert store.claim(key(120), T0 + 2120) is False
    assert store.claim(key(11), T0 + 2100) is True


def test_what_a_full_file_forgets_counts(path: Path) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, capacity=1, now=clock)

    def claim_all(numbers: range, expires_at: int) -> int:
        return sum(store.claim(number.to_bytes(32, "big"), expires_at) for number in numbers)

    with pytest.raises(ReplayStoreError, match="SQLITE_FULL"):
        claim_all(range(10_000), T0 + 930)
    clock.seconds = 1100
    assert claim_all(range(10_000, 10_010), T0 + 2030) == 10
    clock.seconds = 0
    assert "clock" in refused(lambda: store.claim(bytes(32), T0 + 930))


def test_a_claim_that_is_undone_has_forgotten_nothing(path: Path) -> None:
    """What is forgotten and the mark of it are written together, or not at all."""
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    store.claim(key(1), T0 + 930)
    clock.seconds = 1100
    other = sqlite3.connect(path)
    other.execute("CREATE TRIGGER no BEFORE INSERT ON claim BEGIN SELECT RAISE(ABORT, 'no'); END")
    other.close()
    refused(lambda: store.claim(key(2), T0 + 2030))
    assert _entries(path) == 1
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA user_version").fetchone() == (0,)
    other.execute("DROP TRIGGER no")
    other.close()
    assert store.claim(key(2), T0 + 2030) is True
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA user_version").fetchone() == ((T0 + 1080) // 60,)
    other.close()


def test_a_file_of_an_earlier_version(path: Path) -> None:
    """One made before forgetting left a mark: nothing of it is lost."""
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("PRAGMA journal_mode=WAL")
    old.execute(
        "CREATE TABLE claim (key BLOB PRIMARY KEY, forget_at INTEGER NOT NULL) WITHOUT ROWID"
    )
    old.execute("CREATE INDEX claim_forget_at ON claim (forget_at)")
    old.execute("PRAGMA application_id = 1634166065")
    old.executemany("INSERT INTO claim VALUES (?, ?)", [(key(1), T0 + 1020), (key(2), T0 + 7)])
    old.close()
    clock = Clock()
    clock.seconds = 100
    store = SQLiteReplayStore(path, now=clock)
    assert store.claim(key(1), T0 + 930) is False
    assert store.claim(key(3), T0 + 1030) is True
    clock.seconds = 0
    assert "clock" in refused(lambda: store.claim(key(2), T0 + 7))


@pytest.mark.parametrize("offset", [0, 29, 30, 31, 59])
def test_a_steady_clock_refuses_no_token(path: Path, offset: int) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    for second in range(0, 2500, 83):
        clock.seconds = second + offset + 0.999
        # As short of its end as a token can be that the verifier has just accepted.
        assert store.claim(key(second), T0 + second + offset + 1) is True
    assert _entries(path) < 20


@pytest.mark.parametrize(("name", "expires_at"), NO_CLAIMS)
def test_what_is_no_claim(path: Path, name: Any, expires_at: Any) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    assert "no claim" in refused(lambda: store.claim(name, expires_at))
    assert _entries(path) == 0
    assert store.claim(bytes(32), 2**31 * 60 - 1) is True
    assert store.claim(key(1), 0) is True


def test_a_clock_beyond_the_end_of_time(path: Path) -> None:
    """Its minutes have no room in the mark: nothing is forgotten, nothing accepted."""
    store = SQLiteReplayStore(path, now=Clock())
    store.claim(key(1), T0 + 930)
    late = SQLiteReplayStore(path, now=lambda: datetime(9999, 1, 1, tzinfo=UTC))
    assert "no claim" in refused(lambda: late.claim(key(2), T0))
    end = 2**31 * 60 - 1020
    late = SQLiteReplayStore(path, now=lambda: datetime.fromtimestamp(end, UTC))
    assert "no claim" in refused(lambda: late.claim(key(2), T0))
    assert store.claim(key(1), T0 + 930) is False


def test_what_has_expired_leaves_little_by_little(path: Path) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, now=clock)
    for number in range(100):
        store.claim(key(number), T0 + 100)
    assert _entries(path) == 100
    clock.seconds = 1200
    store.claim(key(100), T0 + 1400)
    assert _entries(path) == 100 - 2 + 1
    for number in range(101, 150):
        store.claim(key(number), T0 + 1400)
    assert _entries(path) == 50


def _entries(path: Path) -> int:
    connection = sqlite3.connect(path)
    ((count,),) = connection.execute("SELECT count(*) FROM claim")
    connection.close()
    return int(count)


def test_full(path: Path) -> None:
    clock = Clock()
    store = SQLiteReplayStore(path, capacity=200, now=clock)
    accepted = 0
    message = ""
    while accepted < 10_000 and not message:
        try:
            assert store.claim(key(accepted), T0 + 900) is True
            accepted += 1
        except ReplayStoreError as error:
            message = str(error)
    assert "SQLITE_FULL" in message
    assert accepted >= 200
    assert path.stat().st_size <= 200 * 128 + 16 * 4096 + 4096
    assert not any(store.claim(key(number), T0 + 900) for number in range(0, accepted, 20))
    # Full of what has expired it opens by itself, for as many as before.
    clock.seconds = 1100
    assert all(store.claim(key(10**6 + number), T0 + 2000) for number in range(200))


def test_full_of_what_has_expired_with_keys_that_all_need_one_place(path: Path) -> None:
    # What leaves with a claim empties pages elsewhere, one by one: too late for the next key.
    clock = Clock()
    store = SQLiteReplayStore(path, capacity=1, now=clock)

    def claim_all(numbers: range, expires_at: int) -> int:
        return sum(store.claim(number.to_bytes(32, "big"), expires_at) for number in numbers)

    with pytest.raises(ReplayStoreError, match="SQLITE_FULL"):
        claim_all(range(10_000), T0 + 900)
    clock.seconds = 1100
    assert claim_all(range(10_000, 10_500), T0 + 2000) == 500


def test_a_file_that_another_process_keeps_locked(path: Path, impatient: None) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "SQLITE_BUSY" in refused(lambda: store.claim(key(1), T0 + 900))
    with pytest.raises(ConfigurationError, match="locked"):
        SQLiteReplayStore(path)
    other.execute("ROLLBACK")
    other.close()
    assert store.claim(key(1), T0 + 900) is True


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_process_that_is_frozen_in_a_claim_and_then_killed(path: Path, impatient: None) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    code = (
        "import os, signal, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
        "connection.execute('INSERT INTO claim VALUES (?, 9999999999)', (b'k' * 32,))\n"
        "os.kill(os.getpid(), signal.SIGSTOP)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert "SQLITE_BUSY" in refused(lambda: store.claim(key(1), T0 + 900))
    finally:
        process.kill()
        process.wait(10)
    assert store.claim(key(1), T0 + 900) is True
    assert store.claim(b"k" * 32, T0 + 900) is True  # what was not committed was never claimed


def test_threads_wait_no_longer_than_stated(path: Path, impatient: None) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    messages: list[str] = []

    def claim(number: int) -> None:
        messages.append(refused(lambda: store.claim(key(number), T0 + 900)))

    start = time.monotonic()
    threads = [Thread(target=claim, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 1
    assert len(messages) == 16
    other.close()
    assert store.claim(key(1), T0 + 900) is True


def test_a_claim_behind_one_that_does_not_end_is_refused(
    path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    begun, ended = Event(), Event()

    def endless(*_: object) -> bool:
        begun.set()
        return ended.wait(60)

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_store._File, "claim", endless)
        first = Thread(target=store.claim, args=(key(1), T0 + 900))
        first.start()
        assert begun.wait(60)
        assert "too many claims wait" in refused(lambda: store.claim(key(2), T0 + 900))
        ended.set()
        first.join()
    assert store.claim(key(2), T0 + 900) is True


def test_a_deleted_file_is_not_made_anew(path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    store.claim(key(1), T0 + 900)
    path.unlink()
    assert "FileNotFound" in refused(lambda: store.claim(key(2), T0 + 900))
    assert "FileNotFound" in refused(lambda: store.claim(key(2), T0 + 900))
    assert not path.exists()
    # A process that starts makes a new one; this one finds it.
    SQLiteReplayStore(path, now=Clock())
    assert store.claim(key(2), T0 + 900) is True
    assert SQLiteReplayStore(path, now=Clock()).claim(key(2), T0 + 900) is False


def test_a_file_that_was_replaced_takes_no_claim_to_the_grave(path: Path, tmp_path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    store.claim(key(1), T0 + 900)
    new = SQLiteReplayStore(tmp_path / "new.db", now=Clock())
    new.claim(key(2), T0 + 900)
    new.close()
    (tmp_path / "new.db").rename(path)
    assert "replaced" in refused(lambda: store.claim(key(3), T0 + 900))


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 8176])
def test_a_damaged_file_at_the_start(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"SQLITE_(NOTADB|CORRUPT)"):
        SQLiteReplayStore(path)
    assert path.read_bytes() == content


def test_a_file_that_is_damaged_later(path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    for number in range(200):
        store.claim(key(number), T0 + 900)
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    assert "SQLITE_CORRUPT" in refused(lambda: store.claim(key(2001), T0 + 900))


def test_another_programs_database(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE claim (key, forget_at)")
    other.commit()
    with pytest.raises(ConfigurationError, match="another program's"):
        SQLiteReplayStore(path)
    assert other.execute("PRAGMA user_version").fetchone() == (0,)
    other.close()


def test_a_file_without_the_table(path: Path) -> None:
    store = SQLiteReplayStore(path, now=Clock())
    other = sqlite3.connect(path)
    other.execute("DROP TABLE claim")
    other.close()
    assert "SQLITE_ERROR" in refused(lambda: store.claim(key(1), T0 + 900))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """In a process that has no right to write everywhere; root has."""
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o555)
    command = [sys.executable, "-c", _TRY, str(folder / "replay.db")]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root writes everywhere, and setpriv is not installed")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "cannot be used: SQLITE_CANTOPEN" in done.stdout
    SQLiteReplayStore(tmp_path / "replay.db")
    command[-1] = str(tmp_path / "replay.db")
    (tmp_path / "replay.db").chmod(0o444)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "cannot be used: SQLITE_READONLY" in done.stdout


_TRY = """
import sys
from ageassure.errors import ConfigurationError
from ageassure.verifier import SQLiteReplayStore
try:
    SQLiteReplayStore(sys.argv[1])
except ConfigurationError as error:
    print(error)
"""


def test_a_path_that_is_a_folder_or_in_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "replay.db"):
        with pytest.raises(ConfigurationError, match="SQLITE_CANTOPEN"):
            SQLiteReplayStore(path)


def test_a_path_with_characters_that_mean_something_in_a_uri(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=memory#50% &b.db"
    assert SQLiteReplayStore(path, now=Clock()).claim(key(1), T0 + 900) is True
    assert path.exists()


def test_a_relative_path_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SQLiteReplayStore("replay.db", now=Clock())
    monkeypatch.chdir("/")
    assert store.claim(key(1), T0 + 900) is True
    assert (tmp_path / "replay.db").exists()


class OfBytes:
    def __fspath__(self) -> bytes:
        return b"replay.db"


@pytest.mark.parametrize("path", ["", b"replay.db", None, 7, "replay\0.db", "\ud800.db", OfBytes()])
def test_bad_paths(path: Any) -> None:
    with pytest.raises(ConfigurationError, match="path"):
        SQLiteReplayStore(path)


@pytest.mark.parametrize("capacity", [0, -1, True, 1.5, "10", None])
def test_bad_capacities(path: Path, capacity: Any) -> None:
    with pytest.raises(ConfigurationError, match="capacity"):
        SQLiteReplayStore(path, capacity=capacity)


def test_the_least_capacity(path: Path) -> None:
    assert SQLiteReplayStore(path, capacity=1, now=Clock()).claim(key(1), T0 + 900) is True


def test_how_far_the_file_may_grow_and_whose_it_is(path: Path) -> None:
    store = SQLiteReplayStore(path, capacity=1_000_000, now=Clock())
    store.claim(key(1), T0 + 900)
    connection = store._file._connection
    assert connection is not None
    # 128 bytes for each entry, and sixteen pages of 4096 bytes.
    assert connection.execute("PRAGMA max_page_count").fetchone() == (31_250 + 16,)
    # Files outlive a version of this library.
    assert connection.execute("PRAGMA application_id").fetchone() == (1_634_166_065,)


def test_bad_clock(path: Path) -> None:
    store = SQLiteReplayStore(path, now=lambda: datetime(2026, 6, 1))  # noqa: DTZ001 - naive on purpose
    with pytest.raises(ConfigurationError):
        store.claim(key(1), T0 + 900)


def test_a_claim_that_is_interrupted_is_rolled_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteReplayStore(path, now=Clock())

    def interrupted(connection: sqlite3.Connection, *_arguments: object) -> bool:
        connection.execute("BEGIN IMMEDIATE")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_store, "claimed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.claim(key(1), T0 + 900)
    other = SQLiteReplayStore(path, now=Clock())
    assert other.claim(key(1), T0 + 900) is True
    assert store.claim(key(1), T0 + 900) is False


def test_a_disk_that_is_full(path: Path) -> None:
    """In a process that may write no file beyond a size: to SQLite a failing disk."""
    code = (
        "import resource, sys\n"
        "from ageassure.errors import ReplayStoreError\n"
        "from ageassure.verifier import SQLiteReplayStore\n"
        "store = SQLiteReplayStore(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "accepted = 0\n"
        "try:\n"
        "    while accepted < 1000 and store.claim(accepted.to_bytes(32, 'big'), 0):\n"
        "        accepted += 1\n"
        "except ReplayStoreError as error:\n"
        "    print(accepted, error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "print([store.claim(n.to_bytes(32, 'big'), 0) for n in range(accepted + 2)].count(False))"
    )
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True
    )
    refusal, known = done.stdout.splitlines()
    accepted, _, message = refusal.partition(" ")
    assert "SQLITE_FULL" in message or "SQLITE_IOERR" in message
    # Nothing that was accepted is forgotten; the one that was refused may be used up.
    assert int(known) in (int(accepted), int(accepted) + 1)
