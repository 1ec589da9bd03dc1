"""Pixels as programs lay them out in memory: orders of channels, and usual normalisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from ageassure.audit.retention.sampling import BLOCK_BYTES, Sample, sample
from ageassure.audit.retention.search import RUN_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOAT_BYTES: Final = 4
_BLOCK_PIXELS: Final = BLOCK_BYTES // _FLOAT_BYTES
"""A block is as long where each channel lies by itself."""

_CHANNEL_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_CHANNEL_SD: Final = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet, with which many networks are fed."""


def pixel_samples(name: str, rgb: NDArray[np.uint8], most_bytes: int) -> dict[str, Sample]:
    """Pixels as RGB, BGR, with alpha, by channels and grey; and as float32.

    Args:
        name: What the forms' names begin with.
        rgb: uint8 ``[height, width, 3]``.
        most_bytes: To be looked for of each form.
    """
    alpha = np.full_like(rgb[..., :1], 255)
    layouts: dict[str, NDArray[Any]] = {
        "rgb": rgb,
        "bgr": rgb[..., ::-1],
        "rgba": np.concatenate([rgb, alpha], axis=2),
        "bgra": np.concatenate([rgb[..., ::-1], alpha], axis=2),
        "channels": rgb.transpose(2, 0, 1),
        "grey": np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)),
    }
    samples = {
        f"{name} {layout}": sample(np.ascontiguousarray(pixels).tobytes(), most_bytes)
        for layout, pixels in layouts.items()
    }
    return samples | _float_samples(name, rgb, most_bytes)


def _float_samples(name: str, rgb: NDArray[np.uint8], most_bytes: int) -> dict[str, Sample]:
    """Float32 of 0 … 255, 0 … 1, −1 … 1 and with ImageNet's mean and deviation.

    Only the pixels that are looked for are made floats.
    """
    pixels = rgb.reshape(-1, 3)
    pixel_bytes = 3 * _FLOAT_BYTES
    count = min(most_bytes // (_BLOCK_PIXELS * pixel_bytes), len(pixels) // _BLOCK_PIXELS)
    starts = np.linspace(0, len(pixels) - _BLOCK_PIXELS, count).astype(int)
    blocks = pixels[starts[:, None] + np.arange(_BLOCK_PIXELS)].astype(np.float32)
    distance = int(np.diff(starts).max())
    ranges = {
        "0…255": blocks,
        "0…1": blocks / np.float32(255),
        "-1…1": blocks / np.float32(127.5) - np.float32(1),
        "imagenet": (blocks / np.float32(255) - _CHANNEL_MEAN) / _CHANNEL_SD,
    }
    samples: dict[str, Sample] = {}
    for normalised, values in ranges.items():
        orders = {
            "rgb": (values, pixel_bytes),
            "bgr": (values[..., ::-1], pixel_bytes),
            "channels": (values.transpose(2, 0, 1), _FLOAT_BYTES),
        }
        for order, (laid_out, bytes_apart) in orders.items():
            samples[f"{name} float {normalised} {order}"] = Sample(
                parts=np.ascontiguousarray(laid_out).tobytes(),
                whole_bytes=pixels.size * _FLOAT_BYTES,
                distance_bytes=max(distance * bytes_apart, RUN_BYTES),
            )
    return samples
