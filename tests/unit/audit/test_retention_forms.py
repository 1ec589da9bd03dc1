"""The forms in which a picture is searched for are those that decoders and pipeline make."""

from __future__ import annotations

import base64
from functools import cache

import cv2
import numpy as np
import pytest

from ageassure.audit.retention.forms import picture_forms
from ageassure.audit.retention.pictures import VARIANTS, Encoding, make_picture
from ageassure.audit.retention.scenes import Scene
from ageassure.estimators.facial.pipeline import FacialPipeline
from ageassure.imaging import decode


@cache
def pipeline() -> FacialPipeline:
    return FacialPipeline.shipped()


@pytest.mark.parametrize("encoding", Encoding)
def test_the_file_is_searched_for_without_its_tables(encoding: Encoding) -> None:
    picture = make_picture(Scene.NO_FACE, encoding, 96, seed=1)
    payload = picture_forms(picture, pipeline()).texts["file"]
    assert len(payload) > 0.7 * len(picture.file)
    if "jpeg" in encoding:
        tables = [part[:20] for part in picture.file.split(b"\xff\xc4")[1:]]
        assert tables
        assert not any(table in payload for table in tables)
    assert payload[-100:-40] in picture.file


def test_base64_begins_where_the_picture_does() -> None:
    picture = make_picture(Scene.NO_FACE, Encoding.WEBP, 96, seed=1)
    assert picture_forms(picture, pipeline()).texts["file in base64"] in base64.b64encode(
        picture.file
    )


@pytest.mark.parametrize("encoding", Encoding)
def test_a_log_of_the_whole_file_shows_what_is_searched_for(encoding: Encoding) -> None:
    picture = make_picture(Scene.NO_FACE, encoding, 96, seed=1)
    shown = picture_forms(picture, pipeline()).texts["file as Python shows it"].decode()
    assert shown[-200:-100] in repr(bytearray(picture.file))
    assert shown[-200:-100] in repr({"body": picture.file})


def test_pixels_are_searched_for_in_every_order() -> None:
    picture = make_picture(Scene.NO_FACE, Encoding.PNG, 80, seed=2)
    with decode(picture.file) as frame:
        pixels = frame.pixels.copy()
    forms = picture_forms(picture, pipeline()).texts
    assert forms["full rgb"] == pixels.tobytes()
    assert forms["full bgr"] == pixels[..., ::-1].tobytes()
    assert forms["full channels"][: 80 * 80] == pixels[..., 0].tobytes()
    assert forms["full rgba"][:4] == bytes([*pixels[0, 0].tolist(), 255])
    assert forms["full grey"] == cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).tobytes()
    row = pixels[0].astype(np.float32)
    assert forms["full float 0…255 rgb"].startswith(row.tobytes())
    assert forms["full float 0…1 bgr"].startswith((row / np.float32(255))[:, ::-1].tobytes())
    assert forms["full float -1…1 channels"].startswith(
        (row[:, 0] / np.float32(127.5) - np.float32(1)).tobytes()
    )
    # PNG's rows begin with their filter's number (third edition, 9.2).
    assert len(forms["filtered rows"]) == 80 * (80 * 3 + 1)


def test_what_the_pipeline_makes_of_a_face_is_searched_for() -> None:
    picture = make_picture(Scene.ONE_FACE, Encoding.JPEG, 512, seed=3)
    names = " ".join(picture_forms(picture, pipeline()).texts)
    for shape in ("(1, 3, 128, 128)", "(192, 192, 3)", "(3, 64, 64)", "(2, 3, 96, 96)"):
        assert shape in names


def test_a_large_jpeg_is_searched_for_at_both_sizes_in_blocks() -> None:
    picture = make_picture(Scene.NO_FACE, Encoding.JPEG, 1920, seed=4)
    found = picture_forms(picture, pipeline())
    forms = found.texts
    assert {"full rgb", "decoded rgb"} <= set(forms)
    assert max(map(len, forms.values())) == 256 * 1024
    assert found.coverage.least_share < 0.01  # of 1,920 by 1,920 float32
    assert found.coverage.found_from_bytes < 3 * 1920 * 3 * 4  # three rows of it
    pixels = cv2.imdecode(np.frombuffer(picture.file, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    assert forms["full rgb"][-128:] == pixels.tobytes()[-128:]


def test_two_pictures_are_unlike() -> None:
    files = {make_picture(Scene.ONE_FACE, Encoding.PNG, 96, seed=seed).file for seed in (1, 2, 2)}
    assert len(files) == 2


@pytest.mark.parametrize("encoding", sorted(VARIANTS))
def test_variants_are_searched_for_as_they_are_stored_too(encoding: Encoding) -> None:
    picture = make_picture(Scene.NO_FACE, encoding, 80, seed=5)
    forms = picture_forms(picture, pipeline()).texts
    stored = cv2.imdecode(np.frombuffer(picture.file, np.uint8), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.dtype == (np.uint16 if encoding is Encoding.DEEP else np.uint8)
    assert stored.shape[2] == (4 if encoding is Encoding.ALPHA else 3)
    assert forms["stored bgr"] == stored.tobytes()
    assert forms["stored rgb"][: stored.itemsize] == stored[0, 0, 2:3].tobytes()


def test_a_turned_picture_is_the_same_one_to_a_decoder() -> None:
    turned = make_picture(Scene.ONE_FACE, Encoding.TURNED, 96, seed=6)
    plain = make_picture(Scene.ONE_FACE, Encoding.JPEG, 96, seed=6)
    with decode(turned.file) as one, decode(plain.file) as other:
        assert np.abs(one.pixels.astype(int) - other.pixels).mean() < 8
