"""The report of a study as blocks: first the verdict and its picture, last what a statistician asks for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.paper.report.tables import number
from lesion_jax.study.report.answer import answers, smallest, words
from lesion_jax.study.report.banks import bank_blocks
from lesion_jax.study.report.blocks import Block, Figure, Heading, Points, Table, Text
from lesion_jax.study.report.scenario import how_tested, in_words, scale_of, tables
from lesion_jax.study.report.tuning import chosen_in_words, tuning_blocks


def contents(results: Mapping[str, Any], folder: Path) -> list[Block]:
    """The whole report.

    Args:
      results: As `write_report` completes them.
      folder: Holds the figures.
    """
    rule, scenarios, scale = results["rule"], results["scenarios"], scale_of(results["rule"])
    margin = f"{scale * rule['margin']:.3g}{' points' if scale == 100 else ''}"
    blocks: list[Block] = [
        Heading("Do synthetic images help to classify real ones?", 1),
        Text(results["question"]),
        *(Text(sentence, "verdict") for sentence in answers(results)),
        Figure(
            folder / "differences.png",
            "Each arm against the baseline, on the same lesions"
            + ("; those with a generator also against the best that needs none." if _has_over_best(results) else "."),
        ),
        Text(
            f"The rule was fixed beforehand: {rule['metric_title']} decides, differences within {margin} do "
            f"not matter, confidence {100 * rule['confidence']:.3g} %, corrected for the number of arms. "
            f"{words(results)}. {smallest(results, scale)}",
            "note",
        ),
    ]
    if "curve.png" in results["figures"]:
        blocks += [
            Heading("Against the number of training lesions"),
            Figure(folder / "curve.png", "Means over retrainings; bars are intervals over patients."),
        ]
    if "doses.png" in results["figures"]:
        blocks += [
            Heading("Against the number of synthetic images"),
            Figure(
                folder / "doses.png",
                "Each arm minus the baseline; intervals cover patients and retraining and are not corrected for the "
                "number of sizes. The verdict is of the size that was fixed beforehand.",
            ),
            _doses_table(results),
        ]
    if "samples.png" in results["figures"]:
        blocks += [
            Heading("Real beside synthetic"),
            Figure(folder / "samples.png", "The first images of each source, not a selection, of one fold and seed."),
        ]
    if results.get("banks"):
        blocks += [Heading("Synthetic images judged"), *bank_blocks(results["banks"], folder.parent)]
    for scenario in scenarios:
        blocks += [Heading(f"Scenario {scenario['name']}"), Text(in_words(scenario)), *tables(scenario, results)]
    if results["tuning"]:
        blocks += [Heading("Tuning"), *tuning_blocks(results)]
    blocks += [
        Heading("Confusion"),
        Figure(folder / "confusion.png", "Lesions (mean over retrainings) and share of the class; first scenario."),
        _confusion_table(scenarios[0], results["dataset"]["class_names"]),
        Heading("Calibration"),
        Figure(
            folder / "calibration.png",
            "Share of right answers by their probability; first scenario.",
        ),
        Table(
            ("Arm", "Mean probability said, %", "Right, %", "Predictions"),
            [
                (title, f"{100 * said:.1f}", f"{100 * right:.1f}", num)
                for title, points in results["calibration"].items()
                for said, right, num in points
            ],
        ),
        Heading("How it was done"),
        Points(_methods(results)),
        Heading("Reporting checklist"),
        Text("Items of CLAIM 2024 (Tejani et al.) that the software can answer; the others are yours.", "note"),
        Table(("Item", "Answer"), _checklist(results)),
        Text("All numbers, unrounded, stand in results.json; predictions/ holds what every network said.", "note"),
    ]
    return blocks


def _confusion_table(scenario: Mapping[str, Any], names: Sequence[str]) -> Block:
    rows = []
    for arm in scenario["arms"]:
        num = len(arm["per_seed_accuracy"])
        rows += [
            (arm["title"], name, *(f"{count / num:.1f}" for count in counts))
            for name, counts in zip(names, arm["confusion"], strict=True)
        ]
    return Table(("Arm", "True class", *(f"Said {name}" for name in names)), rows)


def _doses_table(results: Mapping[str, Any]) -> Block:
    unit = PREDICTION_METRICS[results["rule"]["metric"]].unit
    return Table(
        ("Scenario", "Arm", "Synthetic images per class and fold", "Difference"),
        [
            (scenario["name"], row["title"], row["synthetic_size"], number(row["difference"], unit))
            for scenario in results["scenarios"]
            for row in scenario["doses"]
        ],
    )


def _methods(results: Mapping[str, Any]) -> list[str]:
    rule, data = results["rule"], results["dataset"]
    return [
        f"Data: {data['num_lesions']} lesions of {data['num_patients']} patients, {', '.join(data['class_names'])}; "
        f"pixels in {data['unit']}; fingerprint {data['fingerprint'][:12]}.",
        "Fixed beforehand, in the config: arms, scenarios, sizes, primary metric, margin, confidence, comparisons. "
        f"{chosen_in_words(results)} The weights after the last step answer, and all training patients train.",
        "Every arm has the same number of training steps. Generators are trained inside the training patients of each "
        "fold, cohort and seed; a bank of other patients is refused.",
        f"Arms are compared with {rule['baseline_title']} on the same lesions, retraining by retraining. Intervals of "
        "differences cover patients, retraining and, where there are several, partitions or cohorts: variances are "
        "taken apart as in multi-reader multi-case studies, retrainings in place of readers. Intervals in the tables "
        "of arms are over patients alone.",
        "A gain or a loss is a difference whose interval excludes 0 after Holm's step-down over the arms of a "
        "scenario; it has the confidence that its arm was held to. 'No difference' means that the interval lies "
        "within the margin (two one-sided tests); it has Bonferroni's correction over the arms, and so has that of "
        "'cannot tell', which is neither.",
        *_further_comparisons(results),
        f"Versions: {_versions(results['provenance'])}.",
    ]


def _further_comparisons(results: Mapping[str, Any]) -> list[str]:
    said = []
    if any(one["share"] for scenario in results["scenarios"] for one in scenario["comparisons"]):
        said.append(
            f"Shares are of the difference that {results['rule']['ceiling_title']} made, the most that a generator can "
            "add; intervals are Fieller's, each for itself."
        )
    if _has_over_best(results):
        said.append(
            "Arms with a generator are also compared with the best of those that need none. Which is truly best is not "
            "known, so the interval is of the worst difference to any of them (intersection-union; Bonferroni's "
            "correction at the end where one suffices), with Holm's over arms. The value, to the one that came out "
            "best, is too bad on average."
        )
    return said


def _has_over_best(results: Mapping[str, Any]) -> bool:
    return any(scenario["over_best"] for scenario in results["scenarios"])


def _versions(provenance: Mapping[str, Any]) -> str:
    environment = provenance.get("environment", {})
    flat = {name: value for name, value in environment.items() if isinstance(value, str | int)}
    versions = environment.get("versions", {})
    return ", ".join(f"{name} {value}" for name, value in {**flat, **versions}.items())


def _tested(scenario: Mapping[str, Any]) -> str:
    return "{name}: {num_test_lesions} lesions of {num_test_patients} patients".format(**scenario)


def _checklist(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    rule, scenarios = results["rule"], results["scenarios"]
    return [
        (
            "Data sources; unit of analysis",
            f"lesions; intervals are over patients. {'; '.join(map(_tested, scenarios))}",
        ),
        ("De-identification", "identifiers leave the files as salted hashes only"),
        ("Partitions, and disjointness", "by patient; checked for every training and bank"),
        ("Sample size", f"smallest differences that can be shown: {smallest(results, scale_of(rule))}"),
        (
            "Models, initialisation, randomness",
            f"config of every training in runs/*/config.json; seeds {scenarios[0]['seeds']}",
        ),
        ("Choice of the final model", f"{chosen_in_words(results)} The last weights of a fixed number of steps"),
        ("Ensembling", "none unless an arm says so"),
        (
            "Metrics and their uncertainty",
            f"{rule['metric_title']} beforehand; all others in the tables, with intervals",
        ),
        ("Robustness", "by scenario, as far as the config has several"),
        (
            "External testing",
            "; ".join(f"{scenario['name']}: {how_tested(scenario)}" for scenario in scenarios)
            + ". Whether that is external is yours to say",
        ),
        ("Failure analysis", "confusion; predictions of every lesion are kept"),
    ]
