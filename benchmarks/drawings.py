r"""Drawn faces with the noise of a camera: how many are refused, and how many are called OVER.

::

    python benchmarks/drawings.py ../shared/data/london ../shared/data/fairface-train \
        --json benchmarks/results/drawings.json

The quality limits refuse a face that has shape in its strokes alone, see
``ageassure/estimators/facial/structure.py``. Here faces are drawn with OpenCV's primitives, each
from its own random numbers: skin, ink, hair, proportions, glasses, lines and a beard such as people
draw for age. A third of them is flat; a third has soft edges and light that falls off evenly from
one side; a third is rounded, with soft edges and the light that an ellipsoid would have. All are
then assessed as they are, and with normal noise of a few grey levels on every channel, as any
camera adds; and once more made smaller before the noise, where little of it is averaged away; and
all of that once more as JPEG, which takes the fine part of the noise away and keeps some of the
coarse one. Counted is what is refused, with its code, what is assessed, and what of that is called
OVER at each of the bars that ship. The limit was chosen on drawings of other random numbers, of
which none was rounded.

That is no test of presentation attacks: no camera, paper or screen was used, and these are no
drawings by people. It shows what the limits do not stop. Shares are of all drawings; intervals:
95 %, Clopper–Pearson.

Beside it stands what the limit costs: photographs of people that are refused as drawings, see
``drawings_photographs.py``.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from degradations import as_jpeg, with_noise
from drawings_photographs import refused_photographs
from measures import share

from ageassure.errors import EvidenceError, InsufficientEvidenceError
from ageassure.estimators import FacialAgeEstimator
from ageassure.estimators.facial.quality_limits import LEAST_QUIET_CURVATURE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

COMMAND: Final = "python benchmarks/drawings.py ../shared/data/london ../shared/data/fairface-train"
SEED: Final = 20_261_126
DRAWINGS: Final = 600
SHADINGS: Final = ("flat", "lit from one side", "rounded")
"""Of the drawings, in turn."""
SIGMAS: Final = (0.0, 4.0, 8.0)
SIDE_PIXELS: Final = 480
SMALL_PIXELS: Final = 128
LIMITS_YEARS: Final = (13, 16, 18, 21)
ALPHAS: Final = (0.05, 0.01, 0.005)
JPEG_QUALITIES: Final = (None, 85)
"""None is the drawing's own pixels."""

Json = dict[str, Any]


def shading(number: int) -> str:
    return SHADINGS[number % len(SHADINGS)]


def drawn(number: int) -> Pixels:
    """One face of its own numbers, ``[480, 480, 3]``, without noise."""
    rng = np.random.default_rng([SEED, number])
    paper = int(rng.integers(120, 250))
    picture = np.full((SIDE_PIXELS, SIDE_PIXELS, 3), paper, np.uint8)
    head = Head(rng)
    head.draw_shape(picture)
    head.draw_eyes(picture)
    head.draw_nose_and_mouth(picture)
    head.draw_age(picture)
    if shading(number) == "flat":
        return picture
    light = evenly_lit(rng) if shading(number) == "lit from one side" else head.lit(rng)
    soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 3))
    return np.rint(np.clip(soft * light, 0, 255)).astype(np.uint8)


def evenly_lit(rng: np.random.Generator) -> NDArray[np.float64]:
    """By how much the light multiplies, ``[1, 480, 1]``."""
    return np.linspace(rng.uniform(0.5, 1), 1.1, SIDE_PIXELS)[None, :, None]


class Head:
    """The numbers of one face, and its parts."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._skin = tuple(int(level) for level in np.sort(rng.integers(60, 246, 3))[::-1])
        self._ink = tuple(int(level) for level in rng.integers(0, 80, 3))
        self._hair = tuple([int(rng.integers(0, 240))] * 3)
        self._axes = int(rng.integers(105, 150)), int(rng.integers(145, 185))
        self._eyes, self._apart = int(rng.integers(195, 230)), int(rng.integers(42, 60))
        self._stroke = int(rng.integers(2, 7))

    def _some(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high))

    def draw_shape(self, picture: Pixels) -> None:
        """Neck and head, and one of: no hair, a cap of it, long hair."""
        hair, (width, height) = self._some(0, 3), self._axes
        if hair == 2:
            cv2.ellipse(picture, (240, 250), (width + 30, height + 40), 0, 0, 360, self._hair, -1)
        cv2.rectangle(picture, (195, 340), (285, 480), self._skin, -1)
        cv2.ellipse(picture, (240, 240), self._axes, 0, 0, 360, self._skin, -1)
        if hair:
            cap, top = (width + 6, height // 2 + 8), 240 - height // 2
            cv2.ellipse(picture, (240, top), cap, 0, 180, 360, self._hair, -1)

    def lit(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """By how much a lamp in front multiplies an ellipsoid's light (Lambert), ``[480, 480, 1]``.

        Some of the light comes from everywhere; outside the head the ellipsoid is seen edge on.
        """
        width, height = self._axes
        y, x = np.mgrid[:SIDE_PIXELS, :SIDE_PIXELS] - 240
        y, x = y / height, x / width
        depth = np.sqrt(np.clip(1 - x**2 - y**2, 0.02, None))
        lamp = np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.6, 0.2), 1])
        lamp /= np.linalg.norm(lamp)
        everywhere = rng.uniform(0.25, 0.7)
        direct = np.clip(lamp[0] * x + lamp[1] * y + lamp[2] * depth, 0, 1)
        light: NDArray[np.float64] = everywhere + (1.1 - everywhere) * direct
        return light[..., None]

    def draw_eyes(self, picture: Pixels) -> None:
        """Eyes, brows and, for some, glasses."""
        half, opened = self._some(18, 30), self._some(7, 16)
        brow, glasses = self._some(22, 38), self._rng.random() < 0.3
        for x in (240 - self._apart, 240 + self._apart):
            cv2.ellipse(picture, (x, self._eyes), (half, opened), 0, 0, 360, (250,) * 3, -1)
            cv2.circle(picture, (x, self._eyes), opened - 1, self._ink, -1)
            cv2.ellipse(picture, (x, self._eyes), (half, opened), 0, 180, 360, self._ink, 3)
            left, right = (x - half, self._eyes - brow), (x + half, self._eyes - brow - 2)
            cv2.line(picture, left, right, self._ink, self._stroke + 1)
            if glasses:
                cv2.circle(picture, (x, self._eyes), half + 8, self._ink, 3)

    def draw_nose_and_mouth(self, picture: Pixels) -> None:
        """Lines, and lips of a colour of their own."""
        tip, mouth = self._eyes + self._some(45, 65), self._eyes + self._some(90, 115)
        cv2.line(picture, (240, self._eyes + 5), (230, tip), self._ink, self._stroke - 1)
        cv2.line(picture, (230, tip), (250, tip + 2), self._ink, self._stroke - 1)
        bow = self._some(30, 58), self._some(3, 26)
        cv2.ellipse(picture, (240, mouth), bow, 0, 0, 180, (150, 60, 60), self._stroke)

    def draw_age(self, picture: Pixels) -> None:
        """What people draw for age: lines on forehead and cheeks, and a beard."""
        for line in range(self._some(0, 5)):
            y = self._eyes - 50 - 14 * line
            cv2.ellipse(picture, (240, y), (60, 6), 0, 180, 360, self._ink, 2)
        if self._rng.random() < 0.5:
            for side in (-1, 1):
                for x, y in ((62, 50), (75, 20)):
                    ends = (240 + side * x // 2, self._eyes + y), (240 + side * x, self._eyes + 95)
                    cv2.line(picture, *ends, self._ink, 2)
        if self._rng.random() < 0.4:
            jaw = (240, 240 + self._axes[1] // 2), (self._axes[0] - 20, self._axes[1] // 2)
            cv2.ellipse(picture, *jaw, 0, 0, 180, self._hair, -1)


def smaller(picture: Pixels, side: int) -> Pixels:
    size = (side, side)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def noisy(picture: Pixels, sigma: float, number: int) -> Pixels:
    """The drawing as a camera would give it."""
    return with_noise(picture, sigma, np.random.default_rng([SEED, number, round(sigma)]))


def bars(estimator: FacialAgeEstimator) -> dict[tuple[int, float], float]:
    """Every challenge age that ships, years, by limit and error."""
    found = {}
    for limit in LIMITS_YEARS:
        for alpha in ALPHAS:
            with suppress(InsufficientEvidenceError):
                found[limit, alpha] = estimator.challenge_age(limit, alpha=alpha).age_years
    return found


def measured(
    estimator: FacialAgeEstimator,
    pictures: dict[int, Pixels],
    *,
    side: int,
    sigma: float,
    quality: int | None,
    shade: str,
) -> Json:
    """What becomes of all drawings of one kind and size, with one noise, in one kind of file."""
    codes: Counter[str] = Counter()
    means = []
    for number, picture in pictures.items():
        try:
            seen = noisy(smaller(picture, side), sigma, number)
            seen = seen if quality is None else as_jpeg(seen, quality)
            means.append(estimator.estimate(seen).mean_years)
        except EvidenceError as error:
            codes[error.code] += 1
    years = np.full(len(pictures), -np.inf)
    years[: len(means)] = means  # a refused one reaches no bar
    return {
        "shading": shade,
        "picture_pixels": side,
        "noise_grey_levels": sigma,
        "jpeg_quality": quality,
        "refused": share(np.isneginf(years)),
        "codes": dict(sorted(codes.items())),
        "assessed": share(~np.isneginf(years)),
        "greatest_mean_years": round(max(means), 1) if means else None,
        "bars": [
            {
                "age_limit": limit,
                "alpha": alpha,
                "challenge_age_years": bar,
                "over": share(years >= bar),
                "inconclusive": share(~np.isneginf(years) & (years < bar)),
            }
            for (limit, alpha), bar in bars(estimator).items()
        ],
    }


def drawn_faces(estimator: FacialAgeEstimator) -> list[Json]:
    pictures = {
        shade: {number: drawn(number) for number in range(DRAWINGS) if shading(number) == shade}
        for shade in SHADINGS
    }
    return [
        measured(estimator, pictures[shade], side=side, sigma=sigma, quality=quality, shade=shade)
        for side in (SIDE_PIXELS, SMALL_PIXELS)
        for quality in JPEG_QUALITIES
        for shade in SHADINGS
        for sigma in SIGMAS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Assess drawn faces, with a camera's noise.")
    parser.add_argument("london", type=Path, help="holds labels.csv and images/")
    parser.add_argument("fairface", type=Path, help="holds labels.csv and the shards")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the result there, too")
    arguments = parser.parse_args()
    estimator = FacialAgeEstimator()
    result = {
        "benchmark": "drawings",
        "command": COMMAND,
        "pipeline_digest": estimator.pipeline_digest,
        "least_quiet_curvature": LEAST_QUIET_CURVATURE,
        "drawings": DRAWINGS,
        "rows": drawn_faces(estimator),
        "photographs": refused_photographs(arguments.london, arguments.fairface),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
