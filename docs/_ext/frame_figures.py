"""The tables of faces found, and of several pictures of one face."""

from __future__ import annotations

from figure_parts import (
    RESULTS,
    challenge_age,
    load,
    percent,
    percent_with_ends,
    share,
    table,
    years,
)


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
        + [percent_with_ends(one[kind]) for kind in ("one_picture", "two_pictures")]
        for one in london["reached"]
    ]
    reached = table(
        ["London: bar, years", "people in the ten years below", "reach it by one", "by two"], rows
    )
    rows = [
        [percent(one["alpha"], 1), challenge_age(one["bar_years"])]
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
