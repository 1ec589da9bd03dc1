"""Coverage-guided fuzzing of the parsers of documents: zones, licences, security objects.

Not part of the test suite. Needs atheris (``pip install atheris``); runs until something other than
an error of the library comes out, an input takes more than ten seconds or 512 MB, or the time is
over. Writes what was done to ``--out``, and an input that fails to the working folder::

    python benchmarks/fuzz_documents.py mrz 600 --out benchmarks/results/fuzz_mrz.json
    python benchmarks/fuzz_documents.py aamva 600 --out benchmarks/results/fuzz_aamva.json
    python benchmarks/fuzz_documents.py sod 600 --out benchmarks/results/fuzz_sod.json

Check digits are mended after most mutations, and signatures are taken as good in half of the runs
for security objects, so that changes reach what lies behind them.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import atheris
import fuzzing

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "tests" / "vectors" / "chip"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
MEMORY_MB = 512
PARSERS = ("mrz", "aamva", "sod")
ZONES = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F3104150ZE184226B<<<<<16",
    "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F3104150UTO<<<<<<<<<<<2\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F3104150<<<<<<<2",
    "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C<3UTO6908061F3104150ZE184226B<<<<<<<",
    "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL898902C<3UTO6908061F3104150ZE184226",
    "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M3104150UTO<<<<<<<<<<<0\nSTEVENSON<<PETER<JOHN<<<<<<<<<",
)
LICENCES = (
    b"@\n\x1e\rANSI 636000100102DL00410056ZV00970008DLDAQT64235789\nDCSSAMPLE\nDBB06141986\n"
    b"DBA12102028\nDCGUSA\rZVZVA01\r",
    b"@\n\x1e\rANSI 6360000101DL00290044DLDAQT64235789\nDBB19860614\nDBA20281210\n\r",
    b"@\n\x1e\rANSI 636000080101DL00310074DLDBB20090614\nDBA20281210\nDCGCAN\nDDH20270614\n"
    b"DDI20280614\nDDJ20300614\r",
)


def zone_target() -> tuple[list[bytes], Callable[[bytes], None], Callable[[bytes, int], bytes]]:
    """Seeds, the call, and what mends a mutation."""
    from ageassure.estimators.document import HolderCheck, MachineReadableZone, MRZAgeEstimator

    estimator = MRZAgeEstimator(now=lambda: NOW)

    def call(data: bytes) -> None:
        held = bytearray(data)
        try:
            estimator.estimate(
                MachineReadableZone(lines=held, holder_check=HolderCheck.NOT_MADE)
            ).interval(0.5)
        finally:
            if any(held):
                raise AssertionError("the zone was not wiped")

    def mend(data: bytes, seed: int) -> bytes:
        text = data.decode("ascii", "ignore").upper()
        text = re.sub(r"[^A-Z0-9<\n]", lambda m: "0123456789<ABCDEF"[ord(m[0]) % 17], text)
        lines = text.split("\n")
        layouts = {(30, 30, 30): 30, (36, 36): 36, (44, 44): 44}
        random.seed(seed)
        lengths = random.choice(list(layouts))
        lines = [
            (lines[i] if i < len(lines) else "").ljust(n, "<")[:n] for i, n in enumerate(lengths)
        ]
        return "\n".join(with_digits(lines)).encode()

    return [zone.encode() for zone in ZONES], call, mend


def digit(text: str) -> str:
    values = [int(c, 36) if c.isalnum() else 0 for c in text]
    return str(sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10)


def with_digits(lines: list[str]) -> list[str]:
    """Set all check digits of a zone right."""
    if len(lines) == 3:
        one, two = list(lines[0]), list(lines[1])
        if one[14] != "<":
            one[14] = digit("".join(one[5:14]))
        two[6], two[14] = digit("".join(two[0:6])), digit("".join(two[8:14]))
        two[29] = digit("".join(one[5:30] + two[0:7] + two[8:15] + two[18:29]))
        return ["".join(one), "".join(two), lines[2]]
    row = list(lines[1])
    if row[9] != "<" or len(row) == 44:
        row[9] = digit("".join(row[0:9]))
    row[19], row[27] = digit("".join(row[13:19])), digit("".join(row[21:27]))
    if not lines[0].startswith("V"):
        if len(row) == 44:
            row[42] = digit("".join(row[28:42]))
        row[-1] = digit("".join(row[0:10] + row[13:20] + row[21:-1]))
    return [lines[0], "".join(row)]


def licence_target() -> tuple[list[bytes], Callable[[bytes], None], Callable[[bytes, int], bytes]]:
    """Seeds, the call, and what mends a mutation."""
    from ageassure.estimators.document import HolderCheck, LicenceAgeEstimator, LicenceBarcode

    estimator = LicenceAgeEstimator(now=lambda: NOW)

    def call(data: bytes) -> None:
        held = bytearray(data)
        try:
            estimator.estimate(
                LicenceBarcode(content=held, holder_check=HolderCheck.NOT_MADE)
            ).interval(0.5)
        finally:
            if any(held):
                raise AssertionError("the barcode's file was not wiped")

    def mend(data: bytes, seed: int) -> bytes:
        """One subfile, from what a mutation left of the elements, where its designator says."""
        version = 1 + seed % 10
        elements = data[data.rfind(b"DL", 0, 90) + 2 :].replace(b"\r", b"")[:2000]
        head = b"@\n\x1e\rANSI 636000%02d" % version + (b"01" if version > 1 else b"") + b"01"
        body = b"DL" + elements + b"\r"
        return head + b"DL%04d%04d" % (len(head) + 10, len(body)) + body

    return list(LICENCES), call, mend


def chip_target() -> tuple[list[bytes], Callable[[bytes], None], Callable[[bytes, int], bytes]]:
    """Seeds, the call, and what mends a mutation.

    The first byte chooses whether signatures are looked at. Where they are not, digests are not
    either: the mutation is parsed to the end.
    """
    from ageassure.estimators.document import ChipAgeEstimator, ChipData, HolderCheck
    from ageassure.estimators.document.chip import certificates, cms, passive

    vectors = [json.loads(p.read_text("ascii")) for p in sorted(VECTORS.rglob("*.json"))]
    anchors = sorted({a for v in vectors for a in v["country_signing_certificates"]})[:8]
    plain = json.loads((VECTORS / "accepted" / "plain.json").read_text("ascii"))
    estimator = ChipAgeEstimator(
        country_signing_certificates=[bytes.fromhex(a) for a in anchors], now=lambda: NOW
    )
    real: list[tuple[Any, str, Any]] = [
        (module, name, getattr(module, name))
        for module, name in (
            (cms, "is_signature"),
            (cms, "digest"),
            (certificates, "is_signature"),
            (passive, "digest"),
        )
    ]
    group = bytes.fromhex(plain["data_group_1"])

    class Whatever(bytes):
        """A digest that equals every other."""

        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = bytes.__hash__

    def call(data: bytes) -> None:
        believed = bool(data) and data[0] % 2 == 0
        for module, name, function in real:
            setattr(
                module,
                name,
                function
                if not believed
                else (lambda *_: Whatever())
                if name == "digest"
                else (lambda *_: True),
            )
        held, zone = bytearray(data[1:]), bytearray(group)
        try:
            estimator.estimate(
                ChipData(security_object=held, data_group_1=zone, holder_check=HolderCheck.NOT_MADE)
            ).interval(0.5)
        finally:
            if any(held) or any(zone):
                raise AssertionError("the files were not wiped")

    def mend(data: bytes, _seed: int) -> bytes:
        """Make the lengths on the way down right again, where the tags still are."""
        return data[:1] + mended_lengths(data[1:], 8)

    seeds = [b"\x00" + bytes.fromhex(v["security_object"]) for v in vectors]
    return [s for s in seeds if len(s) < 8_000], call, mend


def mended_lengths(data: bytes, depth: int) -> bytes:
    """Re-encode constructed elements with the lengths that their contents have."""
    done, position = b"", 0
    while position + 2 <= len(data):
        tag, first = data[position], data[position + 1]
        size = first & 0x7F if first & 0x80 else 0
        if size > 3 or tag & 0x1F == 0x1F:
            break
        start = position + 2 + size
        length = int.from_bytes(data[position + 2 : start], "big") if size else first
        content = data[start : start + length]
        if tag & 0x20 and depth:
            content = mended_lengths(content, depth - 1)
        done += bytes([tag]) + der_length(len(content)) + content
        position = start + length
    return done + data[position:]


def der_length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


TARGETS = {"mrz": zone_target, "aamva": licence_target, "sod": chip_target}


def fuzz_one(parser: str, seconds: int, counts: Path) -> None:
    """In a process of its own: libFuzzer ends it."""
    with atheris.instrument_imports(include=["ageassure.estimators"]):
        from ageassure.errors import EvidenceError

        seeds, call, mend = TARGETS[parser]()
    tally: Counter[str] = Counter()
    slowest = [0.0]

    def check(data: bytes) -> None:
        began = time.process_time()
        try:
            call(data)
            tally["accepted"] += 1
        except EvidenceError as error:
            tally[error.code] += 1
        slowest[0] = max(slowest[0], time.process_time() - began)
        if sum(tally.values()) % 2000 == 0:
            counts.write_text(json.dumps({"codes": tally, "slowest_seconds": slowest[0]}))

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        changed = atheris.Mutate(data, max_size)
        return mend(changed, seed)[:max_size] if seed % 5 else changed

    options = [
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY_MB}",
        "-max_len=8000",
        "-print_final_stats=1",
        f"-artifact_prefix={counts.parent}/",
    ]
    fuzzing.fuzz(seeds, check, options, mutate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parser", choices=PARSERS)
    parser.add_argument("seconds", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--counts", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.counts is not None:
        fuzz_one(given.parser, given.seconds, given.counts)
        return
    with TemporaryDirectory() as folder:
        counts = Path(folder) / "counts.json"
        command = [
            sys.executable,
            __file__,
            given.parser,
            str(given.seconds),
            "--counts",
            str(counts),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seen = json.loads(counts.read_text()) if counts.exists() else {}
        found = [p.name for p in Path(folder).iterdir() if p != counts]
        for name in found:
            shutil.copy(Path(folder) / name, Path.cwd() / name)
    result = {
        "parser": given.parser,
        "seconds": given.seconds,
        "executions": fuzzing.statistics(done.stderr)["executions"],
        "status": done.returncode,
        "findings": found,
        "codes": dict(sorted(seen.get("codes", {}).items())),
        "slowest_cpu_seconds": round(seen.get("slowest_seconds", 0.0), 4),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "limits": {"seconds_per_input": fuzzing.TIMEOUT_SECONDS, "memory_mb": MEMORY_MB},
        "python": platform.python_version(),
        "made": datetime.now(UTC).date().isoformat(),
    }
    text = json.dumps(result, indent=1) + "\n"
    print(text, end="")
    if done.returncode or found:
        print(done.stdout[-4000:], done.stderr[-4000:], file=sys.stderr)
        sys.exit(1)
    if given.out is not None:
        given.out.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
