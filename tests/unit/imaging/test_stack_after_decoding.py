"""What a decoder leaves on the stack is overwritten, too, where no frame comes of it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from ageassure.errors import DeadlineError, PictureError
from ageassure.imaging import decode, decoding

NOISE = np.random.default_rng(3).integers(0, 256, (100, 100, 3), np.uint8)
FILE = cv2.imencode(".webp", np.full((100, 100, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture
def wiped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    wiped: list[str] = []
    monkeypatch.setattr(decoding, "wipe_stack", lambda: wiped.append("stack"))
    return wiped


def test_one_who_is_stopped_right_after_the_decoder(
    monkeypatch: pytest.MonkeyPatch, wiped: list[str]
) -> None:
    decoded = decoding._decoded

    def stop() -> None:
        raise DeadlineError("over")

    def and_stopped(*arguments: Any) -> object:
        pixels = decoded(*arguments)
        monkeypatch.setattr(decoding, "checkpoint", stop)
        return pixels

    monkeypatch.setattr(decoding, "_decoded", and_stopped)
    with pytest.raises(DeadlineError):
        decode(FILE)
    assert wiped == ["stack"]


def test_a_file_that_the_decoder_cannot_finish(wiped: list[str]) -> None:
    jpeg = bytearray(cv2.imencode(".jpg", NOISE)[1].tobytes())
    jpeg[len(jpeg) // 2 : -2] = b"\xff\x00" * (len(jpeg[len(jpeg) // 2 : -2]) // 2)
    with pytest.raises(PictureError, match="cannot be decoded"):
        decode(jpeg)
    assert wiped == ["stack"]


def test_a_frame_does_it_itself(wiped: list[str]) -> None:
    decode(FILE).wipe()
    assert wiped == []
