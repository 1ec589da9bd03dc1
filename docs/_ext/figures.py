"""Every measured figure in the documentation and the README comes from here.

The tables are made from what the benchmarks wrote to ``benchmarks/results`` and from the operating
points that ship with a model::

    python docs/_ext/figures.py           # print the README's tables
    python docs/_ext/figures.py --write   # write them between the markers of the README and of the
                                          # default age network's model card

A test fails when these files differ from what this makes.
"""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING, Any, Final

from accuracy_figures import MAKERS as ACCURACY
from age_figures import age_network_groups, age_networks, coverage, tried
from face_figures import face_parts, face_speed, face_speed_earlier
from figure_parts import (
    CARD,
    FAIRFACE,
    LONDON,
    OPERATING_POINTS,
    RESULTS,
    ROOT,
    area,
    load,
    percent,
    share,
    table,
    years,
)
from quality_figures import quality, quality_limits, quality_refusals, quality_signs
from view_figures import views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sphinx.application import Sphinx

BEGIN: Final = "<!-- figures: made by docs/_ext/figures.py -->"
END: Final = "<!-- end of figures -->"

README_LIMIT_YEARS: Final = 18

Json = dict[str, Any]


# -- London photographs: errors in years --------------------------------------------------------


def _percent(found: Json) -> str:
    return f"{percent(found['value'])} [{percent(found['low'])}, {percent(found['high'])}]"


def _london_row(name: str, found: Json) -> list[str]:
    mae = years(found["mae_years"], found["people"])
    bias = years(found["bias_years"], found["people"], "+")
    people = f"{found['people']} ({found['pictures']})"
    return [name, people, mae, bias, _percent(found["called_over"])]


def _london_rows(found: Json) -> Iterator[list[str]]:
    worst = (found["worst_group"]["axis"], found["worst_group"]["group"])
    yield _london_row("all", found["overall"])
    for axis, groups in found["by_group"].items():
        for name, figures in groups.items():
            mark = " (worst)" if (axis, name) == worst else ""
            yield _london_row(f"{axis}: {name}{mark}", figures)


_LONDON_HEAD = [
    "people",
    "n (pictures)",
    "mean absolute error, years",
    "bias, years",
    "called OVER",
]


def london() -> str:
    """Errors on the London photographs, by group."""
    found = load(RESULTS / LONDON)
    return f"{table(_LONDON_HEAD, _london_rows(found))}\n\n{_london_note(found)}"


def _london_note(found: Json) -> str:
    policy, bootstrap = found["policy"], found["bootstrap"]
    outcomes = ", ".join(f"{n} {name}" for name, n in found["outcomes"].items())
    refusals = ", ".join(f"{n} `{code}`" for code, n in found["refusals"].items()) or "none"
    bar = math.ceil(policy["challenge_age_years"] * 10) / 10
    return (
        f"{found['data']}; ages {found['age_proof']}. {found['processed']} of {found['pictures']} "
        f"pictures processed, refused: {refusals}. Outcomes for {policy['age_limit']} at a "
        f"challenge age of {bar:.1f} (error claimed: {percent(policy['alpha'], 1)}): {outcomes}. "
        f"In brackets: {bootstrap['kind']}, {bootstrap['resamples']:,} bootstrap resamples by "
        f"{bootstrap['unit']}."
    )


# -- operating points: who is let through -------------------------------------------------------


def _point(entry: Json) -> list[str]:
    bar = entry["bar"]
    asked = [f"{entry['age_limit']}", percent(entry["alpha"], 1)]
    if bar is None:
        return [*asked, "none: too few people", "", "", "", ""]
    band = bar["protected_band"]
    by_group = entry["test"]["by_group"]
    return [
        *asked,
        entry["shown"],
        f"{bar['k']} of {bar['n']:,} aged {band['first_years']}–{band['last_years']}, "
        f"at most {percent(entry['upper_bound'], 2)}",
        share(entry["test"]["protected"]),
        share(by_group["20–29"]),
        share(by_group["30+"]),
    ]


def _points(name: str, called: str, limits: Sequence[int] | None = None) -> str:
    found = load(OPERATING_POINTS)
    head = [
        "limit",
        "error claimed",
        "bar, years",
        "earned on the calibration part",
        f"protected group called {called}, test part",
        f"20–29 called {called}",
        f"30 and over called {called}",
    ]
    entries = [e for e in found[name] if limits is None or e["age_limit"] in limits]
    data = found["data"]
    return (
        f"{table(head, map(_point, entries))}\n\nBars from: {data['bars_from']}; tested on: "
        f"{data['tested_on']}; ages: {data['age_proof']}. Bounds hold at one-sided "
        f"{percent(data['confidence'])} confidence; in brackets: two-sided 95 % Clopper–Pearson. "
        f"{data['note']}"
    )


def challenge_ages() -> str:
    """Every challenge age, how it was earned, and what it does on the test part."""
    return _points("challenge_ages", "OVER")


def lower_bars() -> str:
    """Every lower bar likewise."""
    return _points("lower_bars", "UNDER")


# -- FairFace, test part: groups of people ------------------------------------------------------


def fairface() -> str:
    """How well ages are told apart, through the pipeline and on ready-made chips."""
    found = load(RESULTS / FAIRFACE)
    ways = {
        "through the whole pipeline": found["through_the_pipeline"],
        "on FairFace's own chips": found["on_exact_chips"],
    }
    head = ["", "n", "AUC, 10–19 against 20+", "AUC, 0–9 against 20+", "0–9 put at 18 or over"]
    rows = [
        [
            name,
            f"{way['n']:,}",
            area(way["auc_by_estimated_age"]["10–19 against 20+"]),
            area(way["auc_by_estimated_age"]["0–9 against 20+"]),
            share(way["children_0_9_at_18_or_over"]["calibrated"]),
        ]
        for name, way in ways.items()
    ]
    error = found["through_the_pipeline"]["probability_of_20"]["calibrated"]
    ours, chance, most = (
        f"{error[key]:.3f}" for key in ("ece", "ece_by_chance", "ece_by_chance_95")
    )
    return (
        f"{table(head, rows)}\n\n{found['data']}; ages: {found['age_proof']}. AUC: chance that "
        "somebody of the older group gets the higher estimate. Calibration error of P(age ≥ 20) "
        f"through the pipeline: {ours}; probabilities that are exactly right would show {chance} "
        f"on as many people, at most {most} in 95 of 100 cases."
    )


def fairface_groups() -> str:
    """The same by sex, ethnicity and both, with who is called OVER at the widest bar."""
    found = load(RESULTS / FAIRFACE)
    alpha = max(found["by_group"]["sex"]["female"]["called_over_18"], key=float)
    marks = {
        "least AUC": found["worst_group"]["least_auc"],
        "most called OVER": found["worst_group"][f"most_10_19_called_over_18_at_{alpha}"],
        "fewest called OVER": found["worst_group"][f"fewest_30_and_over_called_over_18_at_{alpha}"],
    }
    head = ["people", "n", "AUC, 10–19 against 20+", "10–19 called OVER", "30+ called OVER"]
    rows = []
    for groups in found["by_group"].values():
        for name, group in groups.items():
            shares = group["called_over_18"][alpha]
            people = name.replace("_", " ")
            worst = ", ".join(mark for mark, cell in marks.items() if cell == name)
            rows.append(
                [
                    f"{people} (worst: {worst})" if worst else people,
                    f"{group['n']:,}",
                    area(group["auc_by_estimated_age_10_19_against_20"]),
                    share(shares["10–19"]),
                    share(shares["30+"]),
                ]
            )
    return (
        f"{table(head, rows)}\n\nCalled OVER: limit 18, the one challenge age that claims an error "
        f"of {percent(float(alpha), 1)} over everybody. It claims nothing for a single group: in a "
        "small group the interval is wide, and in some the share may be well above the claim."
    )


def cross_fitted() -> str:
    """The challenge ages, had the calibration been fitted on other people than the bars."""
    rows = [
        [percent(e["alpha"], 1), f"{e['shipped_years']:.2f}", f"{e['cross_fitted_years']:.2f}"]
        for e in load(RESULTS / FAIRFACE)["challenge_age_cross_fitted"]
    ]
    return table(["error claimed", "as shipped, years", "fitted on other people, years"], rows)


def failures() -> str:
    """Pictures of the test part that were not processed, by group."""
    found = load(RESULTS / FAIRFACE)["failures_to_process"]
    axes = {"age": "by_group", "sex": "by_sex", "ethnicity and sex": "by_ethnicity_and_sex"}
    rows = [["all", share(found["all"])]]
    for axis, member in axes.items():
        for name, refused in found[member].items():
            rows.append([f"{axis}: {name.replace('_', ' ')}", share(refused)])
    reasons = ", ".join(f"{n} `{code}`" for code, n in found["reasons"].items())
    return f"{table(['people', 'not processed'], rows)}\n\nReasons: {reasons}."


# -- faces: detectors, quality, several pictures --------------------------------------------------


def detection() -> str:
    """Faces found, by their size, with one detector and with both."""
    found = load(RESULTS / "detection.json")
    rows = [
        [percent(row["share_of_side"]), share(row["at_128"]), share(row["at_128_then_256"])]
        for row in found["found"]
    ]
    head = ["face's width, of the picture's side", "at 128 px alone", "then at 256 px"]
    cost = found["milliseconds"]
    return (
        f"{table(head, rows)}\n\n{found['data']}; {found['people']} portraits set into grey "
        f"squares of {found['picture_pixels']} px, the easiest of pictures. The second costs "
        f"{cost['at_256'] / cost['at_128']:.1f} times the first (with the mesh), and is asked only "
        "where the first finds none."
    )


def frames() -> str:
    """Several pictures as one evidence: errors, disagreement, and who is let through."""
    found = load(RESULTS / "frames.json")
    london, teens = found["london"], found["fairface_10_19"]
    people = london["people"]
    rows = [
        [
            name,
            years(kind["mae_years"], people),
            years(kind["standard_deviation_years"], people),
        ]
        for name, kind in london["errors"].items()
    ]
    errors = table(["London", "mean absolute error, years", "width (standard deviation)"], rows)
    rows = [["one person, neutral and smiling", share(london["one_person_refused"])]]
    rows += [
        [f"two people, ages {name} years apart", f"{percent(f['refused'])} of {f['pairs']:,} pairs"]
        for name, f in london["two_people"].items()
    ]
    refused = table(["pictures of", "refused: `frames_disagree`"], rows)
    rows = [
        [f"{one['bar_years']}", f"{one['people']}"]
        + [_percent(one[kind]) for kind in ("one_picture", "two_pictures")]
        for one in london["reached"]
    ]
    reached = table(
        ["London: bar, years", "people in the ten years below", "reach it by one", "by two"], rows
    )
    rows = [
        [percent(one["alpha"], 1), f"{one['bar_years']:.1f}"]
        + [share(one[kind]) for kind in ("one_picture", "three_variants")]
        for one in teens["called_over"]
    ]
    over = table(
        ["FairFace, 10–19: error claimed", "bar, years", "OVER by one", "by three variants"], rows
    )
    return (
        f"{errors}\n\n{refused}\n\n{reached}\n\n{over}\n\n{found['data']['london']}; "
        f"{found['data']['fairface']}. Limit of disagreement: "
        f"{found['greatest_gap_years']:g} years."
    )


# -- verification: time -------------------------------------------------------------------------


def verification() -> str:
    """What verification costs."""
    found = load(RESULTS / "verification.json")
    cost, where = found["verification"], found["circumstances"]
    names = {
        "raw": "`cryptography`, the signature alone",
        "ageassure": "`TokenVerifier.verify`, every check",
        "joserfc": "joserfc `decode` and `validate`, fewer checks",
        "pyjwt": "PyJWT `decode`, fewer checks",
        "authlib": "Authlib `decode` and `validate`, fewer checks",
    }
    rows = []
    for name, shown in names.items():
        f = cost["microseconds"][name]
        told = "1" if name == "raw" else f"{cost['ratio_to_raw'][name]['median']:.2f}"
        rows.append([shown, f"{f['min']:.0f}", f"{f['median']:.0f}", f"{f['p95']:.0f}", told])
    head = ["ES256, one token", "least µs", "median µs", "95 % below µs", "ratio to the first"]
    kept = cost["not_interrupted"]
    return (
        f"{table(head, rows)}\n\nCPU time of one thread, each next to the bare check, "
        f"{min(kept.values())} to {max(kept.values())} times {cost['tokens_per_round']} tokens "
        f"during which the system interrupted neither; median of the ratios. {where['processor']}, "
        f"Python {where['python']}, {where['openssl']}, PyJWT {where['pyjwt']}, joserfc "
        f"{where['joserfc']}, Authlib {where['authlib']}. Microseconds differ between machines."
    )


def verification_imports() -> str:
    """What importing the verifier costs, and what two threads get done."""
    found = load(RESULTS / "verification.json")
    times, threads = found["imports"]["cpu_milliseconds"], found["two_threads"]
    names = {
        "cryptography ec": "`cryptography`'s module for elliptic curves alone",
        "ageassure.verifier": "`ageassure.verifier`",
        "jwt": "PyJWT",
        "joserfc": "joserfc",
    }
    base = times["cryptography ec"]["min"]
    rows = [
        [
            shown,
            f"{times[name]['min']:.0f}",
            f"{times[name]['median']:.0f}",
            f"{times[name]['min'] / base:.2f}",
        ]
        for name, shown in names.items()
    ]
    done = threads["done_by_two"]
    return (
        f"{table(['import', 'least ms', 'median ms', 'ratio of the least'], rows)}\n\nCPU time in "
        f"a fresh interpreter. Two threads get {done['ageassure']:.2f} times as much verified as "
        f"one, and {done['raw']:.2f} times as many bare signature checks done. Load average before "
        f"the run: {found['circumstances']['load_average_before']}, on "
        f"{found['circumstances']['processors']} processors."
    )


def endpoint() -> str:
    """What an endpoint that verifies costs a server."""
    found = load(RESULTS / "endpoint.json")
    names = {
        "bare": "reads the form, verifies nothing",
        "direct": "`verify` in the event loop",
        "async": "`verify_async`",
    }
    rows = []
    for name, shown in names.items():
        one = found["endpoints"][name]
        spent, ratio = one["cpu_microseconds"], one["ratio_to_bare"]["of_minima"]
        most = f"{one['requests_per_second']['max']:,}"
        rows.append([shown, f"{spent['min']:.0f}", f"{spent['median']:.0f}", f"{ratio:.2f}", most])
    head = ["endpoint", "least µs", "median µs", "ratio of the least", "most requests per second"]
    where = found["circumstances"]
    return (
        f"{table(head, rows)}\n\nCPU time of the server for one request, Starlette "
        f"{where['starlette']} in uvicorn {where['uvicorn']}, one process, loaded by another one "
        f"over {found['connections']} connections; {found['rounds']} rounds of "
        f"{found['requests_per_round']} requests. Load average before: "
        f"{where['load_average_before']}, on {where['processors']} processors: medians and "
        "requests per second are also the neighbours'."
    )


def replay_store() -> str:
    """What one claim in the memory replay store costs."""
    rows = [
        [f"{row['entries']:,}", *_microseconds(row), f"{row['longest']:.0f}"]
        for row in load(RESULTS / "replay_stores.json")["memory"]
    ]
    return table(["tokens held", "least µs", "median µs", "95 % below µs", "longest µs"], rows)


def replay_stores() -> str:
    """What one claim costs in each of the replay stores."""
    found = load(RESULTS / "replay_stores.json")
    rows = [
        [name, f"{row['entries']:,}", *_microseconds(row), ""]
        for kind, name in (("memory", "memory"), ("sqlite", "SQLite"))
        for row in found[kind]
    ]
    for row in found["redis"]:
        ratio = f"{row['ratio_store_to_bare']['median_of_rounds']:.2f}"
        rows.append(
            ["Redis", f"{row['entries']:,}", *_microseconds(row["microseconds"]["store"]), ratio]
        )
    head = ["store", "tokens held", "least µs", "median µs", "95 % below µs", "to bare `SET NX EX`"]
    where = found["circumstances"]
    return (
        f"{table(head, rows)}\n\nSQLite {where['sqlite']} waits for the disk; Redis "
        f"{where['redis_server']} ran on the same host, its ratio is the median of rounds in one "
        f"run. {where['processors']} processors, load average {where['load_average_before']} "
        "before: on a busy machine medians are also its neighbours'."
    )


def _microseconds(figures: Json) -> list[str]:
    return [f"{figures[name]:.2f}" for name in ("min", "median", "p95")]


# -- audits: what engines and rows cost ---------------------------------------------------------


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


# -- estimating: time, memory, endurance --------------------------------------------------------


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


# -- where they go ------------------------------------------------------------------------------


def readme() -> str:
    """The README's tables: one limit, everybody, and the time."""
    found = load(RESULTS / LONDON)
    rows = [row for row in _london_rows(found) if row[0] == "all" or row[0].startswith("sex")]
    rows += [row for row in _london_rows(found) if row[0].endswith("(worst)") and row not in rows]
    return "\n\n".join(
        [
            "**Estimated age against true age**",
            table(_LONDON_HEAD, rows),
            _london_note(found),
            f"**Who is let through at the limit {README_LIMIT_YEARS}**",
            _points("challenge_ages", "OVER", [README_LIMIT_YEARS]),
            "**What verification costs**",
            verification(),
        ]
    )


# -- the audit's own figures ---------------------------------------------------------------------


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


MAKERS: Final = {
    "london": london,
    "challenge-ages": challenge_ages,
    "lower-bars": lower_bars,
    "age-networks": age_networks,
    "age-network-groups": age_network_groups,
    "coverage": coverage,
    "tried": tried,
    "fairface": fairface,
    "fairface-groups": fairface_groups,
    "cross-fitted": cross_fitted,
    "failures": failures,
    "detection": detection,
    "frames": frames,
    "quality": quality,
    "quality-limits": quality_limits,
    "quality-refusals": quality_refusals,
    "quality-signs": quality_signs,
    "views": views,
    "face-speed": face_speed,
    "face-speed-earlier": face_speed_earlier,
    "face-parts": face_parts,
    "soak": soak,
    "verification": verification,
    "verification-imports": verification_imports,
    "endpoint": endpoint,
    "replay-store": replay_store,
    "replay-stores": replay_stores,
    "audit-coverage": audit_coverage,
    "audit-scale": audit_scale,
    "audit-engines": audit_engines,
    "audit-cost": audit_cost,
    **ACCURACY,
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive ``figures NAME``."""
    from catalogue import Generated

    class Figures(Generated):
        makers = {"figures": lambda name: MAKERS[name]()}  # noqa: RUF012 - never changed

    app.add_directive("figures", Figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def card() -> str:
    """The model card's tables."""
    return "\n\n".join(
        [
            "**Beside age-v1**",
            age_networks(),
            "**By group**",
            age_network_groups(),
            "**Intervals**",
            coverage(),
            "**Challenge ages**",
            challenge_ages(),
            "**What was tried**",
            tried(),
        ]
    )


FILES: Final = {ROOT / "README.md": readme, CARD: card}
"""Files with tables between markers, and what makes them."""


def replaced(text: str, made: str) -> str:
    """``text`` with what stands between the markers replaced by ``made``.

    Raises:
        ValueError: If the markers are not there, in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"got a text without the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> None:
    """Print the README's tables, or write all tables into their files."""
    parser = argparse.ArgumentParser(description="Make the tables of measured figures.")
    parser.add_argument("--write", action="store_true", help="write them into their files")
    if parser.parse_args().write:
        for path, make in FILES.items():
            path.write_text(replaced(path.read_text(encoding="utf-8"), make()), encoding="utf-8")
    else:
        sys.stdout.write(readme() + "\n")


if __name__ == "__main__":
    main()
