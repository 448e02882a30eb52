"""One scenario of a study: what it is made of, its scores and its comparisons."""

from collections.abc import Mapping
from typing import Any

from lesion_jax.metrics.predictions import PREDICTION_METRICS, PredictionMetric
from lesion_jax.metrics.share import FARTHEST
from lesion_jax.paper.report.tables import number
from lesion_jax.study.report.blocks import Block, Heading, Points, Table


def scale_of(rule: Mapping[str, Any]) -> int:
    """100 where the primary metric is a share, which is printed in points; 1 otherwise."""
    return 100 if PREDICTION_METRICS[rule["metric"]].unit == "%" else 1


def in_words(scenario: Mapping[str, Any]) -> str:
    """Who is trained and tested on."""
    some = f"{scenario['num_train_lesions']} lesions of {scenario['num_train_patients']} patients are trained on"
    if scenario["per_class"]:
        some += f" ({', '.join(map(str, scenario['per_class']))} of a class, {scenario['num_cohorts']} draws"
        if scenario["cohort_overlap"] is not None:
            # Intervals take draws for independent; those of a small dataset are not.
            some += f", two of which share {100 * scenario['cohort_overlap']:.0f} % of their patients"
        some += ")"
    tested = f"{scenario['num_test_lesions']} lesions of {scenario['num_test_patients']} patients are tested on"
    return f"{some}; {tested}: {how_tested(scenario)}; {len(scenario['seeds'])} seeds."


def how_tested(scenario: Mapping[str, Any]) -> str:
    """How training and test patients were kept apart."""
    kind, _, tag = scenario["partition"].partition(":")
    if kind != "tag":
        folds, partitions = scenario["num_folds"], scenario["num_partitions"]
        if folds == 1:
            return "tested on the dataset's one test fold"
        return f"{folds}-fold cross-validation by patient, {partitions} partition{'s' if partitions > 1 else ''}"
    if "=" in tag:
        return f"tested on {tag}, trained on others"
    return f"each {tag} tested on in turn, trained on the others"


def tables(scenario: Mapping[str, Any], results: Mapping[str, Any]) -> list[Block]:
    """Scores of the arms, comparisons, and scores by class."""
    metrics = list(PREDICTION_METRICS.values())
    arms = Table(
        ("Arm", *(_titled(metric) for metric in metrics), "n"),
        [
            (
                arm["title"],
                *(number(arm["metrics"][metric.name]["total"], metric.unit) for metric in metrics),
                arm["n"],
            )
            for arm in scenario["arms"]
        ],
    )
    scale = scale_of(results["rule"])
    digits, unit = 1 if scale == 100 else 3, PREDICTION_METRICS[results["rule"]["metric"]].unit
    ceiling = results["rule"]["ceiling_title"]
    shares = (f"Share of {ceiling}, %",) if any(one["share"] for one in scenario["comparisons"]) else ()
    differences = Table(
        (
            *("Arm", "Difference", "p, Holm", "Verdict", *shares),
            *("Smallest difference shown", "Lesions / patients / retrainings"),
        ),
        [
            (
                one["title"],
                number(one["difference"], unit),
                f"{one['difference']['adjusted_p']:.3g}",
                one["word"],
                *((_percent(one["share"]),) if shares else ()),
                f"{scale * one['smallest_difference']:.{digits}f}"
                if one["smallest_difference"] != float("inf")
                else "none",
                "{num_lesions} / {num_patients} / {num_retrainings}".format(**one["difference"]),
            )
            for one in scenario["comparisons"]
        ],
    )
    needs = Points([one["sentence"] + "." for one in scenario["comparisons"]])
    names = results["dataset"]["class_names"]
    of_classes = [metric for metric in metrics if scenario["arms"][0]["metrics"][metric.name]["per_class"]]
    classes = Table(
        ("Arm", "Class", *(_titled(metric) for metric in of_classes)),
        [
            (
                arm["title"],
                name,
                *(number(arm["metrics"][metric.name]["per_class"][i], metric.unit) for metric in of_classes),
            )
            for arm in scenario["arms"]
            for i, name in enumerate(names)
        ],
    )
    return [
        *(arms, Heading("Differences", 3), differences, needs, *_over_best(scenario, unit)),
        *(Heading("By class", 3), classes),
    ]


def _percent(share: Mapping[str, float] | None) -> str:
    if share is None:
        return "-"
    value, low, high = (_farthest(share[end]) for end in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _farthest(share: float) -> str:
    sign = "" if abs(share) < FARTHEST else "beyond "
    return f"{sign}{100 * share:.0f}"


def _over_best(scenario: Mapping[str, Any], unit: str) -> list[Block]:
    if not scenario["over_best"]:
        return []
    return [
        Heading("Against the best arm that needs no generator", 3),
        Table(
            ("Arm", "Best of the others", "Difference", "p, Holm", "Verdict"),
            [
                (
                    one["title"],
                    one["best"],
                    number(one["difference"], unit),
                    f"{one['difference']['adjusted_p']:.3g}",
                    one["word"],
                )
                for one in scenario["over_best"]
            ],
        ),
    ]


def _titled(metric: PredictionMetric) -> str:
    return f"{metric.title}, %" if metric.unit == "%" else metric.title
