"""Pictures made to cost much, taken as a service takes them: ended in time, in silence."""

from __future__ import annotations

import asyncio
import os
import struct
import time
import zlib
from typing import Any

import cv2
import pytest

from ageassure.errors import DeadlineError, PictureError
from ageassure.estimators import FacialAgeEstimator
from ageassure.threads import AssessmentThreads


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, stream: bytes) -> bytearray:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND")
    return bytearray(b"\x89PNG\r\n\x1a\n" + chunks)


def bomb() -> bytearray:
    """A sound picture of 64 × 64 pixels, and ten thousand million zeros in the same stream."""
    rows = b"".join(b"\0" + os.urandom(64 * 3) for _ in range(64))
    deflater = zlib.compressobj(9)
    start = deflater.compress(rows) + deflater.flush(zlib.Z_FULL_FLUSH)
    million = deflater.compress(bytes(1_000_000)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return png(64, 64, start + 10_000 * million)


def assessed(picture: bytearray, timeout_seconds: float) -> float:
    """Wall-clock seconds until the answer."""
    estimator = FacialAgeEstimator()
    with AssessmentThreads(threads=1) as threads:
        begun = time.perf_counter()
        try:
            asyncio.run(threads.run(estimator.estimate, picture, timeout_seconds=timeout_seconds))
        finally:
            spent = time.perf_counter() - begun
            assert not any(picture)
    return spent


def test_a_bomb_is_refused_long_before_its_deadline(capfd: Any) -> None:
    picture = bomb()
    assert len(picture) > 9_000_000
    begun = time.process_time()
    with pytest.raises(PictureError) as caught:
        assessed(picture, 60.0)
    assert caught.value.code == "picture_malformed"
    assert time.process_time() - begun < 3  # the models are loaded in it
    assert capfd.readouterr() == ("", "")


def test_a_large_picture_is_ended_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.delattr(cv2, "imdecode")
    picture = png(6000, 4000, zlib.compress(bytes(4000 * (1 + 6000 * 3))))
    with pytest.raises(DeadlineError):
        assessed(picture, 0.02)
    assert capfd.readouterr() == ("", "")
