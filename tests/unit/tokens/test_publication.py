"""What an issuer publishes as static files."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens import JWKSet, PublicJWK, SigningKey
from ageassure.tokens.publication import (
    KEY_SET_PATH,
    METADATA_PATH,
    publication_files,
    write_publication,
)

if TYPE_CHECKING:
    from pathlib import Path

ISSUER = "https://age.example"
KEY, OTHER = SigningKey.generate(), SigningKey.generate("EdDSA")
BOTH = JWKSet(keys=(KEY.public, OTHER.public))


def files(**changes: Any) -> dict[str, bytes]:
    arguments: dict[str, Any] = {"issuer": ISSUER, "key_set": BOTH}
    return publication_files(**(arguments | changes))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://age.example"},
        {"issuer": "age.example"},
        {"policy_uri": "http://age.example/practice"},
        {"lifetime_seconds": 599},
        {"lifetime_seconds": 901},
        {"lifetime_seconds": 900.0},
    ],
)
def test_ill_formed_values_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        files(**changes)


def test_a_kid_that_is_no_thumbprint_is_refused() -> None:
    named = PublicJWK.from_dict(KEY.public.to_dict() | {"kid": "mine"})
    with pytest.raises(KeySetError, match="thumbprint"):
        files(key_set=JWKSet(keys=(named,)))


@pytest.mark.parametrize("folder", ["taken", "zero\0byte"])
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path, folder: str) -> None:
    (tmp_path / "taken").write_bytes(b"a file in the folder's place")
    with pytest.raises(ConfigurationError, match="cannot write") as caught:
        write_publication(f"{tmp_path}/{folder}", files())
    assert caught.value.__context__ is None
    assert names(tmp_path) == ["taken"]


def test_a_failed_replacement_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / KEY_SET_PATH).mkdir(parents=True)
    (tmp_path / KEY_SET_PATH / "inside").touch()
    with pytest.raises(ConfigurationError, match="cannot write"):
        write_publication(tmp_path, files())
    assert names(tmp_path / ".well-known") == ["jwks.json"]


def test_the_documents_say_what_they_must() -> None:
    documents = files(policy_uri="https://age.example/practice/1", lifetime_seconds=600)
    assert list(documents) == [KEY_SET_PATH, METADATA_PATH]  # the keys first
    assert JWKSet.from_json(documents[KEY_SET_PATH]).to_dict() == BOTH.to_dict()
    assert json.loads(documents[METADATA_PATH]) == {
        "issuer": ISSUER,
        "jwks_uri": f"{ISSUER}/{KEY_SET_PATH}",
        "token_type": "age-result+jwt",
        "signing_algorithms": ["ES256", "EdDSA"],
        "token_lifetime_seconds": 600,
        "iat_granularity_seconds": 300,
        "policy_uri": "https://age.example/practice/1",
    }


def test_the_same_set_gives_the_same_bytes() -> None:
    assert files() == files()
    assert "policy_uri" not in json.loads(files()[METADATA_PATH])


def test_an_issuer_with_a_path_publishes_below_it() -> None:
    metadata = json.loads(files(issuer="https://age.example/a/")[METADATA_PATH])
    assert metadata["issuer"] == "https://age.example/a/"
    assert metadata["jwks_uri"] == f"https://age.example/a/{KEY_SET_PATH}"


def test_nothing_private_is_published() -> None:
    assert b'"d"' not in b"".join(files().values())


def test_files_are_readable_and_written_only_where_something_changed(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    assert write_publication(folder, files()) == [KEY_SET_PATH, METADATA_PATH]
    assert write_publication(folder, files()) == []
    fewer = files(key_set=KEY.public_set())
    assert write_publication(folder, fewer) == [KEY_SET_PATH, METADATA_PATH]
    for name, content in fewer.items():
        assert (folder / name).read_bytes() == content
        if os.name == "posix":
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o644
    assert names(folder / ".well-known") == ["age-issuer.json", "jwks.json"]


def test_a_file_is_whole_on_the_disk_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: sizes.append(os.fstat(file).st_size))
    write_publication(tmp_path, files())
    assert sizes == [len(files()[name]) for name in (KEY_SET_PATH, METADATA_PATH)]


@pytest.mark.parametrize(
    ("folder", "reason"), [("a\0b", "not a path"), ("taken", "File exists|Not a directory")]
)
def test_why_nothing_could_be_written_is_said(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=reason):
        write_publication(f"{tmp_path}/{folder}", files())
