"""A key set in a local file, read again when it has changed."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ageassure.errors import ConfigurationError, KeySetUnavailableError
from ageassure.tokens.keys import MAX_KEY_SET_BYTES
from ageassure.verifier.jwks.source import KeySetResponse

FILE_FRESH_SECONDS: Final = 10

_NOT_IN_A_PATH: Final = re.compile(r"[?#]|[^!-~]", re.ASCII)
_READ_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def path_of(uri: str) -> str:
    """The absolute path in a URI as ``Path.as_uri`` writes it.

    Raises:
        ConfigurationError: If it names a host, has no absolute path, or has a query, a fragment, or
            a character that a URI cannot have.
    """
    path = ""
    if not _NOT_IN_A_PATH.search(uri):
        with suppress(ValueError):  # of a host in brackets that is no address
            parts = urlsplit(uri)
            path = "" if parts.netloc else url2pathname(parts.path)
    if not Path(path).is_absolute() or "\0" in path:
        raise ConfigurationError("got a malformed file URI, expected one like Path.as_uri() gives")
    return path


@final
class FileFetcher:
    """Reads the JWK Set that something else on this machine puts into a file.

    Replace the file by renaming another over it, else half of it may be read (which is refused,
    and tried again). A symbolic link is followed. Not checked: who may write the file; whoever can
    decides which keys are trusted.
    """

    __slots__ = ()

    def fetch(
        self,
        uri: str,
        *,
        etag: str | None,
        timeout_seconds: float,  # noqa: ARG002 - a local file is read at once
    ) -> KeySetResponse:
        """Read the file; unchanged if inode, size and time of change are.

        Raises:
            KeySetUnavailableError: If it cannot be read, is no regular file, or too large.
        """
        reason: str | None = None
        content: bytes | None = None
        version = ""
        try:
            descriptor = os.open(path_of(uri), _READ_FLAGS)
            try:
                status = os.fstat(descriptor)
                version = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
                if not stat.S_ISREG(status.st_mode):
                    reason = "the key set's path is no regular file"
                elif version != etag:
                    with os.fdopen(descriptor, "rb", closefd=False) as file:
                        content = file.read(MAX_KEY_SET_BYTES + 1)
            finally:
                os.close(descriptor)  # os.fdopen would leave a directory's open
        except OSError as error:
            reason = f"the key set's file cannot be read: {error.strerror}"
        if content is not None and len(content) > MAX_KEY_SET_BYTES:
            reason = f"the key set's file has more than {MAX_KEY_SET_BYTES} bytes"
        if reason is not None:
            raise KeySetUnavailableError(reason)
        return KeySetResponse(body=content, etag=version, max_age_seconds=FILE_FRESH_SECONDS)
