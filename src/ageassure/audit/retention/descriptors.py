"""What the open files of other processes hold, through Linux's ``/proc``.

A file in memory (``memfd_create``), one that was deleted or one that is open for writing can hold a
picture that is mapped nowhere. Such files are read like memory. What waits in pipes is counted, not
read; what waits in sockets cannot be told from outside.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.audit.retention.search import RUN_BYTES
from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Identity = tuple[int, int]
"""Device and inode: the same in every process that has the file open."""

_PROC: Final = Path("/proc")
_PIECE_BYTES: Final = 32 * 1024 * 1024
_GONE: Final = (errno.ENOENT, errno.ESRCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """One descriptor of a process.

    Attributes:
        path: Its link below ``/proc``.
        mode: As ``stat`` tells it.
        identity: Of the file.
        writable: Whether it is open for writing.
        unlinked: Whether no folder has it: it was deleted, or is one in memory.
    """

    path: Path
    mode: int
    identity: Identity
    writable: bool
    unlinked: bool

    @property
    def keeps(self) -> bool:
        """Whether it is a file that the process can have put something into."""
        return stat.S_ISREG(self.mode) and (self.writable or self.unlinked)

    @property
    def hides(self) -> bool:
        """Whether it is a pipe in which a run's worth of bytes waits, or a socket."""
        return stat.S_ISSOCK(self.mode) or (
            stat.S_ISFIFO(self.mode) and _waiting(self.path) >= RUN_BYTES
        )


def open_files(pid: int) -> list[OpenFile]:
    """Every descriptor of a process.

    Raises:
        ConfigurationError: If they may not be looked at; as with
            :func:`~ageassure.audit.retention.memory.held_memory`.
    """
    found: list[OpenFile] = []
    try:
        for path in (_PROC / str(pid) / "fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                found.append(_open_file(path))
    except OSError as error:
        if error.errno in _GONE:  # the process has ended, and all of it with it
            return found
        reason = error.strerror
    else:
        return found
    raise ConfigurationError(f"the open files of the watched process cannot be seen: {reason}")


def _open_file(path: Path) -> OpenFile:
    seen = path.stat()
    info = (path.parents[1] / "fdinfo" / path.name).read_text(encoding="ascii")
    flags = next(line.split()[1] for line in info.splitlines() if line.startswith("flags:"))
    return OpenFile(
        path=path,
        mode=seen.st_mode,
        identity=(seen.st_dev, seen.st_ino),
        writable=int(flags, 8) & os.O_ACCMODE != os.O_RDONLY,
        unlinked=seen.st_nlink == 0,
    )


def contents(path: Path) -> Iterator[NDArray[np.uint8]]:
    """A file in pieces that overlap, so that no run is cut.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            start = 0
            while len(piece := os.pread(file.fileno(), _PIECE_BYTES + RUN_BYTES, start)):
                yield np.frombuffer(piece, np.uint8)
                start += _PIECE_BYTES
        return
    except OSError as error:
        if error.errno in _GONE:
            return
        reason = error.strerror
    raise ConfigurationError(f"an open file of the watched process cannot be read: {reason}")


def _waiting(path: Path) -> int:
    """Bytes in a pipe; opening it once more takes none of them."""
    try:
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return 0  # closed meanwhile
    except OSError:
        return RUN_BYTES  # what cannot be looked at may hold as much
    try:
        answer: Any = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    finally:
        os.close(pipe)
    count: int = struct.unpack("i", answer)[0]
    return count
