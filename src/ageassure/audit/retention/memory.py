"""The memory of other processes, through Linux's ``/proc``."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ageassure.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PROC: Final = Path("/proc")
_REGION: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ (\d+) *(.*)")
_KERNELS: Final = ("[vvar", "[vdso", "[vsyscall")
"""Parts that the kernel lays into every process; some cannot be read, none holds its data."""


def process_tree(root: int) -> list[int]:
    """The process and all its descendants."""
    parents: dict[int, int] = {}
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it ended meanwhile
            continue
        parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    tree = [root]
    for pid in tree:  # grows while it is walked
        tree += [child for child, parent in parents.items() if parent == pid]
    return tree


def has_ended(pid: int) -> bool:
    """Whether all its threads have ended, so that the system has its memory and files back.

    It may still be listed, until its parent takes leave of it.
    """
    states = set()
    with suppress(OSError):  # it is not even listed
        for task in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):  # this one ended meanwhile
                stat = (task / "stat").read_text(encoding="utf-8", errors="replace")
                states.add(stat.rpartition(")")[2].split()[0])
    return states <= {"Z", "X"}


def held_memory(pid: int) -> Iterator[NDArray[np.uint8]]:
    """Every part of a process's memory that can hold what it computed.

    That is what can be written to or has no file behind it: heap, stacks, anonymous and shared
    mappings, files in memory and deleted ones, the variables of libraries; not the read-only parts
    of other files.

    Raises:
        ConfigurationError: If it may not be read: another user's process, or one that is not
            dumpable, is shown to root alone.
    """
    try:
        maps = _maps(pid)
        memory = os.open(_PROC / str(pid) / "mem", os.O_RDONLY)
    except OSError as error:
        reason = error.strerror
    else:
        try:
            yield from _regions(pid, memory, maps)
            return
        except OSError as error:
            reason = error.strerror
        finally:
            os.close(memory)
    raise ConfigurationError(f"the memory of the watched process cannot be read: {reason}")


def _regions(pid: int, memory: int, maps: str) -> Iterator[NDArray[Any]]:
    for first, last, rights, inode, name in _REGION.findall(maps):
        if "r" not in rights or name.startswith(_KERNELS):
            continue
        if "w" not in rights and inode != "0" and not _made_by_processes(name):
            continue
        start, size = int(first, 16), int(last, 16) - int(first, 16)
        region = _read(memory, start, size)
        if region is not None:
            yield region
        elif f"{first}-{last} " in _maps(pid):
            raise OSError(0, "a part of it cannot be read")
        # Else the process has given it back since, and with it what was in it.


def _made_by_processes(name: str) -> bool:
    return name.endswith(" (deleted)") or name.startswith("/dev/shm/")  # noqa: S108 - read only


def _maps(pid: int) -> str:
    return (_PROC / str(pid) / "maps").read_text(encoding="utf-8", errors="replace")


def _read(memory: int, start: int, size: int) -> NDArray[Any] | None:
    region = np.empty(size, np.uint8)
    done = 0
    while done < size:
        try:
            count = os.preadv(memory, [region[done:].data], start + done)
        except OSError:
            return None
        if count == 0:
            return None
        done += count
    return region
