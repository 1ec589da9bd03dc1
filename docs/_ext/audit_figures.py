"""The tables of audits: whether intervals hold, and what rows and engines cost."""

from __future__ import annotations

from figure_parts import RESULTS, load, percent, table


def audit_coverage() -> str:
    """How often intervals and the threshold rule hold what they say."""
    found = load(RESULTS / "audit-coverage.json")
    head = ["what", "people", "promised", "held", "repetitions"]
    rows = [
        [
            row["what"],
            row["people"],
            row["promise"],
            f"{percent(row['held'], 1)} [{percent(row['low'], 1)}, {percent(row['high'], 1)}]",
            f"{row['repetitions']:,}",
        ]
        for row in found["rows"]
    ]
    return (
        f"{table(head, rows)}\n\nData: {found['data']}. In brackets: 95 % Clopper–Pearson, for the "
        "number of repetitions."
    )


def audit_scale() -> str:
    """What an evaluation costs, by number of rows."""
    found = load(RESULTS / "audit-scale.json")
    head = ["rows", "people", "CPU seconds", "of them, bootstrap of errors", "drawn from", "memory"]
    rows = [
        [
            f"{size['rows']:,}",
            f"{size['people']:,}",
            f"{size['cpu_seconds']:.1f}",
            f"{size['bootstrap_cpu_seconds']:.1f}",
            f"{size['bootstrap_units']:,} "
            + ("bins" if size["people"] == size["rows"] else "people and bands"),
            f"{size['peak_rss_mib']:,} MiB",
        ]
        for size in found["sizes"]
    ]
    return (
        f"{table(head, rows)}\n\nEverything that `evaluate` measures at one operating point, on "
        f"{found['data']} ({found['sizes'][0]['groups']} groups with pairs and age bands, "
        f"{found['resamples']:,} resamples). Python {found['python']}, numpy {found['numpy']}, "
        f"{found['cores']} cores, {found['load']}. Made by `python benchmarks/audit_scale.py`."
    )


def audit_engines() -> str:
    """What the default engine, a row and Ray add to the estimator's own work."""
    found = load(RESULTS / "audit_engines.json")
    over, rows, shards = found["overhead"], found["rows"], found["shards"]
    ratio = over["ratio_engine_to_plain"]
    table_rows = [
        ["a picture in a plain loop", f"{over['plain_ms_per_picture']:.1f} ms"],
        [
            "a picture through `threads`",
            f"{over['engine_ms_per_picture']:.1f} ms: {ratio['median']:.3f} of the plain loop "
            f"({ratio['least']:.3f} to {ratio['greatest']:.3f} in {over['rounds']} rounds)",
        ],
        [
            "a row beside its picture",
            f"{rows['seconds_per_million_rows']:.0f} s and {rows['mib_per_million_rows']:,} MiB "
            "for a million, in the process that gives out the work",
        ],
        [
            "the headers of a shard",
            f"{shards['seconds_per_million_members']:.0f} s for a million pictures",
        ],
    ]
    if found["ray"] is not None:
        ray = found["ray"]
        table_rows.append(
            [
                "a picture through Ray Data",
                f"{ray['ms_per_picture']:.1f} ms in all of Ray's processes (plain loop right "
                f"after: {ray['plain_ms_per_picture_right_after']:.1f} ms), and "
                f"{ray['cluster_start_seconds']:.0f} s once for a cluster",
            ]
        )
    where = found["circumstances"]
    return (
        f"{table(['', 'processor time'], table_rows)}\n\nOne portrait of 512 × 512 pixels; "
        f"{where['processors']} processors, load average {where['load_average_before']} before: a "
        "busy machine makes times longer, ratios of one run less so."
    )


def audit_cost() -> str:
    """The same, for 100 million pictures."""
    found = load(RESULTS / "audit_engines.json")
    millions, cores = 100, 256
    rows = found["rows"]
    ways = {"threads": found["overhead"]["engine_ms_per_picture"]}
    if found["ray"] is not None:
        ways["ray"] = found["ray"]["ms_per_picture"]
    lines = []
    for name, cost_ms in ways.items():
        seconds = cost_ms / 1000 * millions * 1e6
        lines.append(
            [
                f"`{name}`",
                f"{seconds / 3600:,.0f} core-hours",
                f"{seconds / 3600 / cores:.1f} hours",
            ]
        )
    per_million = rows["mib_per_million_rows"] / 1024
    csv_gb = rows["manifest_mb_per_million_rows"] * millions / 1000
    headers_minutes = found["shards"]["seconds_per_million_members"] * millions / 60
    return (
        f"{table(['engine', 'processor time', f'on {cores} cores'], lines)}\n\nBeside that, once: "
        f"{rows['seconds_per_million_rows'] * millions / 60:,.0f} minutes for the rows and, if "
        f"pictures lie in shards, {headers_minutes:,.0f} for their headers. The manifest has "
        f"{csv_gb:,.1f} GB as CSV and takes {per_million * millions:,.0f} GiB of memory "
        f"in one piece, or {per_million * 5:,.0f} GiB in parts of five million."
    )
