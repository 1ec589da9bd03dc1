"""Layouts whose labels stand in a list beside the pictures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ageassure.audit.datasets.layouts.base import SEXES, Layout, Reading, Row
from ageassure.audit.datasets.statement import AgeProof

if TYPE_CHECKING:
    from collections.abc import Iterator

_CROWD: Final = "apparent age groups, judged by crowd workers"

_FAIRFACE_AGES: Final = {
    "0-2": ("0", "2"),
    "3-9": ("3", "9"),
    "more than 70": ("70", "120"),
    **{f"{low}-{low + 9}": (str(low), str(low + 9)) for low in range(10, 70, 10)},
}
_MORPH_ETHNICITY: Final = {
    "W": "White",
    "B": "Black",
    "A": "Asian",
    "H": "Hispanic",
    "O": "other",
}
_UNKNOWN: Final = "-1"


def _fairface(reading: Reading) -> Iterator[Row]:
    columns = ("file", "age", "gender", "race")
    for split in ("train", "val"):
        name = f"fairface_label_{split}.csv"
        for line, row in reading.list_rows(name, *columns):
            ends = _FAIRFACE_AGES.get(row["age"])
            if ends is None:
                reading.problems.add(line, f"{name}: age is none of FairFace's nine groups")
                continue
            yield {
                "sample_id": row["file"],
                "path": row["file"],
                "age_low": ends[0],
                "age_high": ends[1],
                "sex": SEXES.get(row["gender"].lower(), ""),
                "ethnicity": row["race"].replace("_", " or "),
                "split": split,
            }


def _fairface_shards(reading: Reading) -> Iterator[Row]:
    columns = ("shard", "file", "age_low", "age_high", "sex", "ethnicity", "fairface_file")
    for line, row in reading.list_rows("labels.csv", *columns):
        if not row["shard"].isdigit():
            reading.problems.add(line, "labels.csv: shard is no number")
            continue
        yield {
            "sample_id": row["fairface_file"],
            "path": f"shard-{int(row['shard']):02d}.tar#{row['file']}",
            **{name: row[name] for name in ("age_low", "age_high", "sex", "ethnicity")},
        }


def _appa_real(reading: Reading) -> Iterator[Row]:
    for split in ("train", "valid", "test"):
        for _, row in reading.list_rows(f"gt_avg_{split}.csv", "file_name", "real_age"):
            path = f"{split}/{row['file_name']}"
            yield {"sample_id": path, "path": path, "age": row["real_age"], "split": split}


def _morph(reading: Reading) -> Iterator[Row]:
    name = "morph_2008_nonCommercial.csv"
    for _, row in reading.list_rows(name, "id_num", "race", "gender", "age", "photo"):
        yield {
            "sample_id": row["photo"],
            "path": row["photo"],
            "age": row["age"],
            "subject": row["id_num"],
            "sex": SEXES.get(row["gender"].lower(), ""),
            "ethnicity": _MORPH_ETHNICITY.get(row["race"], ""),
        }


def _lagenda(reading: Reading) -> Iterator[Row]:
    name = "lagenda_annotation.csv"
    columns = ("img_name", "age", "gender", "face_x0")
    faces = Counter(
        row["img_name"]
        for _, row in reading.list_rows(name, *columns)
        if row["face_x0"] != _UNKNOWN
    )
    for _, row in reading.list_rows(name, *columns):
        path = row["img_name"]
        if row["face_x0"] == _UNKNOWN:
            reading.left_out["person without a face"] += 1
        elif faces[path] > 1:
            reading.left_out["one of several faces in a picture"] += 1
        elif row["age"] == _UNKNOWN:
            reading.left_out["age not known"] += 1
        else:
            sex = SEXES.get(row["gender"].lower(), "")
            yield {"sample_id": path, "path": path, "age": row["age"], "sex": sex}


def _london(reading: Reading) -> Iterator[Row]:
    columns = ("path", "age_low", "age_high", "sex", "ethnicity", "subject", "note")
    for _, row in reading.list_rows("labels.csv", *columns):
        yield {
            "sample_id": row["path"],
            **{name: row[name] for name in columns[:-1]},
            "expression": row["note"].rpartition(" ")[2],
        }


LISTED: Final = (
    Layout(
        name="fairface",
        title="FairFace",
        licence="CC BY 4.0",
        age_proof=AgeProof.APPARENT,
        age_proof_detail=_CROWD,
        source="Karkkainen and Joo, WACV 2021, https://github.com/joojs/fairface",
        files="fairface_label_train.csv, fairface_label_val.csv, train/, val/",
        read=_fairface,
    ),
    Layout(
        name="fairface-shards",
        title="FairFace, 40,000 training pictures at 128 pixels",
        licence="CC BY 4.0",
        age_proof=AgeProof.APPARENT,
        age_proof_detail=_CROWD,
        source="Karkkainen and Joo, WACV 2021, https://github.com/joojs/fairface",
        files="labels.csv, shard-00.tar and so on",
        run_on="40,000 of its 86,744 training pictures, made smaller",
        border_pixels=64,
        read=_fairface_shards,
    ),
    Layout(
        name="london",
        title="Face Research Lab London Set",
        licence="CC BY 4.0",
        age_proof=AgeProof.SELF_REPORTED,
        age_proof_detail="two of the people told no age: 18 to 60",
        source="DeBruine and Jones, https://doi.org/10.6084/m9.figshare.5047666",
        files="labels.csv, images/",
        run_on="all 204 pictures, made smaller",
        read=_london,
    ),
    Layout(
        name="appa-real",
        title="APPA-REAL",
        licence="not stated; for research",
        age_proof=AgeProof.SELF_REPORTED,
        age_proof_detail="the column real_age; apparent ages beside it are not used",
        source="Agustsson and others, FG 2017",
        files="gt_avg_train.csv, gt_avg_valid.csv, gt_avg_test.csv, train/, valid/, test/",
        read=_appa_real,
    ),
    Layout(
        name="morph",
        title="MORPH, album 2",
        licence="by agreement with its makers",
        age_proof=AgeProof.DOCUMENT,
        age_proof_detail="dates of birth and of the picture in police records",
        source="Ricanek and Tesafaye, FG 2006",
        files="morph_2008_nonCommercial.csv, Album2/",
        read=_morph,
    ),
    Layout(
        name="lagenda",
        title="LAGENDA",
        licence="annotations for research; the pictures are of Open Images, CC BY 2.0",
        age_proof=AgeProof.APPARENT,
        age_proof_detail="judged by crowd workers",
        source="Kuprashevich and Tolstykh, AIST 2023",
        files="lagenda_annotation.csv, lag_benchmark/",
        read=_lagenda,
    ),
)
