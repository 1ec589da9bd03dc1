"""Where a picture lies: a file below a folder, or bytes inside a tar shard (WebDataset)."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.errors import DataSetError
from ageassure.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_PATH_CHARACTERS: Final = 4096
SHARD_MARK: Final = ".tar#"
"""What stands between a shard and the picture's name inside it: ``shard-00.tar#1.jpg``."""

UNREADABLE: Final = "picture_unreadable"
"""The file is not there, cannot be opened, or ends early."""

ALTERED: Final = "picture_altered"
"""The picture is not the one whose SHA-256 the manifest states."""

_MAX_READ_BYTES: Final = 10_000_001
"""One byte more than a picture may have: the decoder refuses what is cut here as too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturePlace:
    """A picture's bytes on disk; holds no picture.

    Attributes:
        file: The picture's file, or the shard that it lies in.
        offset: Where its bytes start.
        size: How many there are; None for the whole file.
    """

    file: str
    offset: int = 0
    size: int | None = None

    def read(self) -> bytearray:
        """Read the picture into a buffer that an estimator can wipe.

        Nothing is buffered in between. At most one byte more than a picture may have is read.

        Raises:
            OSError: If the file cannot be read, or ends early.
        """
        with open_regular(self.file) as file:
            if self.size is None:
                size = min(file.seek(0, 2), _MAX_READ_BYTES)
            else:
                size = min(self.size, _MAX_READ_BYTES)
            file.seek(self.offset)
            picture = bytearray(size)
            view, done = memoryview(picture), 0
            while done < size:
                count = file.readinto(view[done:])
                if not count:
                    raise OSError("the file ends early")
                done += count
        return picture


def read_checked(place: PicturePlace, sha256: str) -> tuple[bytearray | None, str]:
    """Read a picture that must have a SHA-256, unless it is "".

    Returns:
        The picture and ""; or None and why: :data:`UNREADABLE` or :data:`ALTERED`. An altered
        picture is wiped.
    """
    try:
        picture = place.read()
    except OSError:
        return None, UNREADABLE
    if sha256 and hashlib.sha256(picture).hexdigest() != sha256:
        wipe_file(picture)
        return None, ALTERED
    return picture, ""


def wipe_file(picture: bytearray) -> None:
    """Fill a picture's bytes with zeros."""
    np.frombuffer(picture, np.uint8).fill(0)


def path_problem(path: str) -> str | None:
    """Why a path of a manifest must not be used; None if it may.

    Refused are paths that leave the data set's folder, absolute ones, and what another system would
    read in another way. Not checked: symbolic links below the folder; they are followed.
    """
    file, mark, member = path.partition(SHARD_MARK)
    parts = file.split("/")
    if not path or len(path) > MAX_PATH_CHARACTERS:
        return f"path is empty or has more than {MAX_PATH_CHARACTERS} characters"
    if not path.isprintable() or "\\" in path:
        return "path has a backslash or a control character"
    if any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
        return "path leaves the data set's folder, is absolute, or is not in its plain form"
    if mark and not member:
        return "path names no picture inside the shard"
    return None


def find_pictures(root: Path, paths: Iterable[str]) -> list[PicturePlace]:
    """Turn a manifest's paths into places; every shard's headers are read once.

    Args:
        root: The data set's folder.
        paths: As in the manifest, checked by :func:`path_problem`. Whether a file exists is seen
            when it is read.

    Raises:
        DataSetError: If a shard cannot be read, holds one name twice, or lacks a picture.
    """
    folder = str(root.resolve())
    shards: dict[str, dict[str, tuple[int, int]]] = {}
    found = []
    for path in paths:
        file, mark, member = path.partition(SHARD_MARK)
        if not mark:
            found.append(PicturePlace(file=f"{folder}/{file}"))
            continue
        shard = f"{file}.tar"
        if shard not in shards:
            shards[shard] = _shard_index(root, shard)
        if member not in shards[shard]:
            raise DataSetError(f"{shard}: holds no picture of the name that the manifest gives")
        offset, size = shards[shard][member]
        found.append(PicturePlace(file=f"{folder}/{shard}", offset=offset, size=size))
    return found


def shard_members(root: Path, shard: str) -> list[str]:
    """Names of the regular files in a shard, in their order.

    Raises:
        DataSetError: As :func:`find_pictures`.
    """
    return list(_shard_index(root, shard))


def _shard_index(root: Path, shard: str) -> dict[str, tuple[int, int]]:
    index: dict[str, tuple[int, int]] = {}
    problem: str | None = None
    try:
        with (
            BufferedReader(open_regular(root / shard)) as file,
            tarfile.open(fileobj=file, mode="r:") as archive,
        ):
            for member in archive:
                if not member.isreg() or member.issparse():
                    continue
                if member.name in index:
                    problem = "holds two files of one name"
                index[member.name] = (member.offset_data, member.size)
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        problem = getattr(error, "strerror", None) or "is no uncompressed tar file, or damaged"
    if problem is not None:
        raise DataSetError(f"{shard}: {problem}")
    return index
