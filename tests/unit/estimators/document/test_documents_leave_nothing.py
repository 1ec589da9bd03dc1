"""Birth date, name and number of a document are in nothing that outlives its assessment.

For every path: what is logged, printed and warned of; the ``repr`` of everything; pickles; and all
that can be reached from an error's traceback, through the frames of the library.
"""

from __future__ import annotations

import base64
import gc
import json
import logging
import pickle
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import zxingcpp

from ageassure.errors import AgeAssuranceError
from ageassure.estimators.birth_dates import BirthDate
from ageassure.estimators.document import (
    ChipAgeEstimator,
    ChipData,
    HolderCheck,
    LicenceAgeEstimator,
    LicenceBarcode,
    LicencePicture,
    MachineReadableZone,
    MRZAgeEstimator,
)
from ageassure.estimators.external import (
    CheckAnswer,
    CheckState,
    ExternalCheck,
    ExternalCheckEstimator,
)
from ageassure.policy import (
    Binding,
    MemoryAttemptStore,
    Policy,
    PresentationAttackRule,
)
from ageassure.provider import Provider, RelyingParty
from ageassure.results import AgeRequest, Direction, MethodClass, Outcome
from ageassure.tokens import SigningKey, TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VECTORS = Path(__file__).parents[3] / "vectors" / "chip"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
NEEDLES = ("ERIKSSON", "L898902C3", "740812", "08121974", "1974-08-12", "T64235789")
ZONE = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F3104150ZE184226B<<<<<16\n"
)
LICENCE = (
    b"@\n\x1e\rANSI 636000100101DL00310058DLDAQT64235789\nDCSERIKSSON\nDBB08121974\n"
    b"DBA12102028\nDCGUSA\r"
)
REFERENCE = "reference_of_this_request"
CHECK = HolderCheck.LIVE_FACE


def vector(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("ascii"))
    return found


ANCHOR = bytes.fromhex(vector("accepted/plain")["country_signing_certificates"][0])


def mrz(lines: str | bytes) -> tuple[Any, Any]:
    evidence = MachineReadableZone(lines=lines, holder_check=CHECK)
    return MRZAgeEstimator(now=lambda: NOW), evidence


def licence(content: bytes) -> tuple[Any, Any]:
    evidence = LicenceBarcode(content=content, holder_check=CHECK)
    return LicenceAgeEstimator(now=lambda: NOW), evidence


def picture(content: bytes) -> tuple[Any, Any]:
    symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.PDF417)
    pixels = np.array(zxingcpp.write_barcode_to_image(symbol, scale=3))
    file = cv2.imencode(".png", pixels)[1].tobytes()
    return LicenceAgeEstimator(now=lambda: NOW), LicencePicture(picture=file, holder_check=CHECK)


def chip(name: str) -> tuple[Any, Any]:
    files = vector(name)
    evidence = ChipData(
        security_object=bytes.fromhex(files["security_object"]),
        data_group_1=bytes.fromhex(files["data_group_1"]),
        holder_check=CHECK,
    )
    return ChipAgeEstimator(country_signing_certificates=[ANCHOR], now=lambda: NOW), evidence


def external(reference: str = REFERENCE) -> tuple[Any, Any]:
    answer = CheckAnswer(
        check_id="check_0000",
        reference=reference,
        state=CheckState.PASSED,
        age=BirthDate(year=1974, month=8, day=12),
        holder_check=CHECK,
    )

    class Service:
        def start(self, *, reference: str, age_limit: int) -> Any:
            raise NotImplementedError

        def fetch(self, check_id: str) -> CheckAnswer:  # noqa: ARG002
            return answer

    evidence = ExternalCheck(check_id="check_0000", reference=REFERENCE)
    return ExternalCheckEstimator(Service(), now=lambda: NOW), evidence


GOOD: dict[str, Callable[[], tuple[Any, Any]]] = {
    "zone": lambda: mrz(ZONE),
    "zone, bytes": lambda: mrz(ZONE.encode()),
    "licence": lambda: licence(LICENCE),
    "picture": lambda: picture(LICENCE),
    "chip": lambda: chip("accepted/plain"),
    "external": external,
}
BAD: dict[str, Callable[[], tuple[Any, Any]]] = {
    "zone, malformed": lambda: mrz(ZONE.replace("MARIA", "maria")),
    "zone, check digit": lambda: mrz(ZONE.replace("16\n", "17\n")),
    "zone, lines": lambda: mrz(ZONE + ZONE),
    "zone, no ASCII": lambda: mrz(ZONE + "é"),
    "licence, offset": lambda: licence(LICENCE.replace(b"DL0031", b"DL0030")),
    "licence, twice": lambda: licence(LICENCE.replace(b"DCSERIKSSON", b"DBB08121974")),
    "licence, expired": lambda: licence(LICENCE.replace(b"12102028", b"12102024")),
    "licence, impossible": lambda: licence(LICENCE.replace(b"08121974", b"08321974")),
    "picture, malformed": lambda: picture(LICENCE.replace(b"DCGUSA", b"DCGUS2")),
    "chip, name altered": lambda: chip("document_altered/name"),
    "chip, check digit": lambda: chip("check_digit/zone"),
    "chip, expired": lambda: chip("document_expired/document"),
    "chip, zone": lambda: chip("document_malformed/zone_lower"),
    "chip, untrusted": lambda: chip("document_untrusted/signer_expired"),
    "external, another's": lambda: external("reference_of_another_request"),
}


def found_in(thing: object) -> list[str]:
    """Needles in a text or in bytes, also where hidden in hexadecimal."""
    if isinstance(thing, str):
        text = thing
    elif isinstance(thing, bytes | bytearray):
        text = bytes(thing).decode("latin-1")
    elif isinstance(thing, memoryview):
        text = _bytes(thing).decode("latin-1")
    else:
        return []
    return [needle for needle in NEEDLES if needle in text]


def _bytes(view: memoryview) -> bytes:
    try:
        return bytes(view)
    except ValueError:  # released
        return b""


def frames_of(error: BaseException) -> Iterator[FrameType]:
    chain: list[BaseException | None] = [error]
    while chain:
        each = chain.pop()
        if each is not None:
            chain += [each.__cause__, each.__context__]
            for frame, _ in traceback.walk_tb(each.__traceback__):
                if "/ageassure/" in frame.f_code.co_filename:
                    yield frame


def reached(error: BaseException) -> list[str]:
    """Needles in anything that the library's frames of a traceback still hold."""
    pending: list[object] = [v for frame in frames_of(error) for v in frame.f_locals.values()]
    pending += [error.args, vars(error)]
    seen: set[int] = set()
    found: list[str] = []
    while pending:
        thing = pending.pop()
        if id(thing) in seen or isinstance(thing, type | ModuleType | FunctionType | FrameType):
            continue
        seen.add(id(thing))
        found += found_in(thing)
        pending += gc.get_referents(thing)
    return found


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing at all is logged or printed."""
    caplog.set_level(logging.DEBUG)
    yield
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_the_search_finds_what_is_there() -> None:
    def holds(document: str) -> None:
        kept = [{"a": memoryview(document.encode())}]
        raise ValueError(len(kept))

    try:
        holds("ERIKSSON")
    except ValueError as error:
        frame = next(f for f, _ in traceback.walk_tb(error.__traceback__) if "kept" in f.f_locals)
        assert "/ageassure/" not in frame.f_code.co_filename
        inside = frame.f_locals["kept"]
        assert found_in(inside[0]["a"]) == ["ERIKSSON"]


@pytest.mark.parametrize("name", GOOD)
def test_evidence_and_estimate_are_shown_and_pickled_nowhere(name: str) -> None:
    estimator, evidence = GOOD[name]()
    known = estimator.estimate(evidence)
    assert known.interval(0.5) == (51, 52)
    for held in (evidence, known, estimator):
        for shown in (repr(held), str(held), f"{held}"):
            assert found_in(shown) == []
            assert "51" not in shown.partition(" at 0x")[0]
    for held in (evidence, known):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError):
                pickle.dumps(held, protocol)
    # What the estimator keeps is its set-up.
    assert [n for kept in vars(estimator).values() for n in found_in(kept)] == []


@pytest.mark.parametrize("name", BAD)
def test_an_error_holds_nothing_of_the_document(name: str) -> None:
    estimator, evidence = BAD[name]()
    with pytest.raises(AgeAssuranceError) as caught:
        estimator.estimate(evidence)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error))
    assert found_in(told) == []
    assert reached(error) == []
    assert found_in(pickle.dumps(error)) == []
    assert [frame.f_code.co_name for frame in frames_of(error)] == ["estimate", "sealed"]


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_the_answer_and_the_token_say_one_thing(name: str) -> None:
    estimator, evidence = {**GOOD, **BAD}[name]()
    policy = Policy(
        age_limit=18,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.VERIFICATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.EVALUATED,
        over=None,
        under=None,
        session_alpha=None,
        max_attempts=1,
    )
    provider = Provider(
        estimators={"document": estimator},
        policies=[policy],
        issuer=TokenIssuer(
            issuer="https://provider.example", signing_key=SigningKey.generate(), now=lambda: NOW
        ),
        relying_parties=[RelyingParty(audience="https://platform.example")],
        attempt_store=MemoryAttemptStore(now=lambda: NOW),
        now=lambda: NOW,
    )
    request = AgeRequest(audience="https://platform.example", nonce="n" * 32, age_over=18)
    if name in BAD:
        with pytest.raises(AgeAssuranceError) as caught:
            provider.assess(evidence, request)
        assert reached(caught.value) == []
        return
    result = provider.assess(evidence, request)
    assert result.outcome is Outcome.OVER
    assert result.token is not None
    payload = result.token.split(".")[1]
    claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
    assert json.loads(claims)["age_equal_or_over"] == {"18": True}
    assert "1974" not in claims
    assert "51" not in claims.replace(json.loads(claims)["jti"], "").replace("2851200", "")
    assert found_in(repr(result)) == []
