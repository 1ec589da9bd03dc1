"""What the pictures cost that the bounds of decoding let through: CPU time and resident memory.

For each kind a file is made, near to its bounds in pixels and bytes, and decoded as an estimator
has it decoded, in a process of its own that does nothing else, three times over::

    python benchmarks/picture_bounds.py

The least CPU time counts, and the greatest peak of resident memory above what the process held when
the file was read. Decoding is the longest stage, for whose end a deadline waits. Linux only.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from hostile_pictures import many_scans, noisy, png

from ageassure.imaging import decode
from ageassure.imaging.header import (
    MAX_ASPECT,
    MAX_DECODED_BYTES,
    MAX_FILE_BYTES,
    MAX_PIXELS,
    MAX_SCANS,
    MAX_SIDE_PIXELS,
    MIN_SIDE_PIXELS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULTS: Final = Path(__file__).parent / "results" / "picture_bounds.json"
RUNS: Final = 3
SIDES: Final = (6000, 4000)
TRANSVERSE: Final = 7
"""EXIF's orientation that has the pixels both transposed and mirrored."""

Json = dict[str, Any]


def encoded(
    extension: str, options: Sequence[int], *, noise: int, alpha: bool = False
) -> Callable[[], bytes]:
    def make() -> bytes:
        pixels = noisy(*SIDES, 3, noise)
        if alpha:
            pixels = np.dstack([pixels, noisy(*SIDES, 1, 0)])
        return cv2.imencode(extension, pixels, list(options))[1].tobytes()

    return make


def lossless_webp() -> bytes:
    """With two bits of noise a pixel, of which three would be too many bytes."""
    pixels = noisy(*SIDES, 4, 1)
    pixels[..., 0] = pixels[..., 1]
    pixels[..., 3] = pixels[..., 2]
    return cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()


PROGRESSIVE: Final = (cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)

KINDS: Final[dict[str, Callable[[], bytes]]] = {
    "JPEG": encoded(".jpg", (cv2.IMWRITE_JPEG_QUALITY, 90), noise=24),
    "progressive JPEG": encoded(".jpg", PROGRESSIVE, noise=24),
    "progressive JPEG in as many scans as may be": lambda: many_scans(8184, 2928, MAX_SCANS),
    "PNG": lambda: png(*SIDES, depth=8, colour=2, noise_every=17),
    "PNG with alpha": lambda: png(*SIDES, depth=8, colour=6, noise_every=26),
    "PNG with alpha, interlaced, to be turned": lambda: png(
        *SIDES, depth=8, colour=6, noise_every=26, interlaced=True, orientation=TRANSVERSE
    ),
    "PNG of 16 bits, interlaced, to be turned": lambda: png(
        *SIDES, depth=16, colour=2, noise_every=41, interlaced=True, orientation=TRANSVERSE
    ),
    "PNG of 16 bits with alpha, interlaced, to be turned": lambda: png(
        4000, 3000, depth=16, colour=6, noise_every=26, interlaced=True, orientation=TRANSVERSE
    ),
    "WebP": encoded(".webp", (cv2.IMWRITE_WEBP_QUALITY, 80), noise=48),
    "WebP with alpha": encoded(".webp", (cv2.IMWRITE_WEBP_QUALITY, 80), noise=48, alpha=True),
    "WebP, lossless, with alpha": lossless_webp,
}


def _peak_kilobytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


def decoded(path: Path) -> Json:
    """Decode one file, in this process."""
    file = bytearray(path.read_bytes())
    before = _peak_kilobytes()
    begun = time.process_time()
    with decode(file) as frame:
        spent = time.process_time() - begun
        height, width, _ = frame.pixels.shape
    return {
        "cpu_ms": round(spent * 1000),
        "peak_mib": round((_peak_kilobytes() - before) / 1024),
        "decoded": f"{width} × {height}",
    }


def measured(name: str, folder: Path) -> Json:
    file = KINDS[name]()
    if not 0 < len(file) <= MAX_FILE_BYTES:
        raise SystemExit(f"{name}: got {len(file)} bytes, expected at most {MAX_FILE_BYTES}")
    path = folder / "picture"
    path.write_bytes(file)
    command = [sys.executable, __file__, "--decode", str(path)]
    runs = [json.loads(subprocess.check_output(command)) for _ in range(RUNS)]
    return {
        "file_bytes": len(file),
        "decoded": runs[0]["decoded"],
        "decode_cpu_ms": min(run["cpu_ms"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
    }


def main() -> None:
    if sys.argv[1:2] == ["--decode"]:
        print(json.dumps(decoded(Path(sys.argv[2]))))
        return
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    document: Json = {
        "command": "python benchmarks/picture_bounds.py",
        "circumstances": {
            "processor": next(s.partition(": ")[2] for s in lines if s.startswith("model name")),
            "processors": os.cpu_count(),
            "load_average_before": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            "opencv": version("opencv-python-headless"),
            "simplejpeg": version("simplejpeg"),
        },
    }
    document["bounds"] = {
        "file_bytes": MAX_FILE_BYTES,
        "side_pixels": [MIN_SIDE_PIXELS, MAX_SIDE_PIXELS],
        "pixels": MAX_PIXELS,
        "decoded_bytes": MAX_DECODED_BYTES,
        "aspect": MAX_ASPECT,
        "scans": MAX_SCANS,
    }
    with TemporaryDirectory() as name:
        document["pictures"] = {kind: measured(kind, Path(name)) for kind in KINDS}
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
