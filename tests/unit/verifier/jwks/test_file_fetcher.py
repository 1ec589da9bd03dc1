"""A key set in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier.jwks.file import FileFetcher, path_of

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.verifier.jwks import KeySetResponse


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
    "uri", ["file:", "file://host/a", "file:///a%00b", "file://", "file://[/a"]
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
