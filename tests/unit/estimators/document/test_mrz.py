"""Machine-readable zones: the standard's specimens, and what must be refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ageassure.errors import BirthDateError, ConfigurationError, DocumentError
from ageassure.estimators.base import Estimator
from ageassure.estimators.document.holder import HolderCheck
from ageassure.estimators.document.mrz import MachineReadableZone, MRZAgeEstimator
from ageassure.results import AgeInterval, MethodClass, PresentationAttack

# Doc 9303 (eighth edition), part 4 appendix B, part 5 appendix B, part 6 appendix B, part 7
# appendices: the specimens of the State of Utopia, and those of part 11, appendix D.
TD3 = """\
P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
L898902C36UTO7408122F1204159ZE184226B<<<<<10
"""
TD1 = """\
I<UTOD231458907<<<<<<<<<<<<<<<
7408122F1204159UTO<<<<<<<<<<<6
ERIKSSON<<ANNA<MARIA<<<<<<<<<<
"""
TD2 = """\
I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<
D231458907UTO7408122F1204159<<<<<<<6
"""
MRV_A = """\
V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
L898902C<3UTO6908061F9406236ZE184226B<<<<<<<
"""
MRV_B = """\
V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<
L898902C<3UTO6908061F9406236ZE184226
"""
TD1_LONG_NUMBER = """\
I<UTOD23145890<7349<<<<<<<<<<<
3407127M9507122UTO<<<<<<<<<<<2
STEVENSON<<PETER<JOHN<<<<<<<<<
"""
TD2_LONG_NUMBER = """\
I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<
D23145890<UTO3407127M95071227349<<<8
"""
OF_2012 = datetime(2012, 1, 15, tzinfo=UTC)
OF_1994 = datetime(1994, 1, 15, tzinfo=UTC)
SPECIMENS = {
    "TD1": (TD1, OF_2012, 37),
    "TD2": (TD2, OF_2012, 37),
    "TD3": (TD3, OF_2012, 37),
    "MRV-A": (MRV_A, OF_1994, 24),
    "MRV-B": (MRV_B, OF_1994, 24),
    "TD1, long number": (TD1_LONG_NUMBER, OF_1994, 59),
    "TD2, long number": (TD2_LONG_NUMBER, OF_1994, 59),
}


def estimate(
    lines: Any, at: datetime = OF_2012, check: HolderCheck = HolderCheck.NOT_MADE
) -> AgeInterval:
    evidence = MachineReadableZone(lines=lines, holder_check=check)
    return MRZAgeEstimator(now=lambda: at).estimate(evidence)


def refused(lines: Any, at: datetime = OF_2012) -> str:
    with pytest.raises(DocumentError) as caught:
        estimate(lines, at)
    return caught.value.code


def digit(field: str) -> str:
    """The check digit, written down again from Doc 9303-3, 4.9."""
    values = [int(c, 36) if c.isalnum() else 0 for c in field]
    return str(sum(v * w for v, w in zip(values, [7, 3, 1] * len(values), strict=False)) % 10)


def passport(birth: str = "740812", expiry: str = "120415", optional: str = "<" * 14) -> str:
    number, own = "L898902C3", digit(optional)
    checked = f"{number}{digit(number)}", f"{birth}{digit(birth)}"
    rest = f"{expiry}{digit(expiry)}{optional}{own}"
    composite = digit("".join([*checked, rest]))
    row = f"{checked[0]}UTO{checked[1]}F{rest}{composite}"
    return f"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\n{row}"


@pytest.mark.parametrize("name", SPECIMENS)
def test_specimens_of_the_standard(name: str) -> None:
    lines, at, years = SPECIMENS[name]
    assert estimate(lines, at).interval(0.5) == (years, years + 1)


@pytest.mark.parametrize("name", SPECIMENS)
def test_every_single_changed_character_that_a_check_digit_covers_is_found(name: str) -> None:
    lines, at, _ = SPECIMENS[name]
    joined = lines.replace("\n", "")
    length = lines.index("\n")
    covered = {
        "TD1": [*range(5, 37), *range(38, 45), *range(48, 60)],
        "TD2": [*range(36, 46), *range(49, 56), *range(57, 72)],
        "TD3": [*range(44, 54), *range(57, 64), *range(65, 88)],
        "MRV-A": [*range(44, 54), *range(57, 64), *range(65, 72)],
        "MRV-B": [*range(36, 46), *range(49, 56), *range(57, 64)],
    }[name.split(",")[0]]
    for index in covered:
        old = joined[index]
        # A step of one is always found: its weight, 7, 3 or 1, is no multiple of ten.
        new = {"<": "1", "9": "8", "Z": "Y"}.get(old, chr(ord(old) + 1))
        changed = joined[:index] + new + joined[index + 1 :]
        again = "\n".join(changed[i : i + length] for i in range(0, len(changed), length))
        with pytest.raises((DocumentError, BirthDateError)) as caught:
            estimate(again, at)
        assert caught.value.code in {"check_digit", "document_malformed"}, index


@pytest.mark.parametrize("name", ["TD1", "TD2", "TD3"])
def test_the_composite_digit_alone_is_checked(name: str) -> None:
    lines, at, _ = SPECIMENS[name]
    rows = lines.split()
    rows[1] = rows[1][:-1] + str((int(rows[1][-1]) + 1) % 10)
    assert refused("\n".join(rows), at) == "check_digit"


def test_each_digit_of_its_own_is_checked_though_the_composite_fits() -> None:
    good = passport(optional="ZE184226B<<<<<")
    assert estimate(good).interval(0.5) == (37, 38)
    lines = good.split("\n")
    for at in (9, 19, 27, 42):
        row = list(lines[1])
        row[at] = str((int(row[at]) + 1) % 10)
        row[43] = digit("".join(row[0:10] + row[13:20] + row[21:43]))
        assert refused(f"{lines[0]}\n{''.join(row)}") == "check_digit"


def test_the_digit_of_empty_optional_data_may_be_a_filler() -> None:
    row = list(passport().split("\n")[1])
    row[42] = "<"
    row[43] = digit("".join(row[0:10] + row[13:20] + row[21:43]))
    assert estimate(f"{TD3.split()[0]}\n{''.join(row)}").interval(0.5) == (37, 38)
    row[42] = "5"
    row[43] = digit("".join(row[0:10] + row[13:20] + row[21:43]))
    assert refused(f"{TD3.split()[0]}\n{''.join(row)}") == "check_digit"
    row = list(passport(optional="ZE184226B<<<<<").split("\n")[1])
    row[42] = "<"
    row[43] = digit("".join(row[0:10] + row[13:20] + row[21:43]))
    assert refused(f"{TD3.split()[0]}\n{''.join(row)}") == "check_digit"


@pytest.mark.parametrize("rest", ["<<<<<<<<<<<<<<<", "7<<<<<<<<<<<<<<", "7340<<<<<<<<<<<"])
def test_a_long_number_needs_its_digit(rest: str) -> None:
    lines = TD1_LONG_NUMBER.split()
    lines[0] = lines[0][:15] + rest
    assert refused("\n".join(lines), OF_1994) == "check_digit"


def test_a_long_number_has_more_than_its_digit() -> None:
    lines = TD1_LONG_NUMBER.split()
    lines[0] = lines[0][:15] + digit(lines[0][5:14]) + "<" * 14
    covered = lines[0][5:30] + lines[1][0:7] + lines[1][8:15] + lines[1][18:29]
    lines[1] = lines[1][:-1] + digit(covered)
    assert refused("\n".join(lines), OF_1994) == "check_digit"


def test_a_number_that_does_not_go_on_has_its_digit() -> None:
    row = list(passport().split("\n")[1])
    row[9] = "<"
    row[43] = digit("".join(row[0:10] + row[13:20] + row[21:43]))
    assert refused(f"{TD3.split()[0]}\n{''.join(row)}") == "check_digit"


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("7408<<", (37, 38)),
        ("7401<<", (37, 39)),
        ("74<<<<", (37, 39)),
        ("74<<12", (37, 39)),  # a day without its month says nothing
        ("<<<<<<", (0, 121)),
        ("<<0812", (0, 121)),
        ("740115", (37, 39)),  # the birthday: begun somewhere
    ],
)
def test_unknown_parts_of_a_birth_date_are_an_interval(
    birth: str, expected: tuple[int, int]
) -> None:
    assert estimate(passport(birth)).interval(0.5) == expected


@pytest.mark.parametrize(
    ("birth", "years"), [("120114", 0), ("120116", 99), ("120117", 99), ("000229", 11)]
)
def test_a_year_is_the_latest_that_is_not_in_the_future(birth: str, years: int) -> None:
    low, high = estimate(passport(birth)).interval(0.5)
    assert low <= years < high


@pytest.mark.parametrize("birth", ["740230", "741301", "740001", "740800", "010229"])
def test_impossible_birth_dates_are_refused(birth: str) -> None:
    with pytest.raises(BirthDateError) as caught:
        estimate(passport(birth))
    assert caught.value.code == "birth_date_impossible"


@pytest.mark.parametrize("birth", ["7408<2", "74081<", "74<812", "A40812", "7408AB"])
def test_half_known_pairs_and_letters_are_refused(birth: str) -> None:
    assert refused(passport(birth)) == "document_malformed"


@pytest.mark.parametrize("expiry", ["<<<<<<", "12<<<<", "1204<<", "120431", "121301", "12A415"])
def test_an_expiry_that_is_no_date_is_refused(expiry: str) -> None:
    assert refused(passport(expiry=expiry)) == "document_malformed"


def test_a_document_is_good_until_its_last_day_has_ended_everywhere() -> None:
    last_moment = datetime(2012, 4, 16, 11, 59, tzinfo=UTC)
    assert estimate(passport(expiry="120415"), last_moment).interval(0.5) == (37, 38)
    assert refused(passport(expiry="120415"), last_moment + timedelta(minutes=1)) == (
        "document_expired"
    )


@pytest.mark.parametrize(
    ("expiry", "good"),
    [("120114", True), ("610101", True), ("620101", False), ("991231", False), ("110101", False)],
)
def test_an_expiry_lies_within_50_years(expiry: str, good: bool) -> None:
    # 2012: 61 is 2061, and 62 is 1962; the 14th has not ended at UTC−12.
    if good:
        assert estimate(passport(expiry=expiry)).interval(0.5) == (37, 38)
    else:
        assert refused(passport(expiry=expiry)) == "document_expired"


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "\n",
        TD3.replace("P<UTO", "D<UTO"),
        TD3.replace("P<UTO", "I<UTO"),
        TD1.replace("I<UTO", "P<UTO"),
        TD1.replace("I<UTO", "V<UTO"),
        TD2.replace("I<UTO", "P<UTO"),
        TD3.lower(),
        TD3.replace("ERIKSSON", "ERIKSSÖN"),
        TD3.replace("<<<10", "<< 10"),
        TD3[:-2],
        TD3 + "\n",
        TD3 + TD3,
        "\n" + TD3,
        TD3.replace("\n", ""),
        TD3.replace("\n", "\n\n"),
        TD3.replace("\n", " "),
        TD3.replace("\n", "\x00"),
        TD1.replace("\n", "", 1),
        "<" * 44 + "\n" + "<" * 44,
        "P" * 10_000,
        b"\xff" * 88,
        None,
        88,
        ["P<UTO", "L898"],
        memoryview(bytes(88))[::2],
    ],
)
def test_what_is_no_zone_is_refused(lines: Any) -> None:
    assert refused(lines) == "document_malformed"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    for lines in (TD1, TD2, TD3):
        assert estimate(lines.replace("\n", end)).interval(0.5) == (37, 38)
        assert estimate(lines.replace("\n", end).rstrip()).interval(0.5) == (37, 38)


def test_no_text_is_longer_than_three_lines_with_their_ends() -> None:
    with pytest.raises(DocumentError, match="over 96 bytes"):
        estimate("A" * 97)
    with pytest.raises(DocumentError, match="expected at most 96"):
        estimate(b"A" * 97)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_read_too(kind: type) -> None:
    assert estimate(kind(TD3.encode())).interval(0.5) == (37, 38)


@pytest.mark.parametrize("lines", [TD3, TD3[:-2] + "9\n", "A" * 5000])
def test_writable_bytes_hold_zeros_afterwards(lines: str) -> None:
    held = bytearray(lines.encode())
    if lines == TD3:
        estimate(held)
    else:
        refused(held)
    assert held == bytes(len(lines))
    held += b"."  # no view is left open
    held = bytearray(lines.encode())
    with memoryview(held) as view, suppress(DocumentError):
        estimate(view)
    assert held == bytes(len(lines))


def test_a_zone_alone_is_not_bound_and_a_holder_check_is_attested_by_name() -> None:
    known = {check: estimate(TD3, check=check) for check in HolderCheck}
    assert {k: (v.bound, v.presentation_attack) for k, v in known.items()} == {
        HolderCheck.NOT_MADE: (False, PresentationAttack.NOT_APPLICABLE),
        HolderCheck.IN_PERSON: (True, PresentationAttack.NOT_APPLICABLE),
        HolderCheck.LIVE_FACE: (True, PresentationAttack.PASSED),
        HolderCheck.FACE_WITHOUT_LIVENESS: (True, PresentationAttack.NOT_EVALUATED),
    }
    assert all(each.method_class is MethodClass.VERIFICATION for each in known.values())
    assert all(each.as_of == OF_2012 and each.pipeline_digest is None for each in known.values())


@pytest.mark.parametrize("check", [True, False, None, "in_person", 1])
def test_a_holder_check_is_no_boolean(check: Any) -> None:
    with pytest.raises(ConfigurationError, match="no HolderCheck"):
        MachineReadableZone(lines=TD3, holder_check=check)


def test_other_evidence_is_refused() -> None:
    unknown: Any = TD3
    with pytest.raises(DocumentError, match="no MachineReadableZone"):
        MRZAgeEstimator().estimate(unknown)


def test_the_clock_is_the_systems_and_the_protocol_is_kept() -> None:
    estimator: Estimator[MachineReadableZone] = MRZAgeEstimator()
    assert isinstance(estimator, Estimator)
    evidence = MachineReadableZone(lines=TD3, holder_check=HolderCheck.NOT_MADE)
    with pytest.raises(DocumentError) as caught:
        estimator.estimate(evidence)
    assert caught.value.code == "document_expired"


def test_a_naive_clock_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ConfigurationError, match="naive"):
        estimate(TD3, OF_2012.replace(tzinfo=None))
