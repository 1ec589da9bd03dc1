"""The tables of the test part of FairFace: ages told apart, groups, pictures not processed."""

from __future__ import annotations

from figure_parts import FAIRFACE, RESULTS, area, load, percent, share, table


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
