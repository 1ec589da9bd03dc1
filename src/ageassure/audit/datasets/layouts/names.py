"""Layouts whose labels stand in the names of files and folders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ageassure.audit.datasets.layouts.base import SEXES, Layout, Reading, Row
from ageassure.audit.datasets.statement import AgeProof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Labels = Callable[[re.Match[str]], Row]

_UTKFACE_SEX: Final = {"0": "male", "1": "female"}
_UTKFACE_ETHNICITY: Final = dict(
    zip("01234", ("White", "Black", "Asian", "Indian", "other"), strict=True)
)
_ALL_AGE_FACES_FIRST_MALE: Final = 7381


def by_name(pattern: str, labels: Labels, *, below: str = "") -> Callable[[Reading], Iterator[Row]]:
    """A reader of pictures whose whole file name matches ``pattern``; another name is a problem."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def read(reading: Reading) -> Iterator[Row]:
        for number, path in enumerate(reading.pictures(below=below), 1):
            found = compiled.fullmatch(path.rpartition("/")[2])
            if found is None:
                reading.problems.add(number, "its file name has another form")
                continue
            yield {"sample_id": path, "path": path, **labels(found)}

    return read


def _utkface(found: re.Match[str]) -> Row:
    # A few names of the published set lack the third label.
    return {
        "age": found["age"],
        "sex": _UTKFACE_SEX[found["sex"]],
        "ethnicity": _UTKFACE_ETHNICITY.get(found["ethnicity"] or "", ""),
    }


def _subject_age_sex(found: re.Match[str]) -> Row:
    return {
        "age": found["age"],
        "subject": found["subject"],
        "sex": SEXES[found["sex"].lower()],
    }


def _fg_net(found: re.Match[str]) -> Row:
    return {"age": found["age"], "subject": found["subject"]}


def _all_age_faces(found: re.Match[str]) -> Row:
    male = int(found["subject"]) >= _ALL_AGE_FACES_FIRST_MALE
    return {
        "age": found["age"],
        "subject": found["subject"],
        "sex": "male" if male else "female",
    }


def _folder(reading: Reading) -> Iterator[Row]:
    for number, path in enumerate(reading.pictures(), 1):
        group, _, rest = path.partition("/")
        found = re.fullmatch(r"(?P<low>\d{1,3})(-(?P<high>\d{1,3}))?", group)
        if found is None or not rest:
            reading.problems.add(number, "its first folder is no age such as 17 or 10-19")
            continue
        ends = {"age_low": found["low"], "age_high": found["high"] or found["low"]}
        yield {"sample_id": path, "path": path, **ends}


NAMED: Final = (
    Layout(
        name="utkface",
        title="UTKFace",
        licence="for non-commercial research; the pictures belong to their owners",
        age_proof=AgeProof.APPARENT,
        age_proof_detail="estimated by a model and checked by annotators",
        source="Zhang, Song and Qi, CVPR 2017",
        files="[age]_[gender]_[race]_[date].jpg, also .jpg.chip.jpg, in any folder",
        read=by_name(
            r"(?P<age>\d{1,3})_(?P<sex>[01])_((?P<ethnicity>[0-4])?_)?\d+\.jpg(\.chip\.jpg)?",
            _utkface,
        ),
    ),
    Layout(
        name="agedb",
        title="AgeDB",
        licence="for non-commercial research",
        age_proof=AgeProof.SELF_REPORTED,
        age_proof_detail="public people: published years of birth and of the picture",
        source="Moschoglou and others, CVPR Workshops 2017",
        files="[number]_[name]_[age]_[m or f].jpg, in any folder",
        read=by_name(r"\d+_(?P<subject>.+)_(?P<age>\d{1,3})_(?P<sex>[mf])\.jpg", _subject_age_sex),
    ),
    Layout(
        name="fg-net",
        title="FG-NET Aging Database",
        licence="not stated; for research",
        age_proof=AgeProof.SELF_REPORTED,
        age_proof_detail="pictures that people collected of themselves over the years",
        source="FG-NET, IST-2000-26434",
        files="images/[subject]A[age].JPG, with a letter after the age where there are several",
        read=by_name(r"(?P<subject>\d{3})A(?P<age>\d{2})[a-z]?\.jpg", _fg_net),
    ),
    Layout(
        name="all-age-faces",
        title="All-Age-Faces",
        licence="not stated; for research",
        age_proof=AgeProof.APPARENT,
        age_proof_detail="the makers do not say how they knew the ages",
        source="Cheng, Li, Wang, Yu and Wang, Tsinghua Science and Technology 24, 2019",
        files="original images/[number]A[age].jpg; numbers up to 07380 are female",
        read=by_name(
            r"(?P<subject>\d{5})A(?P<age>\d{2})\.jpg", _all_age_faces, below="original images"
        ),
    ),
    Layout(
        name="folder",
        title="pictures in folders by age",
        licence="to be stated by you",
        age_proof=AgeProof.APPARENT,
        age_proof_detail="to be stated by you",
        source="",
        files="one folder for each age or group of ages: 17/, 10-19/",
        read=_folder,
    ),
)
