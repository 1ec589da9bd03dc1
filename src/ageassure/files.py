"""Files that somebody names: no pipe is waited for, and no more is read than is asked for."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from io import FileIO

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""``O_NONBLOCK``: a pipe in the file's place must not block before it is refused."""


def open_regular(path: str | os.PathLike[str]) -> FileIO:
    """Open a file for reading, without a buffer of its own. A symbolic link is followed.

    Raises:
        OSError: If it cannot be opened, or is a folder, a pipe, a device or no path at all;
            ``strerror`` says which.
    """
    handle, reason = -1, "is not a path"
    with suppress(ValueError):  # a zero byte, or what no file system can encode
        handle = os.open(path, _FLAGS)
    if handle >= 0:
        mode = os.fstat(handle).st_mode
        if stat.S_ISREG(mode):
            return os.fdopen(handle, "rb", buffering=0)
        os.close(handle)
        reason = "is a folder" if stat.S_ISDIR(mode) else "is no regular file"
    raise OSError(errno.EINVAL, reason)


def read_at_most(path: str | os.PathLike[str], count: int) -> bytearray:
    """Read the first ``count`` bytes of a file into one buffer, of which there is no copy.

    Whoever takes ``n`` bytes asks for ``n + 1``, and refuses what comes back longer than ``n``.

    Raises:
        OSError: As :func:`open_regular`.
    """
    with open_regular(path) as file:
        content = bytearray(min(os.fstat(file.fileno()).st_size, count))
        done = 0
        with memoryview(content) as view:
            while done < len(view) and (more := file.readinto(view[done:])):
                done += more
        del content[done:]  # the file was cut short meanwhile
    return content
