"""The shipped facial estimator on real pictures: a portrait, things that are no face, and junk."""

from __future__ import annotations

import itertools
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from ageassure.errors import EvidenceError, FaceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.inference import session

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PORTRAIT_YEARS = (22, 36)
"""Where the estimate for the portrait may lie. It says that the chain works as it did, and
nothing of how good it is: one picture measures nothing."""


@cache
def shipped() -> FacialAgeEstimator:
    return FacialAgeEstimator()


def example(name: str) -> NDArray[np.uint8]:
    """One of scikit-image's pictures as RGB; the portrait ``astronaut`` is in the public domain."""
    pixels: NDArray[Any] = getattr(skimage.data, name)()
    if pixels.dtype != np.uint8:
        pixels = (pixels * 255).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=-1)
    return np.ascontiguousarray(pixels[..., :3], dtype=np.uint8)


def encoded(pixels: NDArray[np.uint8], kind: str, *options: int) -> bytes:
    return cv2.imencode(kind, np.ascontiguousarray(pixels[..., ::-1]), options)[1].tobytes()


def years(evidence: Any) -> float:
    return shipped().estimate(evidence).mean_years


def resized(pixels: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=method).astype(np.uint8)


def turned(pixels: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return cv2.warpAffine(pixels, matrix, (width, height)).astype(np.uint8)


def test_the_portrait_is_estimated() -> None:
    estimate = shipped().estimate(example("astronaut"))
    assert PORTRAIT_YEARS[0] < estimate.mean_years < PORTRAIT_YEARS[1]
    assert estimate.probability_at_or_over(10) > 0.9
    assert estimate.probability_at_or_over(80) < 0.05
    low, high = estimate.interval(0.9)
    assert high - low >= 10


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_a_lossless_file_gives_exactly_the_same(kind: str) -> None:
    portrait = example("astronaut")
    options = (cv2.IMWRITE_WEBP_QUALITY, 101) if kind == ".webp" else ()
    assert years(encoded(portrait, kind, *options)) == years(portrait)


@pytest.mark.parametrize(
    ("kind", "option"),
    [(".jpg", cv2.IMWRITE_JPEG_QUALITY), (".webp", cv2.IMWRITE_WEBP_QUALITY)],
)
def test_a_lossy_file_gives_nearly_the_same(kind: str, option: int) -> None:
    portrait = example("astronaut")
    assert years(encoded(portrait, kind, option, 90)) == pytest.approx(years(portrait), abs=0.5)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.5, 2, 4])
def test_the_pictures_size_matters_little(factor: float) -> None:
    portrait = example("astronaut")
    assert years(resized(portrait, factor)) == pytest.approx(years(portrait), abs=1.5)


@pytest.mark.parametrize("degrees", [-20, -10, 10, 20])
def test_a_turned_head_is_turned_back(degrees: float) -> None:
    portrait = example("astronaut")
    assert years(turned(portrait, degrees)) == pytest.approx(years(portrait), abs=3)


def test_the_mirror_image_is_nearly_as_old() -> None:
    portrait = example("astronaut")
    assert years(portrait[:, ::-1]) == pytest.approx(years(portrait), abs=4)


def test_a_face_in_a_large_picture_is_found() -> None:
    portrait = example("astronaut")
    wide = np.full((1400, 2000, 3), 90, dtype=np.uint8)
    wide[500:1012, 900:1412] = portrait
    assert years(wide) == pytest.approx(years(portrait), abs=4)


def test_a_small_face_is_found_by_the_other_detector() -> None:
    portrait = resized(example("astronaut"), 0.5)
    wide = np.full((700, 1000, 3), 90, dtype=np.uint8)
    wide[200:456, 300:556] = portrait
    assert years(wide) == pytest.approx(years(portrait), abs=4)


def test_several_faces_are_refused() -> None:
    with pytest.raises(FaceError) as caught:
        years(np.hstack([example("astronaut")] * 2))
    assert caught.value.code == "several_faces"


def noise(kind: str) -> NDArray[np.uint8]:
    random = np.random.default_rng(7).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    pictures = {
        "black": np.zeros((480, 640, 3), dtype=np.uint8),
        "grey": np.full((480, 640, 3), 128, dtype=np.uint8),
        "white": np.full((480, 640, 3), 255, dtype=np.uint8),
        "noise": random,
        "blobs": cv2.resize(random[:9, :12], (640, 480), interpolation=cv2.INTER_CUBIC),
        "clouds": cv2.GaussianBlur(random, (0, 0), 9),
    }
    return pictures[kind].astype(np.uint8)


@pytest.mark.parametrize("kind", ["black", "grey", "white", "noise", "blobs", "clouds"])
def test_a_picture_of_nothing_has_no_face(kind: str) -> None:
    with pytest.raises(FaceError) as caught:
        years(noise(kind))
    assert caught.value.code == "no_face"


NO_FACES = [
    "brick",
    "checkerboard",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "colorwheel",
    "horse",
    "hubble_deep_field",
    "logo",
    "moon",
    "page",
    "retina",
    "rocket",
    "text",
]


@pytest.mark.parametrize("name", NO_FACES)
def test_a_picture_of_something_else_has_no_face(name: str) -> None:
    with pytest.raises(FaceError) as caught:
        years(example(name))
    assert caught.value.code == "no_face"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_junk_is_refused_with_our_errors(junk: bytes, start: int) -> None:
    magic = (b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP")[start]
    with pytest.raises(EvidenceError):
        years(magic + junk)


def test_every_prefix_of_a_file_is_refused_or_read() -> None:
    data = encoded(resized(example("astronaut"), 0.5), ".jpg")
    for length in range(0, len(data), len(data) // 12):
        with pytest.raises(EvidenceError):
            years(data[:length])


def test_threads_get_the_numbers_of_one() -> None:
    portrait = example("astronaut")
    pictures = [portrait, turned(portrait, 8), resized(portrait, 0.6), portrait[:, ::-1].copy()]
    alone = [years(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(years, pictures * 6))
    assert together == alone * 6


def test_another_optimisation_of_the_networks_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    portrait = example("astronaut")
    pictures = [portrait, turned(portrait, 8), resized(portrait, 0.6), portrait[:, ::-1].copy()]
    before = [years(picture) for picture in pictures]
    original = session._options

    def plain() -> Any:
        options = original()
        levels = type(options.graph_optimization_level)
        options.graph_optimization_level = levels.ORT_DISABLE_ALL
        options.intra_op_num_threads = 2
        return options

    monkeypatch.setattr(session, "_options", plain)
    other = FacialAgeEstimator()
    for picture, expected in zip(pictures, before, strict=True):
        assert other.estimate(picture).mean_years == pytest.approx(expected, abs=1e-4)


WATCHED = """
import sys
from importlib.resources import files
data = bytearray((files("skimage.data") / "astronaut.png").read_bytes())
from ageassure.estimators import FacialAgeEstimator
def watch(event, arguments):
    if event.startswith(("socket.", "urllib.", "subprocess.", "os.exec", "os.posix_spawn")):
        raise SystemExit(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(watch)
estimator = FacialAgeEstimator()
assert estimator.estimate(data).mean_years > 0
assert not any(data)
"""


def test_nothing_is_written_sent_or_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        env=os.environ
        | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# What is stored so that a viewer who applies the orientation sees the picture (EXIF 2.32, 4.6.4 A).
STORED: dict[int, Any] = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}


def tiff(orientation: int) -> bytes:
    return b"MM\0*" + struct.pack(">IHHHIHxxI", 8, 1, 0x0112, 3, 1, orientation, 0)


def oriented(kind: str, orientation: int) -> bytes:
    file = encoded(np.ascontiguousarray(STORED[orientation](example("astronaut"))), kind)
    if kind == ".png":
        chunk = b"eXIf" + tiff(orientation)
        block = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        return file[:33] + block + file[33:]
    exif = b"Exif\0\0" + tiff(orientation)
    return file[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + file[2:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_in_every_orientation_a_png_is_exactly_as_old(orientation: int) -> None:
    assert years(oriented(".png", orientation)) == years(example("astronaut"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_in_every_orientation_a_jpeg_is_nearly_as_old_with_the_same_outcome(
    orientation: int,
) -> None:
    """Of one portrait of 512 pixels, encoded at OpenCV's quality of 95.

    Every orientation is encoded anew, with its blocks elsewhere: that, not the turning, is what
    moves the estimate, and it moves further where pictures are smaller or quality is lower.
    """
    upright = shipped().estimate(oriented(".jpg", 1))
    turned_file = shipped().estimate(oriented(".jpg", orientation))
    assert turned_file.mean_years == pytest.approx(upright.mean_years, abs=0.5)
    asked = itertools.product((18, 21), (0.05, 0.01))
    bars = [shipped().challenge_age(limit, alpha=alpha).age_years for limit, alpha in asked]
    # A picture that lies on a bar may fall to either side of it.
    bars = [bar for bar in bars if abs(upright.mean_years - bar) > 0.5]
    assert bars
    for bar in bars:
        assert (turned_file.mean_years >= bar) == (upright.mean_years >= bar)
