"""Do two splits share people or pictures? Then what was learnt on one is tested on the other."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ageassure.audit.datasets import likeness
from ageassure.errors import DataSetError, PictureError
from ageassure.imaging import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ageassure.audit.datasets.manifest import Manifest
    from ageassure.audit.datasets.places import PicturePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One picture to be compared.

    Attributes:
        split: The part that it belongs to; only pictures of different parts are compared.
        sample_id: As in its manifest.
        subject: Who is on it; "" if the manifest does not say.
        place: Where it lies.
    """

    split: str
    sample_id: str
    subject: str
    place: PicturePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two pictures of different splits that should not be there both.

    Attributes:
        first: Split and ``sample_id``.
        second: The other's.
        kind: ``exact``: the same bytes; ``near``: one photograph or moment; ``alike``: perhaps one,
            perhaps strangers in the same pose and light, to be looked at.
        mirrored: Is one of them the mirror image?
        correlation: After alignment; 1 for the same bytes.
    """

    first: tuple[str, str]
    second: tuple[str, str]
    kind: str
    mirrored: bool
    correlation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """What two or more splits share.

    Attributes:
        compared: Split → pictures that were compared.
        not_compared: Split and ``sample_id`` of pictures that could not be read.
        subjects_known: Do all samples name their subject? If not, shared people are not looked for.
        subjects: Subjects in more than one split.
        pairs: Pictures in more than one split.
    """

    compared: dict[str, int]
    not_compared: tuple[tuple[str, str], ...]
    subjects_known: bool
    subjects: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def found(self) -> bool:
        """Is anything surely shared, or could a picture not be compared?"""
        sure = any(pair.kind != "alike" for pair in self.pairs)
        return bool(self.subjects or sure or self.not_compared)


def samples_of(
    manifest: Manifest, places: Sequence[PicturePlace], split: str, *, column: bool
) -> list[Sample]:
    """The samples of a manifest.

    Args:
        manifest: The manifest.
        places: Where its pictures lie, in its order.
        split: Name of the split; or, if ``column``, of the grouping column that tells it.
        column: See there.

    Raises:
        DataSetError: If there is no such column, or it is empty in a row.
    """
    names = [split] * len(manifest)
    if column:
        if split not in manifest.groups:
            raise DataSetError(f"the manifest has no column {split}")
        found = manifest.groups[split]
        if (found.codes < 0).any():
            raise DataSetError(f"the column {split} is empty in row {found.codes.argmin() + 1}")
        names = [found.values[code] for code in found.codes]
    people = [""] * len(manifest)
    if manifest.subject_names:
        people = [manifest.subject_names[number] for number in manifest.subjects]
    return [
        Sample(split=name, sample_id=sample_id, subject=subject, place=place)
        for name, sample_id, subject, place in zip(
            names, manifest.sample_ids, people, places, strict=True
        )
    ]


def find_leakage(
    samples: Sequence[Sample], *, progress: Callable[[int], object] | None = None
) -> Leakage:
    """Compare every picture with every one of the other splits.

    Pictures are decoded, compared and forgotten; of each only 32 × 32 numbers are kept meanwhile.
    The time grows with the square of their number: 40,000 take minutes.

    Args:
        samples: All pictures of all splits.
        progress: Called with 1 for each picture read.

    Raises:
        DataSetError: If there are not at least two splits.
    """
    if len({sample.split for sample in samples}) < 2:
        raise DataSetError("got fewer than two splits, so nothing can leak")
    readable, vectors, digests, unread = _read(samples, progress)
    exact = list(_same_bytes(readable, digests))
    known = {(pair.first, pair.second) for pair in exact}
    near = [pair for pair in _alike(readable, vectors) if (pair.first, pair.second) not in known]
    counts: dict[str, int] = defaultdict(int)
    for sample in readable:
        counts[sample.split] += 1
    subjects_known = all(sample.subject for sample in samples)
    return Leakage(
        compared=dict(sorted(counts.items())),
        not_compared=tuple((sample.split, sample.sample_id) for sample in unread),
        subjects_known=subjects_known,
        subjects=_shared_subjects(samples) if subjects_known else (),
        pairs=tuple(exact + near),
    )


def _shared_subjects(samples: Sequence[Sample]) -> tuple[str, ...]:
    splits = defaultdict(set)
    for sample in samples:
        splits[sample.subject].add(sample.split)
    return tuple(sorted(subject for subject, where in splits.items() if len(where) > 1))


def _read(
    samples: Sequence[Sample], progress: Callable[[int], object] | None
) -> tuple[list[Sample], NDArray[np.float32], list[bytes], list[Sample]]:
    readable, unread = [], []
    vectors, digests = [], []
    for sample in samples:
        if progress is not None:
            progress(1)
        picture = _bytes(sample)
        digest = hashlib.sha256(picture).digest()
        image = _image(picture)
        if image is None:
            unread.append(sample)
            continue
        readable.append(sample)
        digests.append(digest)
        vectors.append(likeness.small(image))
    size = likeness.SMALL_SIDE**2
    return readable, np.array(vectors, np.float32).reshape(-1, size), digests, unread


def _bytes(sample: Sample) -> bytearray:
    try:
        return sample.place.read()
    except OSError:
        return bytearray()


def _image(picture: bytearray) -> NDArray[np.float32] | None:
    """Decode and normalise; None if it is no picture."""
    try:
        with decode(picture, long_side_pixels=likeness.SIDE) as frame:
            return likeness.contrast_normalised(frame.own(likeness.grey_square(frame.pixels)))
    except PictureError:
        return None


def _named(sample: Sample) -> tuple[str, str]:
    return sample.split, sample.sample_id


def _same_bytes(samples: Sequence[Sample], digests: Sequence[bytes]) -> list[Pair]:
    by_digest = defaultdict(list)
    for sample, digest in zip(samples, digests, strict=True):
        by_digest[digest].append(sample)
    return [
        Pair(first=_named(one), second=_named(other), kind="exact", mirrored=False, correlation=1.0)
        for alike in by_digest.values()
        for place, one in enumerate(alike)
        for other in alike[place + 1 :]
        if one.split != other.split
    ]


def _alike(samples: Sequence[Sample], vectors: NDArray[np.float32]) -> list[Pair]:
    side = likeness.SMALL_SIDE
    turned = vectors.reshape(-1, side, side)[:, :, ::-1].reshape(len(vectors), -1)
    found: dict[tuple[int, int], Pair] = {}
    for mirror, columns in ((False, vectors), (True, turned)):
        for i, j in likeness.candidates(vectors, columns):
            if samples[i].split == samples[j].split or (i, j) in found:
                continue
            score = _correlation(samples[i], samples[j], mirror=mirror)
            if score >= likeness.NEAR_DUPLICATE:
                found[i, j] = Pair(
                    first=_named(samples[i]),
                    second=_named(samples[j]),
                    kind="near" if score >= likeness.ONE_PHOTOGRAPH else "alike",
                    mirrored=mirror,
                    correlation=round(score, 4),
                )
    return list(found.values())


def _correlation(one: Sample, other: Sample, *, mirror: bool) -> float:
    """Both pictures are read again: to keep them all would take more memory than there is."""
    first, second = _image(_bytes(one)), _image(_bytes(other))
    if first is None or second is None:
        return -1.0
    return likeness.aligned_correlation(first, likeness.mirrored(second) if mirror else second)
