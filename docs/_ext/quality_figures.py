"""The tables of what spoils a picture, and who is refused for it."""

from __future__ import annotations

from typing import Any, Final

from figure_parts import RESULTS, area, challenge_age, load, percent, share, table, years

Json = dict[str, Any]

HALF: Final = 0.5

SIGNS: Final = {
    "yaw_degrees": ("turned to the side (yaw)", "degrees", "greatest_yaw_degrees"),
    "pitch_degrees": ("turned up or down (pitch)", "degrees", "greatest_pitch_degrees"),
    "mesh_score": ("the mesh's own score", "", "least_mesh_score"),
    "point_gap": ("detector against mesh", "eye distances", "greatest_point_gap"),
    "highlight": ("brightness of the highlights", "of 255", "least_highlight"),
    "burnt_share": ("burnt out", "of the face", "greatest_burnt_share"),
    "blur": ("blur", "", "greatest_blur"),
}
"""By the sign that is measured: its name, its unit, and the limit in the manifest."""


def quality() -> str:
    """Pictures spoilt by degrees: how far estimates move, and what is refused."""
    found = load(RESULTS / "quality.json")
    rows = []
    for one, other in zip(found["london"]["spoilt"], found["fairface"]["spoilt"], strict=True):
        sides = (one["found"], other["found"])
        moved = [years(side["absolute_years"], side["n"]) for side in sides]
        auc = other["found"]["auc_10_19_against_20"]
        rows.append(
            [
                one["way"],
                f"{one['degree']:g} {one['unit']}",
                moved[0],
                share(one["refused"]["all"]),
                moved[1],
                area(auc) if auc else "too few",
                share(other["refused"]["all"]),
            ]
        )
    head = ["spoilt", "degree", "London: moved, years", "refused", "FairFace: moved, years"]
    head += ["AUC, 10–19 against 20+", "refused"]
    return (
        f"{table(head, rows)}\n\n`{found['model']}`; {found['data']['london']}, "
        f"{found['london']['pictures']} people; {found['data']['fairface']}, "
        f"{found['fairface']['pictures']} pictures. Moved: mean absolute distance from the "
        "unspoilt picture's estimate, refused or not, if a face is found."
    )


def quality_limits() -> str:
    """For every way of spoiling that ends in refusals: where half are refused, and what by then."""
    found = load(RESULTS / "quality.json")
    rows = []
    for way in dict.fromkeys(one["way"] for one in found["london"]["spoilt"]):
        cells = [_half_refused(found[name]["spoilt"], way) for name in ("london", "fairface")]
        if all(cells):
            rows.append([way, *(cell for pair in cells for cell in pair)])
    head = ["spoilt", "London: half refused at", "moved by then, years"]
    head += ["FairFace: half refused at", "moved by then, years"]
    return table(head, rows)


def _half_refused(spoilt: list[Json], way: str) -> list[str]:
    for one in spoilt:
        if one["way"] == way and one["refused"]["all"][2] >= HALF:
            side = one["found"]
            moved = years(side["absolute_years"], side["n"])
            return [f"{one['degree']:g} {one['unit']}", f"{moved} ({side['n']:,})"]
    return []


def quality_refusals() -> str:
    """Who is refused as pictures come, by group."""
    found = load(RESULTS / "quality.json")["as_they_come"]
    codes = (
        "no_face",
        "face_turned",
        "face_unclear",
        "face_too_small",
        "picture_blurred",
        "picture_dark",
    )
    rows = [
        [f"{axis}: {name.replace('_', ' ')}", share(group["all"])]
        + [percent(group[code][2], 1) if code in group else "none" for code in codes]
        for axis, groups in found["refused_by_group"].items()
        for name, group in groups.items()
    ]
    return table(["people", "refused", *(f"`{code}`" for code in codes)], rows)


def quality_signs() -> str:
    """Pictures as they come: errors by what was measured of the face."""
    found = load(RESULTS / "quality.json")
    limits, natural = found["limits"], found["as_they_come"]
    rows = []
    for sign, (name, unit, limit) in SIGNS.items():
        for one in natural["error_by_sign"][sign]:
            auc = one["auc_10_19_against_20"]
            rows.append(
                [
                    f"{name}; limit {limits[limit]:g}",
                    f"{_bin(natural, sign, one)} {unit}".strip(),
                    f"{one['n']:,}",
                    years(one["years_outside_the_group"], one["n"]),
                    area(auc) if auc else "too few",
                    share(one["called_over_10_19"]),
                ]
            )
    head = ["what is measured", "from–to", "pictures", "years outside the labelled group"]
    head += ["AUC, 10–19 against 20+", "10–19 called OVER 18"]
    bar = found["challenge_age"]
    return (
        f"{table(head, rows)}\n\n`{found['model']}`; {found['data']['fairface']}, "
        f"{natural['pictures']:,} pictures, those in which a face is found and which keep every "
        "**other** limit. OVER 18 at the challenge age for an error of "
        f"{percent(bar['alpha'])}, {challenge_age(bar['age_years'])} years."
    )


def drawings() -> str:
    """Drawn faces, with noise and without: who is refused, and who is called OVER at which bar."""
    found = load(RESULTS / "drawings.json")
    rows = []
    for one in found["rows"]:
        noise, quality = one["noise_grey_levels"], one["jpeg_quality"]
        rows.append(
            [
                one["shading"],
                f"{one['picture_pixels']} px",
                f"{noise:g} grey levels" if noise else "none",
                f"JPEG {quality}" if quality else "own pixels",
                share(one["refused"]),
                *(share(over) for over in _by_bar(one).values()),
                f"{one['greatest_mean_years']:.1f}" if one["greatest_mean_years"] else "none",
            ]
        )
    head = [
        "drawn face",
        "picture",
        "noise",
        "file",
        "refused",
        *_by_bar(found["rows"][0]),
        "highest estimate, years",
    ]
    return (
        f"{table(head, rows)}\n\n{found['drawings']} drawings, a third of them of each "
        "shading, and the same ones in both sizes, with every noise and in every file. "
        "Shares are of all drawings of a row; what is neither refused nor OVER is INCONCLUSIVE. "
        "Errors are those claimed."
    )


def drawings_photographs() -> str:
    """Photographs that are refused as drawings."""
    found = load(RESULTS / "drawings.json")
    rows = [
        [f"{one['data']}, {one['part']}", who, share(refused)]
        for one in found["photographs"]
        for who, refused in (("everybody", one["refused"]), *_worst_groups(one["by_group"]))
    ]
    return (
        f"{table(['photographs', 'people', 'refused as drawings'], rows)}\n\nThose that every "
        "other limit lets pass; of the age groups and of the ethnicities the one with the highest "
        "share. The limit was chosen on the calibration and train parts."
    )


def _worst_groups(by_group: Json) -> list[tuple[str, list[float]]]:
    """Of every axis the group with the highest share; the smallest where none has any."""
    return [
        (f"{axis}: {name.replace('_', ' ')}", refused)
        for axis, groups in by_group.items()
        for name, refused in [max(groups.items(), key=lambda item: (item[1][2], -item[1][1]))]
    ]


def _by_bar(row: Json) -> dict[str, list[float]]:
    """What is called OVER at each bar; limits that share one stand together."""
    limits: dict[tuple[float, float], list[str]] = {}
    over = {}
    for bar in row["bars"]:
        key = bar["alpha"], bar["challenge_age_years"]
        limits.setdefault(key, []).append(str(bar["age_limit"]))
        over[key] = bar["over"]
    return {
        f"OVER {', '.join(names)} at {percent(alpha, 1)} ({challenge_age(years_at)} years)": over[
            alpha, years_at
        ]
        for (alpha, years_at), names in limits.items()
    }


def _bin(natural: Json, sign: str, one: Json) -> str:
    """The ends of a bin; the outermost are open."""
    bins = natural["error_by_sign"][sign]
    if one is bins[-1]:
        return f"{one['from']:g} and more"
    if one is bins[0]:
        return f"under {one['to']:g}"
    return f"{one['from']:g}–{one['to']:g}"
