"""A key set in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier import JWKSetClient
from ageassure.verifier.jwks.file import FileFetcher, path_of

if TYPE_CHECKING:
    from ageassure.verifier.jwks import KeySetResponse

OPEN_FILES = Path("/proc/self/fd")


def fetched(path: Path, etag: str | None = None) -> KeySetResponse:
    return FileFetcher().fetch(path.as_uri(), etag=etag, timeout_seconds=1)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeySetUnavailableError, match="No such file") as caught:
        fetched(tmp_path / "absent")
    assert caught.value.__context__ is None
    with pytest.raises(KeySetUnavailableError, match=r"directory|regular"):
        fetched(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(KeySetUnavailableError, match="no regular file"):
        fetched(tmp_path / "pipe")


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b" " * MAX_KEY_SET_BYTES)
    assert len(fetched(path).body or b"") == MAX_KEY_SET_BYTES
    path.write_bytes(b" " * (MAX_KEY_SET_BYTES + 1))
    with pytest.raises(KeySetUnavailableError, match="more than"):
        fetched(path)


@pytest.mark.parametrize(
    "uri",
    [
        "file:",
        "file://",
        "file://host/a",
        "file://localhost/a",
        "file://[/a",
        "file:///a%00b",
        "file:///a?",
        "file:///a?query",
        "file:///a#",
        "file:///a#fragment",
        "file:a",
        "file:./a",
        "file:%2e/a",
        "file:///a b",
        "file:///a\nb",
        "file:///a\t",
        "file:///\u00e9",
        "file:///\x7f",
    ],
)
def test_malformed_file_addresses_are_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="file URI"):
        path_of(uri)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "key set \u00e9.json"
    path.write_bytes(b"one")
    first = fetched(path)
    assert first.body == b"one"
    assert fetched(path, first.etag).body is None
    (tmp_path / "new").write_bytes(b"two")
    (tmp_path / "new").replace(path)
    second = fetched(path, first.etag)
    assert second.body == b"two"
    assert second.etag != first.etag


@pytest.mark.parametrize(("uri", "path"), [("file:/a", "/a"), ("file:///!~%3F%23%20", "/!~?# ")])
@pytest.mark.skipif(os.name != "posix", reason="paths of another form")
def test_what_a_path_may_hold_is_taken(uri: str, path: str) -> None:
    assert path_of(uri) == path


def test_an_address_is_refused_when_the_client_is_made() -> None:
    for uri in ("file:keys.json", "file:///keys.json?v=2", "file:///keys.json#old"):
        with pytest.raises(ConfigurationError, match="file URI"):
            JWKSetClient(uri)


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="counts open files in /proc")
def test_no_file_stays_open(tmp_path: Path) -> None:
    good, large = tmp_path / "good", tmp_path / "large"
    good.write_bytes(b"one")
    large.write_bytes(b" " * (MAX_KEY_SET_BYTES + 1))
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(5):
        fetched(good, fetched(good).etag)
        for path in (tmp_path, large, tmp_path / "absent"):
            with pytest.raises(KeySetUnavailableError):
                fetched(path)
    assert len(list(OPEN_FILES.iterdir())) == before
