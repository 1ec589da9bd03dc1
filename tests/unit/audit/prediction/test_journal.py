from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from ageassure.audit.prediction.assessing import Answer
from ageassure.audit.prediction.journal import Journal
from ageassure.errors import PredictionsError

if TYPE_CHECKING:
    from pathlib import Path

RUN = {"manifest_sha256": "ab" * 32, "estimator": "facial"}

MEMBERS: dict[str, Any] = {"identity": RUN, "count": 3, "chances": 6}


def opened(folder: Path, **changes: Any) -> Journal:
    return Journal(folder / "j", **MEMBERS | changes)


def answer(index: int, years: float = 20.1) -> Answer:
    chances = (1.0, 0.9, 1 / 3, 0.2, 0.1, 0.0)
    return Answer(
        index=index, status="ok", estimated_age_years=years, p_over=chances, latency_ms=1.5
    )


def test_answers_survive_to_the_last_bit(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([answer(2), Answer(index=0, status="no_face")])
    with opened(tmp_path) as journal:
        assert journal.done.tolist() == [True, False, True]
        assert journal.figures[2].tolist() == [20.1, 1.0, 0.9, 1 / 3, 0.2, 0.1, 0.0, 1.5]
        assert all(map(math.isnan, journal.figures[0]))
        journal.append([answer(1)])
        assert journal.statuses == ["no_face", "ok", "ok"]


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    with opened(tmp_path) as journal:
        journal.append([answer(0)])
        journal.append([answer(1)])
    path = tmp_path / "j"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with opened(tmp_path) as journal:
        assert journal.done.tolist()[1:] == [False, False]
        left = [index for index in (0, 1) if not journal.done[index]]
        journal.append([answer(index) for index in left])
    assert path.read_bytes() == whole


def test_a_first_line_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    whole = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(whole[:10])
    with opened(tmp_path) as journal:
        assert not journal.done.any()
    assert (tmp_path / "j").read_bytes() == whole


def test_the_first_answer_to_a_picture_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([answer(0, 20.0), answer(0, 30.0)])
        assert journal.figures[0, 0] == 20.0
    with opened(tmp_path) as journal:
        assert journal.figures[0, 0] == 20.0


def test_the_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    with pytest.raises(PredictionsError, match="belongs to another run"):
        opened(tmp_path, identity=RUN | {"estimator": "other"})


@pytest.mark.parametrize(
    "line",
    [
        b"x,ok,1,1,1,1,1,1,1,1\n", b"3,ok,1,1,1,1,1,1,1,1\n", b"-1,ok,1,1,1,1,1,1,1,1\n",
        b"0,ok,1,1,1,1,1,1,1\n", b"0,OK,1,1,1,1,1,1,1,1\n", b"0\n", b"\n", b"\xff\n",
        b"0,ok,1,1,1,1,1,1,1,x\n", b"\x00" * 40 + b"\n",
    ],
)  # fmt: skip
def test_a_damaged_journal_is_refused(tmp_path: Path, line: bytes) -> None:
    with opened(tmp_path) as journal:
        journal.append([answer(1)])
    with (tmp_path / "j").open("ab") as file:
        file.write(line + b"0,no_face,nan,nan,nan,nan,nan,nan,nan,nan\n")
    with pytest.raises(PredictionsError, match="damaged in line 3"):
        opened(tmp_path)


def test_an_answer_with_as_many_probabilities_as_another_run_asks_for_is_damage(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as journal:
        journal.append([answer(1)])
    with pytest.raises(PredictionsError, match="damaged in line 2"):
        opened(tmp_path, chances=120)


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(PredictionsError, match="another run is writing it"):
        opened(tmp_path)
    with opened(tmp_path):
        pass


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="cannot use the journal j: No such file"):
        opened(tmp_path / "none")


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(PredictionsError, match="cannot write the journal full: No space left"):
        _write_to_full_device()


def _write_to_full_device() -> None:
    from pathlib import Path

    path = Path("/dev/full")
    if not path.exists():
        pytest.skip("this system has no /dev/full")
    journal = Journal.__new__(Journal)
    with path.open("wb", buffering=0) as file:
        journal._file, journal._name = file, "full"
        journal.append([answer(0)])


def test_others_cannot_read_it(tmp_path: Path) -> None:
    with opened(tmp_path):
        assert (tmp_path / "j").stat().st_mode & 0o077 == 0
