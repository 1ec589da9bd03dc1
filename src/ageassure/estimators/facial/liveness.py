"""The liveness slot: the operator's own network, asked before an age is estimated.

Nothing ships in it, since no network that is worth its name comes with a licence that allows it:
an empty slot says ``not_evaluated`` and pretends nothing. What fills it is a folder with an ONNX
file and a manifest of the role ``presentation-attack``, see :doc:`/reference/models`.

The slot only ever refuses, so it is no part of the pipeline's digest: a false-positive rate that
was measured without it holds with it, as those who are refused are not let through. The digest of
the manifest is told by :attr:`LivenessCheck.manifest_sha256`, for the records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ageassure.errors import ModelIntegrityError, PresentationAttackError
from ageassure.estimators.facial.resampling import square_around
from ageassure.inference import load_supplied_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from numpy.typing import NDArray

    from ageassure.estimators.facial.mesh import Face
    from ageassure.imaging import Frame
    from ageassure.inference import Model, ModelManifest

ROLE: Final = "presentation-attack"
FIT: Final = "face-square"

MAX_INPUT_PIXELS: Final = 1024
MAX_CLASSES: Final = 64
MAX_SCALE: Final = 10.0

_SUM_TOLERANCE: Final = 1e-3
"""How far probabilities may be from a sum of 1; the network computes them in 32 bits."""


class LivenessCheck:
    """A network of the operator's that tells living people from pictures of them.

    May be shared by threads. How well it does that is not known here: no attack was measured, and
    ``passed`` says only that the operator's own network said so.

    Made by :meth:`supplied`.

    Args:
        model: The network with its manifest.
        manifest_sha256: The manifest's digest.

    Raises:
        ModelIntegrityError: If the manifest is not of a liveness network, or its entries are out
            of bounds or contradict each other.
    """

    def __init__(self, model: Model, *, manifest_sha256: str) -> None:
        manifest = model.manifest
        if manifest.role != ROLE:
            raise ModelIntegrityError(f"got a model of the role {manifest.role}, expected {ROLE}")
        self._model = model
        self._manifest_sha256 = manifest_sha256
        self._side, classes = _shapes(manifest)
        self._scale, self._border = _fit(manifest.fit)
        self._live, self._bar, self._logits = _decision(manifest.details, classes)

    @classmethod
    def supplied(cls, folder: str | PathLike[str], *, manifest_sha256: str) -> Self:
        """Load the operator's network.

        Args:
            folder: Holds ``model.toml`` and the ONNX file that it names.
            manifest_sha256: Digest of ``model.toml``, 64 hex digits, from the operator's own
                configuration; the manifest in turn holds the ONNX file's.

        Raises:
            ConfigurationError: If ``manifest_sha256`` is no digest, or ``folder`` no path.
            ModelIntegrityError: If a file is missing or another one, the manifest is malformed, or
                the network breaks the contract that it declares.
        """
        model = load_supplied_model(folder, manifest_sha256=manifest_sha256)
        return cls(model, manifest_sha256=manifest_sha256)

    @property
    def manifest_sha256(self) -> str:
        """Digest of the manifest, 64 hex digits, which names the network and the bar."""
        return self._manifest_sha256

    def check(self, frame: Frame, face: Face) -> None:
        """Let a living person pass.

        Args:
            frame: The picture; takes over what has to be wiped with it.
            face: The face in it.

        Raises:
            PresentationAttackError: If the network's probability of a living person is under the
                bar. The error holds no number.
            ModelIntegrityError: If the network fails, or gives other numbers than declared.
        """
        low, high = face.points.min(axis=0), face.points.max(axis=0)
        crop = square_around(
            frame,
            centre=(low + high) / 2,
            side=float((high - low).max()) * self._scale,
            pixels=self._side,
            border=self._border,
        )
        (answer,) = self._model.run(frame.own(self._model.normalised(crop)[None]))
        live = self._probabilities(answer[0].astype(np.float64))[self._live]
        if not live >= self._bar:
            raise PresentationAttackError("the liveness check was not passed")

    def _probabilities(self, answer: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._logits:
            shares = np.exp(answer - answer.max())
            normal: NDArray[np.float64] = shares / shares.sum()
            return normal
        if answer.min() < 0 or abs(answer.sum() - 1) > _SUM_TOLERANCE:
            raise ModelIntegrityError("the liveness network's output is no probabilities")
        return answer


def _shapes(manifest: ModelManifest) -> tuple[int, int]:
    """Side of the square input, and number of classes."""
    takes = manifest.input.shape
    square = len(takes) == 4 and takes[0] in {1, "N"} and takes[1] == 3 and takes[2] == takes[3]
    if not square or not _whole(takes[-1], 8, MAX_INPUT_PIXELS):
        raise ModelIntegrityError(f"got an input of {list(takes)}, expected [1, 3, side, side]")
    if len(manifest.outputs) != 1:
        raise ModelIntegrityError(f"got {len(manifest.outputs)} outputs, expected 1")
    gives = manifest.outputs[0].shape
    if len(gives) != 2 or gives[0] not in {1, "N"} or not _whole(gives[1], 2, MAX_CLASSES):
        raise ModelIntegrityError(f"got an output of {list(gives)}, expected [1, classes]")
    return int(takes[-1]), int(gives[1])


def _fit(fit: Mapping[str, object]) -> tuple[float, int]:
    """Side of the crop in sides of the face, and what stands outside the picture."""
    if fit.keys() != {"kind", "scale", "border_byte"} or fit["kind"] != FIT:
        raise ModelIntegrityError(f"got another [input.fit], expected kind {FIT!r}")
    scale, border = fit["scale"], fit["border_byte"]
    if type(scale) is not float or not 1 <= scale <= MAX_SCALE:
        raise ModelIntegrityError(f"got a scale of no 1.0 to {MAX_SCALE} in [input.fit]")
    if type(border) is not int or not _whole(border, 0, 255):
        raise ModelIntegrityError("got a border_byte of no 0 to 255 in [input.fit]")
    return scale, border


def _decision(details: Mapping[str, object], count: int) -> tuple[int, float, bool]:
    """Index of the live class, least probability for it, and whether the network gives logits."""
    if details.keys() != {"classes", "live", "bar", "values"}:
        raise ModelIntegrityError("got other entries in [liveness], expected bar, classes, live")
    classes, live, bar, values = (details[key] for key in ("classes", "live", "bar", "values"))
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ModelIntegrityError("got classes that are no list of names in [liveness]")
    if len(classes) != count or len(set(classes)) != count:
        raise ModelIntegrityError(f"got {len(classes)} classes in [liveness], expected {count}")
    if live not in classes:
        raise ModelIntegrityError("got a live class that is none of the classes in [liveness]")
    if type(bar) is not float or not 0 < bar < 1:
        raise ModelIntegrityError("got a bar outside 0 to 1 in [liveness]")
    if values not in ("logits", "probabilities"):
        raise ModelIntegrityError("got other values in [liveness], expected logits, probabilities")
    return classes.index(live), bar, values == "logits"


def _whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
