"""The tables of what verification costs: a token, an import, an endpoint, a replay store."""

from __future__ import annotations

from typing import Any

from figure_parts import RESULTS, load, percent, table

Json = dict[str, Any]


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
    return (
        f"{table(['import', 'least ms', 'median ms', 'ratio of the least'], rows)}\n\nCPU time in "
        f"a fresh interpreter. {_two_threads(threads)} Load average before "
        f"the run: {found['circumstances']['load_average_before']}, on "
        f"{found['circumstances']['processors']} processors."
    )


def verification_other_processor() -> str:
    """The same on another processor, where two threads get less done."""
    found = load(RESULTS / "verification_other_processor.json")
    ratio = found["verification"]["ratio_to_raw"]["ageassure"]["median"]
    return (
        f"{found['circumstances']['processor']}: one token takes {ratio:.2f} times the bare check "
        f"(median). {_two_threads(found['two_threads'])}"
    )


def _two_threads(threads: Json) -> str:
    done = threads["done_by_two"]
    return (
        f"Two threads get {done['ageassure']:.2f} times as much verified as one, and "
        f"{done['raw']:.2f} times as many bare signature checks done: "
        f"{percent(threads['of_raw'])} of the bare check's own gain."
    )


def endpoint() -> str:
    """What an endpoint that verifies costs a server."""
    found = load(RESULTS / "endpoint.json")
    names = {
        "bare": "reads the form, verifies nothing",
        "direct": "`verify` in the event loop",
        "async": "`verify_async`",
        "session": "reads form and session, verifies nothing",
        "gate": "the adapter's address for tokens",
        "require_age": "a page behind the adapter's `require_age`",
    }
    rows = []
    for name, shown in names.items():
        if name not in found["endpoints"]:  # results made before the adapter was measured
            continue
        one = found["endpoints"][name]
        spent, ratio = one["cpu_microseconds"], one["ratio_to_bare"]["of_minima"]
        most = f"{one['requests_per_second']['max']:,}"
        rows.append([shown, f"{spent['min']:.0f}", f"{spent['median']:.0f}", f"{ratio:.2f}", most])
    head = ["endpoint", "least µs", "median µs", "ratio of the least", "most requests per second"]
    where = found["circumstances"]
    site = (
        " The last three are sent a cookie, and belong to a site with sessions in signed cookies: "
        "what the adapter adds is to be seen beside the first of them."
        if "session" in found["endpoints"]
        else ""
    )
    return (
        f"{table(head, rows)}\n\nCPU time of the server for one request, Starlette "
        f"{where['starlette']} in uvicorn {where['uvicorn']}, one process, loaded by another one "
        f"over {found['connections']} connections; {found['rounds']} rounds of "
        f"{found['requests_per_round']} requests. Load average before: "
        f"{where['load_average_before']}, on {where['processors']} processors: medians and "
        f"requests per second are also the neighbours'.{site}"
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
