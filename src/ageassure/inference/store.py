"""Reading model files: once, and only those whose digest is pinned.

The files lie in the distribution ``ageassure-models``. The digests lie in this package's code
(:mod:`ageassure.inference.pinned`): a manifest beside a file stops accidents, not somebody who
edits both.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ageassure.deadline import checkpoint
from ageassure.errors import ConfigurationError, MissingExtraError, ModelIntegrityError
from ageassure.files import read_at_most
from ageassure.inference.manifest import ModelManifest
from ageassure.inference.pinned import MODEL_IDS, PINNED
from ageassure.inference.session import Session

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

MANIFEST: Final = "model.toml"
MAX_FILE_BYTES: Final = 1_000_000_000
"""Largest file of a model; ours have at most 22 MB."""


class Model:
    """A network with its manifest; may be shared by threads.

    Made by :func:`load_model` and :func:`load_supplied_model`, which check digests.

    Args:
        manifest: What it is.
        model: The ONNX file's bytes.

    Raises:
        ModelIntegrityError: If the bytes are not the manifest's, in number or digest, or the
            network breaks the contract that the manifest declares.
    """

    def __init__(self, manifest: ModelManifest, model: bytes) -> None:
        _demand_digest(model, manifest.file_sha256, manifest.file_name)
        if len(model) != manifest.file_bytes:
            raise ModelIntegrityError(
                f"the manifest says another size of {manifest.file_name!r} than it has"
            )
        self.manifest = manifest
        self._session = Session(model, takes=manifest.input, gives=manifest.outputs)
        self._mean = np.array(manifest.mean, dtype=np.float32)[:, None, None]
        self._factor = np.float32(1 / manifest.divisor)

    def normalised(self, image: NDArray[np.uint8 | np.float32]) -> NDArray[np.float32]:
        """Bring RGB ``[H, W, 3]`` of 0 … 255 to the network's range, float32 ``[3, H, W]``."""
        if self.manifest.colour_order == "BGR":
            image = image[..., ::-1]
        planes = np.empty((3, *image.shape[:2]), dtype=np.float32)
        planes[...] = image.transpose(2, 0, 1)
        planes -= self._mean  # in place: no copy of the picture is left that nobody wipes
        planes *= self._factor
        return planes

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the network on one input array of the manifest's shape.

        Every run is a stage of its own: before it the work may be stopped.

        Returns:
            One float32 array for each output, in the manifest's order; all finite.

        Raises:
            UnfinishedError: If the work under way is to stop.
            ModelIntegrityError: If onnxruntime fails or an output is not finite.
        """
        checkpoint()
        return self._session.run(image)


def load_model(model_id: str) -> Model:
    """Load a model of ``ageassure-models``; both its files have to be the pinned ones.

    Raises:
        ModelIntegrityError: If a file is missing or another one, or the network breaks the
            contract that the manifest declares.
        MissingExtraError: If ``ageassure-models`` is not installed.
    """
    manifest = load_manifest(model_id)
    model = read_pinned(model_id, manifest.file_name)
    return Model(manifest, model)


def load_manifest(model_id: str) -> ModelManifest:
    """Read a pinned manifest. Raises as :func:`load_model`."""
    return ModelManifest.from_toml(read_pinned(model_id, MANIFEST))


def load_supplied_model(folder: str | PathLike[str], *, manifest_sha256: str) -> Model:
    """Load a model that the operator supplies: ``model.toml`` and the ONNX file that it names.

    Args:
        folder: Holds both.
        manifest_sha256: Digest of ``model.toml``, 64 hex digits, from the operator's own
            configuration. The manifest in turn holds the ONNX file's. There is no way to do
            without.

    Raises:
        ConfigurationError: If ``manifest_sha256`` is no digest, or ``folder`` no path.
        ModelIntegrityError: If a file is missing or another one, or the network breaks the
            contract that the manifest declares.
    """
    if not _is_digest(manifest_sha256):
        raise ConfigurationError("got a manifest_sha256 that is not 64 hex digits")
    place: Path | None = None
    with suppress(TypeError):
        place = Path(folder)
    if place is None:
        raise ConfigurationError("got a folder that is no path")
    text = _read(place / MANIFEST)
    _demand_digest(text, manifest_sha256, MANIFEST)
    manifest = ModelManifest.from_toml(text)
    return Model(manifest, _read(place / manifest.file_name))


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def read_pinned(model_id: str, name: str) -> bytes:
    """Read one file of a model, and check it against the digest pinned in code.

    Raises:
        ModelIntegrityError: If no digest is pinned for it, it is missing, or it is another one.
        MissingExtraError: If ``ageassure-models`` is not installed.
    """
    expected = PINNED.get(f"{model_id}/{name}")
    if expected is None:
        raise ModelIntegrityError(f"no digest is pinned for {name!r} of model {model_id!r}")
    data = _read(_folder(model_id) / name)
    _demand_digest(data, expected, name)
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One line of ``ageassure models``.

    Attributes:
        id: The model.
        role: What it does; None if the manifest cannot be read.
        licence: SPDX identifier of the weights' licence; likewise.
        problem: Why the files are not the pinned ones; None if they are.
    """

    id: str
    role: str | None
    licence: str | None
    problem: str | None


def check_models() -> list[ModelStatus]:
    """Check every pinned file of every known model.

    Raises:
        MissingExtraError: If ``ageassure-models`` is not installed.
    """
    return [_status(model_id) for model_id in MODEL_IDS]


def _status(model_id: str) -> ModelStatus:
    role = licence = problem = None
    try:
        manifest = load_manifest(model_id)
        role, licence = manifest.role, manifest.licence.spdx
        for path in PINNED:
            owner, _, name = path.partition("/")
            if owner == model_id:
                read_pinned(owner, name)
    except ModelIntegrityError as error:
        problem = str(error)
    return ModelStatus(id=model_id, role=role, licence=licence, problem=problem)


def _folder(model_id: str) -> Path:
    try:
        from ageassure_models import model_dir

        folder: Path = model_dir(model_id)
        return folder
    except ImportError:
        missing = True
    except LookupError:
        missing = False
    if missing:
        raise MissingExtraError("ageassure-models is missing: run pip install 'ageassure[face]'")
    raise ModelIntegrityError(f"the model {model_id!r} is missing from ageassure-models")


def _read(path: Path) -> bytes:
    data: bytearray | None = None
    with suppress(OSError):
        data = read_at_most(path, MAX_FILE_BYTES + 1)
    if data is None or len(data) > MAX_FILE_BYTES:
        raise ModelIntegrityError(f"the model file {path.name!r} cannot be read")
    return bytes(data)


def _demand_digest(data: bytes, expected: str, name: str) -> None:
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), expected):
        raise ModelIntegrityError(f"the model file {name!r} is not the one that is pinned")
