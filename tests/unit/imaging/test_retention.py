"""Nothing of a picture is left where this package could have left it."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image
from skimage import data as pictures

from ageassure.deadline import Deadline
from ageassure.errors import CalledOffError, MissingExtraError, PictureError
from ageassure.imaging import decode, decoding

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from numpy.typing import NDArray

ASTRONAUT: NDArray[Any] = pictures.astronaut()[  # type: ignore[no-untyped-call]
    :80, :96
]
GOOD = {
    extension: cv2.imencode(extension, ASTRONAUT)[1].tobytes()
    for extension in (".jpg", ".png", ".webp")
}
BAD = {"cut": GOOD[".jpg"][:-2], "foreign": b"GIF89a" + GOOD[".png"], "empty canvas": b"\0" * 99}


@pytest.mark.parametrize("name", [*GOOD, *BAD])
@pytest.mark.parametrize("view", [False, True])
def test_a_writable_file_is_wiped_whatever_happens(name: str, view: bool) -> None:
    held = bytearray({**GOOD, **BAD}[name])
    size = len(held)
    try:
        frame = decode(memoryview(held) if view else held)
    except PictureError:
        assert name in BAD
    else:
        assert frame.pixels.any()
    assert held == bytes(size)
    held.append(1)  # no view of it is held any more


def test_only_the_part_that_was_handed_over_is_wiped() -> None:
    held = bytearray(b"before" + GOOD[".png"] + b"after")
    decode(memoryview(held)[6:-5]).wipe()
    assert held == b"before" + bytes(len(GOOD[".png"])) + b"after"


def test_a_file_is_wiped_on_misuse_and_on_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    held = bytearray(GOOD[".png"])
    with pytest.raises(ValueError, match="long_side"):
        decode(held, long_side_pixels=0)
    assert not any(held)

    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(cv2, "imdecode", fails)
    held = bytearray(GOOD[".png"])
    with pytest.raises(PictureError, match="memory") as caught:
        decode(held)
    assert caught.value.code == "picture_too_large"
    assert not any(held)


def test_read_only_files_are_left_alone() -> None:
    data = bytes(GOOD[".png"])
    decode(data).wipe()
    decode(memoryview(data)).wipe()
    assert data == GOOD[".png"]


def transverse_with_alpha() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 7
    out = io.BytesIO()
    alpha = np.full(ASTRONAUT.shape[:2], 200, np.uint8)
    Image.fromarray(np.dstack([ASTRONAUT, alpha])).save(out, "PNG", exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("data", [*GOOD.values(), transverse_with_alpha()])
def test_every_buffer_on_the_way_is_wiped(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[NDArray[Any]] = []

    def spy(name: str) -> None:
        original = getattr(cv2, name)

        def call(*arguments: Any) -> Any:
            result = original(*arguments)
            seen.extend([arguments[0], result])
            return result

        monkeypatch.setattr(cv2, name, call)

    for name in ("imdecode", "transpose", "flip"):
        spy(name)
    decode_jpeg = simplejpeg.decode_jpeg

    def spy_jpeg(file: bytearray, **options: Any) -> Any:
        seen.append(np.frombuffer(file, np.uint8))
        return decode_jpeg(file, **options)

    monkeypatch.setattr(simplejpeg, "decode_jpeg", spy_jpeg)
    empty = np.empty

    def spy_empty(*arguments: Any, **options: Any) -> Any:
        seen.append(empty(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(np, "empty", spy_empty)
    frame = decode(data)
    left = [array for array in seen if array.any()]
    assert all(np.shares_memory(array, frame.pixels) for array in left)
    frame.wipe()
    assert len(seen) >= 2
    assert not any(array.any() for array in seen)


def test_buffers_are_wiped_when_the_pixels_are_not_what_the_header_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = np.full((10, 10, 3), 9, np.uint8)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: other)
    with pytest.raises(PictureError):
        decode(GOOD[".png"])
    assert not other.any()


@pytest.mark.parametrize("data", [*GOOD.values(), transverse_with_alpha()])
def test_a_deadline_after_decoding_leaves_nothing(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[NDArray[Any]] = []
    deadline = Deadline()
    decode_pixels: Any = decoding._decoded

    def spy(*arguments: Any) -> Any:
        decoded.append(decode_pixels(*arguments))
        assert decoded[0].any()
        deadline.call_off()
        return decoded[0]

    monkeypatch.setattr(decoding, "_decoded", spy)
    held = bytearray(data)
    with deadline, pytest.raises(CalledOffError) as caught:
        decode(held)
    assert not decoded[0].any()
    assert not any(held)
    assert caught.value.__context__ is None
    inside = [frame.f_code.co_name for frame in frames_of(caught.value.__traceback__)]
    assert inside[1:] == ["decode"]


def test_a_deadline_while_transparency_is_laid_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[NDArray[Any]] = []
    deadline = Deadline()
    flatten = decoding._flatten

    def spy(pixels: NDArray[Any], flat: NDArray[np.uint8]) -> None:
        flat.fill(9)
        made.extend([pixels, flat])
        deadline.call_off()
        flatten(pixels, flat)

    monkeypatch.setattr(decoding, "_flatten", spy)
    with deadline, pytest.raises(CalledOffError):
        decode(transverse_with_alpha())
    assert len(made) == 2
    assert not any(array.any() for array in made)


@pytest.mark.parametrize("step", ["transpose", "flip"])
def test_buffers_are_wiped_when_a_later_step_fails(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[NDArray[Any]] = []

    def fails(*arguments: Any) -> None:
        seen.append(arguments[0])
        assert seen[0].any()
        raise cv2.error("out of memory")

    monkeypatch.setattr(cv2, step, fails)
    with pytest.raises(PictureError):
        decode(transverse_with_alpha())
    assert not seen[0].any()


def frames_of(traceback: TracebackType | None) -> list[FrameType]:
    found = []
    while traceback:
        found.append(traceback.tb_frame)
        traceback = traceback.tb_next
    return found


@pytest.mark.parametrize("fault", ["header", "decoder", "decoder's own error", "jpeg", "array"])
def test_an_error_keeps_nothing_of_the_picture(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence: Any = GOOD[".png"]
    if fault == "header":
        evidence = BAD["cut"]
    elif fault == "decoder":
        monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    elif fault == "jpeg":
        evidence = GOOD[".jpg"]
        monkeypatch.setattr(decoding, "decode_jpeg", lambda *_, **__: None)
    elif fault == "array":
        evidence = ASTRONAUT.astype(np.int16)
    else:

        def fails(*_: object) -> None:
            raise cv2.error("boom")

        monkeypatch.setattr(cv2, "imdecode", fails)
    with pytest.raises(PictureError) as caught:
        decode(evidence)
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    inside = [
        frame for frame in frames_of(error.__traceback__) if "imaging/d" in frame.f_code.co_filename
    ]
    assert [frame.f_code.co_name for frame in inside] == ["decode"]
    held = [
        value
        for value in inside[0].f_locals.values()
        if isinstance(value, bytes | bytearray | memoryview | np.ndarray)
    ]
    assert held == []
    assert not any(evidence is thing for thing in gc.get_referents(error))


def test_no_file_is_opened_and_no_host_asked() -> None:
    script = """
import sys
import numpy
from ageassure.errors import PictureError
from ageassure.imaging import decode, decoding
files = [bytes.fromhex(line) for line in sys.stdin.read().split()]
events = []
sys.addaudithook(lambda name, args: events.append(name))
for data in files:
    try:
        decode(data, long_side_pixels=40).wipe()
    except PictureError:
        pass
print([name for name in events if name.split(".")[0] in
       {"open", "os", "socket", "subprocess", "shutil", "tempfile", "urllib", "import", "ctypes"}])
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", script],
            input="\n".join(data.hex() for data in [*GOOD.values(), *BAD.values()]),
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
            env={**os.environ, "TMPDIR": folder, "OPENCV_TEMP_PATH": folder},
        )
        assert list(Path(folder).iterdir()) == []
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("module", ["cv2", "numpy", "simplejpeg"])
def test_without_the_extra_the_command_is_told(module: str) -> None:
    script = """
import sys
sys.modules[sys.argv[1]] = None
try:
    import ageassure.imaging
except Exception as error:
    print(type(error).__name__, error, error.__context__)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, module], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        f"MissingExtraError got no module '{module}', expected it: "
        "pip install 'ageassure[face]' None\n"
    )


def test_a_missing_module_is_told_in_this_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "ageassure.imaging.decoding")
    with pytest.raises(MissingExtraError, match="'cv2'"):
        import_module("ageassure.imaging.decoding")


def test_a_module_that_does_not_load_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "cv2":
                raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(sys, "meta_path", [Broken, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "cv2")
    monkeypatch.delitem(sys.modules, "ageassure.imaging.decoding")
    with pytest.raises(MissingExtraError, match="'cv2'"):
        import_module("ageassure.imaging.decoding")


def test_pixels_are_seen_by_the_callers_thread_alone() -> None:
    code = "import cv2; cv2.setNumThreads(4); import ageassure.imaging; print(cv2.getNumThreads())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space, as Linux does")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_too_little_memory_is_told_as_such_and_silently(suffix: str) -> None:
    script = """
import resource, sys
import cv2, numpy as np
from ageassure.errors import PictureError
from ageassure.imaging import decode
noise = np.random.default_rng(0).integers(0, 9, (3000, 3000, 1), np.uint8)
_, encoded = cv2.imencode(sys.argv[1], np.repeat(noise, 3, axis=2))
file = bytearray(encoded.tobytes())
del noise, encoded
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 16 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    decode(file, long_side_pixels=3000)
except PictureError as error:
    print(error.code, any(file))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, suffix], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("picture_too_large False\n", "")
