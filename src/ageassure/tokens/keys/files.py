"""Private keys on disk: readable by their owner alone, never overwritten."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import BufferedReader
from typing import Final

from ageassure.errors import KeySetError
from ageassure.files import open_regular

MAX_KEY_FILE_BYTES: Final = 64 * 1024

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def write_private_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a new file that only its owner can read.

    Made with ``O_CREAT | O_EXCL`` and mode 0600, so that it is never readable by others, not even
    for a moment, and that neither an existing file nor a symbolic link is followed or replaced.
    On Windows the mode has no such effect: there the folder's access list decides who can read it.

    Raises:
        KeySetError: If the path exists, or the file cannot be written; nothing is left behind.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    reason: str | None = None
    created = False
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            created = True
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, ValueError, TypeError) as error:
        reason = reason_of(error)
        if created:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - the path may be any PathLike
    if reason is not None:
        raise KeySetError(f"cannot write a new key file: {reason}")


def read_private_file(path: str | os.PathLike[str]) -> bytes:
    """Read a file of at most 64 KiB that only its owner can read.

    A symbolic link is followed; what counts is the file that was opened. Not checked: who owns
    it, the folders above it, and on Windows the access list. Where the platform guards the key in
    another way (mounted secrets), read the bytes yourself and use ``SigningKey.from_pem``.

    Raises:
        KeySetError: If the file cannot be read, is no regular file, too large, or on POSIX
            accessible to its group or to others.
    """
    reason: str | None = None
    content = b""
    try:
        with BufferedReader(open_regular(path)) as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                reason = "its group or others have access to it; set its mode to 0600"
            else:
                content = file.read(MAX_KEY_FILE_BYTES + 1)
    except (OSError, ValueError, TypeError) as error:
        reason = reason_of(error)
    if len(content) > MAX_KEY_FILE_BYTES:
        reason = f"it has more than {MAX_KEY_FILE_BYTES} bytes"
    if reason is not None:
        raise KeySetError(f"cannot use the key file {path}: {reason}")
    return content


def reason_of(error: Exception) -> str:
    """Why a file cannot be used: the operating system's words, which hold no path."""
    return getattr(error, "strerror", None) or "not a path"
