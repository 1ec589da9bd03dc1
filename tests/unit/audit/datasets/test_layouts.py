"""Every layout on made-up folders: names of files and lists as published, pictures of nobody."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from ageassure.audit.datasets.importing import import_data_set
from ageassure.audit.datasets.layouts import LAYOUTS, find_layout
from ageassure.audit.datasets.manifest import read_manifest
from ageassure.audit.datasets.statement import AgeProof
from ageassure.audit.prediction.run import jobs_of
from ageassure.errors import DataSetError

if TYPE_CHECKING:
    from pathlib import Path

    from ageassure.audit.datasets.manifest import Manifest

FILES: dict[str, dict[str, str]] = {
    "fairface": {
        "fairface_label_train.csv": "file,age,gender,race,service_test\n"
        "train/1.jpg,50-59,Male,East Asian,True\n"
        "train/2.jpg,more than 70,Female,Latino_Hispanic,False\n",
        "fairface_label_val.csv": "file,age,gender,race,service_test\n"
        "val/1.jpg,0-2,Male,Black,True\n",
        "train/1.jpg": "1",
        "train/2.jpg": "2",
        "val/1.jpg": "3",
    },
    "london": {
        "labels.csv": "path,age,age_low,age_high,sex,ethnicity,subject,note\n"
        "images/a_neutral.jpg,24.0,24,24,female,white,a,London neutral\n"
        "images/b_smiling.jpg,,18,60,male,black,b,London smiling\n",
        "images/a_neutral.jpg": "1",
        "images/b_smiling.jpg": "2",
    },
    "appa-real": {
        "gt_avg_train.csv": "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
        "000000.jpg,36,5.05,1.2,4\n",
        "gt_avg_valid.csv": "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
        "000001.jpg,36,17.9,1.2,19\n",
        "gt_avg_test.csv": "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n",
        "train/000000.jpg": "1",
        "valid/000001.jpg": "2",
    },
    "morph": {
        "morph_2008_nonCommercial.csv": "id_num,picture_num,dob,doa,race,gender,facial_hair,age,"
        "age_diff,glasses,photo\n"
        "009055,1,01/01/1951,02/02/2005,B,M,1,54,0,0,Album2/009055_1M54.JPG\n"
        "009055,2,01/01/1951,02/02/2006,B,M,1,55,1,0,Album2/009055_2M55.JPG\n"
        "009056,1,01/01/1988,02/02/2006,W,F,,18,0,0,Album2/009056_1F18.JPG\n",
        "Album2/009055_1M54.JPG": "1",
        "Album2/009055_2M55.JPG": "2",
        "Album2/009056_1F18.JPG": "3",
    },
    "lagenda": {
        "lagenda_annotation.csv": "img_name,age,gender,face_x0,face_y0,face_x1,face_y1\n"
        "lag_benchmark/a.jpg,31,F,1,2,3,4\n"
        "lag_benchmark/a.jpg,-1,-1,-1,-1,-1,-1\n"
        "lag_benchmark/b.jpg,8,M,1,2,3,4\n"
        "lag_benchmark/b.jpg,40,F,5,2,9,4\n"
        "lag_benchmark/c.jpg,-1,-1,1,2,3,4\n"
        "lag_benchmark/d.jpg,17,-1,1,2,3,4\n",
        "lag_benchmark/a.jpg": "1",
        "lag_benchmark/d.jpg": "2",
    },
    "utkface": {
        "part1/17_1_3_20170109150557335.jpg": "1",
        "part1/100_0_0_20170112213500903.jpg.chip.jpg": "2",
        "part1/61_1_20170109142408075.jpg": "3",
        "part1/39_1__20170116174525125.jpg.chip.jpg": "4",
        "readme.txt": "no picture",
    },
    "agedb": {
        "0_MariaCallas_35_f.jpg": "1",
        "1_MariaCallas_40_f.jpg": "2",
        "20_A_B_C_7_m.jpg": "3",
    },
    "fg-net": {"images/001A02.JPG": "1", "images/001A43a.JPG": "2", "images/082A16.JPG": "3"},
    "all-age-faces": {
        "original images/00000A02.jpg": "1",
        "original images/07380A79.jpg": "2",
        "original images/07381A17.jpg": "3",
        "aligned faces/00000A02.jpg": "other",
    },
    "folder": {"17/a.jpg": "1", "10-19/b/c.PNG": "2", "10-19/list.txt": "no picture"},
}


def laid_out(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def imported(root: Path, name: str) -> Manifest:
    import_data_set(find_layout(name), root, root.parent / f"{name}.csv")
    found = read_manifest(root.parent / f"{name}.csv")
    assert found.sha256 is not None
    assert all(job.place.read() for job in jobs_of(found, root))
    return found


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Manifest:
    name = request.param
    return imported(laid_out(tmp_path / "data", FILES[name]), name)


def group(manifest: Manifest, name: str) -> list[str | None]:
    column = manifest.groups[name]
    return [column.values[code] if code >= 0 else None for code in column.codes]


EXPECTED: dict[str, list[tuple[int, int, str | None, str | None]]] = {
    "fairface": [
        (50, 59, "male", "East Asian"),
        (70, 120, "female", "Latino or Hispanic"),
        (0, 2, "male", "Black"),
    ],
    "london": [(24, 24, "female", "white"), (18, 60, "male", "black")],
    "morph": [(54, 54, "male", "Black"), (55, 55, "male", "Black"), (18, 18, "female", "White")],
    "utkface": [
        (100, 100, "male", "White"),
        (17, 17, "female", "Indian"),
        (39, 39, "female", None),
        (61, 61, "female", None),
    ],
}


@pytest.mark.parametrize(("made", "name"), [(n, n) for n in EXPECTED], indirect=["made"])
def test_ages_sexes_and_ethnicities(made: Manifest, name: str) -> None:
    found = zip(
        made.age_low_years.tolist(),
        made.age_high_years.tolist(),
        group(made, "sex"),
        group(made, "ethnicity"),
        strict=True,
    )
    assert list(found) == EXPECTED[name]


@pytest.mark.parametrize(
    ("made", "ages", "sexes", "subjects"),
    [
        ("lagenda", [31, 17], ["female", None], None),
        ("agedb", [35, 40, 7], ["female", "female", "male"], [0, 0, 1]),
        ("all-age-faces", [2, 79, 17], ["female", "female", "male"], [0, 1, 2]),
    ],
    indirect=["made"],
)
def test_ages_sexes_and_subjects(
    made: Manifest, ages: list[int], sexes: list[str | None], subjects: list[int] | None
) -> None:
    assert made.age_low_years.tolist() == ages
    assert group(made, "sex") == sexes
    assert bool(made.subject_names) == (subjects is not None)
    assert subjects is None or made.subjects.tolist() == subjects


@pytest.mark.parametrize("made", ["fg-net"], indirect=True)
def test_fg_net_repeats_people(made: Manifest) -> None:
    assert made.age_low_years.tolist() == [2, 43, 16]
    assert made.subjects.tolist() == [0, 0, 1]


@pytest.mark.parametrize("made", ["appa-real"], indirect=True)
def test_appa_real_takes_the_real_age(made: Manifest) -> None:
    assert made.age_low_years.tolist() == [4, 19]
    assert group(made, "split") == ["train", "valid"]


@pytest.mark.parametrize("made", ["folder"], indirect=True)
def test_a_folder_names_an_age_or_a_group(made: Manifest) -> None:
    ends = zip(made.age_low_years.tolist(), made.age_high_years.tolist(), strict=True)
    assert list(ends) == [(10, 19), (17, 17)]


def test_what_is_left_out_is_counted_and_stated(tmp_path: Path) -> None:
    root = laid_out(tmp_path / "data", FILES["lagenda"])
    found = import_data_set(find_layout("lagenda"), root, tmp_path / "m.csv")
    assert found.left_out == {
        "age not known": 1,
        "one of several faces in a picture": 2,
        "person without a face": 1,
    }
    statement = read_manifest(tmp_path / "m.csv").statement
    assert statement.left_out.startswith("1 age not known; 2 one of several faces")


def test_shards_are_read_at_their_offsets(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    with tarfile.open(root / "shard-03.tar", "w") as archive:
        for name, content in (("7.jpg", b"seven"), ("8.jpg", b"eight")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (root / "labels.csv").write_text(
        "shard,file,age_low,age_high,sex,ethnicity,fairface_file\n"
        "3,8.jpg,10,19,female,Black,train/8.jpg\n3,7.jpg,70,120,male,White,train/7.jpg\n"
    )
    found = imported(root, "fairface-shards")
    assert found.statement.border_pixels == 64
    assert list(found.sample_ids) == ["train/8.jpg", "train/7.jpg"]
    assert [bytes(job.place.read()) for job in jobs_of(found, root)] == [b"eight", b"seven"]


@pytest.mark.parametrize(
    ("name", "files", "problem"),
    [
        ("utkface", {"17_2_0_1.jpg": "1"}, "picture 1: its file name has another form"),
        ("utkface", {"17_1_0_1.jpg": "1", "x.jpg": "2"}, "picture 2: its file name"),
        ("utkface", {"list.txt": ""}, "holds no picture of the layout utkface"),
        ("folder", {"adults/a.jpg": "1"}, "its first folder is no age"),
        ("folder", {"a.jpg": "1"}, "its first folder is no age"),
        ("all-age-faces", {"x/00000A02.jpg": "1"}, "has no folder original images"),
        ("appa-real", {"x": ""}, "cannot read gt_avg_train.csv"),
        ("london", {"labels.csv": "path,age\n"}, "labels.csv: got no column age_low, age_high"),
        (
            "morph",
            {"morph_2008_nonCommercial.csv": "id_num,race,gender,age,photo\n1,W,M,20\n"},
            "morph_2008_nonCommercial.csv: line 2 has another number of cells",
        ),
        (
            "morph",
            {"morph_2008_nonCommercial.csv": "id_num,race,gender,age,photo\n1,W,M,20,../x.jpg\n"},
            "picture 1: path leaves the data set's folder",
        ),
        (
            "morph",
            {"morph_2008_nonCommercial.csv": "id_num,race,gender,age,photo\n1,W,M,20,x.jpg\n"},
            "picture 1: its file is not there",
        ),
        (
            "fairface",
            {
                "fairface_label_train.csv": "file,age,gender,race\ntrain/1.jpg,20s,Male,Black\n",
                "fairface_label_val.csv": "file,age,gender,race\n",
            },
            "fairface_label_train.csv: age is none of FairFace's nine groups",
        ),
        (
            "fairface-shards",
            {
                "labels.csv": "shard,file,age_low,age_high,sex,ethnicity,fairface_file\n"
                "x,8.jpg,10,19,female,Black,train/8.jpg\n"
            },
            "labels.csv: shard is no number",
        ),
    ],
)
def test_another_layout_is_refused(
    tmp_path: Path, name: str, files: dict[str, str], problem: str
) -> None:
    root = laid_out(tmp_path / "data", files)
    with pytest.raises(DataSetError) as caught:
        import_data_set(find_layout(name), root, tmp_path / "m.csv")
    assert problem in str(caught.value)
    assert not (tmp_path / "m.csv").exists()


def test_labels_that_make_no_manifest_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    files = dict(FILES["london"])
    files["labels.csv"] = files["labels.csv"].replace(",18,60,", ",,,")
    root = laid_out(tmp_path / "set", files)
    with pytest.raises(DataSetError, match="line 3: got no age"):
        import_data_set(find_layout("london"), root, tmp_path / "m.csv")
    assert list(tmp_path.iterdir()) == [root]


def test_the_same_folder_gives_the_same_bytes_and_nothing_is_overwritten(tmp_path: Path) -> None:
    root = laid_out(tmp_path / "data", FILES["agedb"])
    told: list[object] = []

    def progress(total: int, done: int) -> object:
        told.append((total, done))
        return told.append

    for name in ("a.parquet", "b.parquet"):
        import_data_set(find_layout("agedb"), root, tmp_path / name, progress=progress)  # type: ignore[arg-type]
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert told == [(3, 0), 1, 1, 1] * 2
    with pytest.raises(DataSetError, match=r"a\.parquet or its statement exists"):
        import_data_set(find_layout("agedb"), root, tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    root = laid_out(tmp_path / "data", FILES["agedb"])
    with pytest.raises(DataSetError, match=f"cannot write {name}"):
        import_data_set(find_layout("agedb"), root, tmp_path / "none" / name)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(DataSetError, match="got another layout than fairface"):
        find_layout("imdb-wiki")


def test_names_are_distinct_and_every_layout_is_tried_here() -> None:
    names = [layout.name for layout in LAYOUTS]
    assert len(set(names)) == len(names)
    assert {*FILES, "fairface-shards"} == set(names)
    assert all(isinstance(layout.age_proof, AgeProof) for layout in LAYOUTS)


@pytest.mark.parametrize(("name", "folder", "rows"), [("london", "london", 204)])
def test_it_was_run_on_the_real_set(
    shared_dir: Path, tmp_path: Path, name: str, folder: str, rows: int
) -> None:
    layout = find_layout(name)
    assert layout.run_on
    found = import_data_set(layout, shared_dir / "data" / folder, tmp_path / "m.csv")
    assert (found.rows, found.left_out) == (rows, {})
