"""What a decoder leaves on the stack is overwritten, too, where no frame comes of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ageassure.errors import DeadlineError
from ageassure.imaging import decode, decoding


def test_one_who_is_stopped_right_after_the_decoder_leaves_no_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wiped: list[str] = []
    decoded = decoding._decoded

    def and_stopped(*arguments: object) -> object:
        pixels = decoded(*arguments)  # type: ignore[arg-type]

        def stop() -> None:
            raise DeadlineError("over")

        monkeypatch.setattr(decoding, "checkpoint", stop)
        return pixels

    monkeypatch.setattr(decoding, "_decoded", and_stopped)
    monkeypatch.setattr(decoding, "wipe_stack", lambda: wiped.append("stack"))
    file = cv2.imencode(".webp", np.full((100, 100, 3), 90, np.uint8))[1].tobytes()
    with pytest.raises(DeadlineError):
        decode(file)
    assert wiped == ["stack"]
