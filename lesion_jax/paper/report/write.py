"""results.json, report.md and the figures, from what the protocol found.

The results, which are also what results.json holds:

    dataset         {name, fingerprint, class_names: [C], num_lesions, num_patients}
    protocol        {selection: "inner" | "test", seeds: [S], num_folds, fold_fingerprint, notes: [text]} and any
                    other settings that the reader should find in results.json
    arms            in the order of the tables: [{name, title, confusion: [C][C] rows true, summed over seeds,
                    accuracy, sensitivity, specificity: see metrics.classification.scores, per_seed_accuracy: [S],
                    n: lesions, seeds: [S], folds: [F], chosen: {what: [size of each fold]}, difference: to the
                    classic arm, see metrics.statistics.compare, None for the classic arm itself}]
    classic_curve   [{size: images per fold, total: the same, accuracy, low, high, n, split}], shares in [0, 1]
    synthetic_curve [{arm, size: images per class and fold, total: classic and synthetic images per fold, mean over
                    folds, accuracy, low, high, n, split}]; a point of size 0 joins the curve to the classic one
    paper           `paper.reference.reference_numbers`; written here
    answer          the report's first sentence; written here
    figures         file names; written here

Several seeds: confusion matrices are summed over seeds and proportions are means over seeds, but every interval is
for the number of lesions (or patients): seeds add no patients.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.disk.atomic import write_bytes, write_json
from lesion_jax.metrics.embedding import neighbor_agreement, tsne
from lesion_jax.paper.reference import reference_numbers
from lesion_jax.paper.report import figures, tables

_SELECTION = {
    "inner": (
        "Sizes and checkpoints were chosen on inner validation patients, who were held out of the training folds. "
        "No choice looked at a test fold, and no fold looked at another fold's inner patients."
    ),
    "test": (
        "Sizes were **chosen on the test folds, as the paper did: optimistic**. The best of several noisy values is "
        "too good on average, so these numbers overstate what new patients would get. Checkpoints were not chosen: "
        "the last one of a fixed duration was used."
    ),
}


def write_report(
    results: Mapping[str, Any],
    directory: Path,
    *,
    samples: Sequence[tuple[str, Mapping[str, np.ndarray]]] = (),
    features: Sequence[tuple[str, np.ndarray, np.ndarray]] = (),
    window: tuple[float, float],
    feature_note: str = "",
) -> Path:
    """Writes results.json, report.md and PNGs; what is there already is replaced, file by file.

    Args:
      results: See the module; not changed.
      directory: Made if it is not there.
      samples: (title, {class name: int16 HU [N, H, H]}) per source, real first; the first 8 of each are shown.
      features: (title, float [N, F], int labels [N]) per arm, each of one network on one set of test ROIs.
      window: (low, high) in HU, for the samples.
      feature_note: Which fold and seed the features are of.

    Returns:
      Path of report.md.

    Raises:
      ValueError: A number in results is not finite, so that results.json would be no JSON.
    """
    directory.mkdir(parents=True, exist_ok=True)
    arms, class_names = results["arms"], results["dataset"]["class_names"]
    paper = reference_numbers()
    written = ["accuracy.png", "arms.png", "confusion.png"]
    figures.accuracy_figure(directory / written[0], results["classic_curve"], results["synthetic_curve"], paper)
    figures.arms_figure(directory / written[1], arms, paper)
    figures.confusion_figure(directory / written[2], arms, class_names)
    if samples:
        figures.samples_figure(directory / "samples.png", samples, class_names, window)
        written.append("samples.png")
    if features:
        panels = [
            (f"{title}\n{100 * neighbor_agreement(rows, labels):.0f} % of neighbours agree", tsne(rows), labels)
            for title, rows, labels in features
        ]
        figures.embedding_figure(directory / "tsne.png", panels, class_names)
        written.append("tsne.png")
    complete = {**results, "paper": paper, "answer": answer(results), "figures": written}
    write_json(directory / "results.json", complete)
    report = directory / "report.md"
    write_bytes(report, _markdown(complete, feature_note).encode())
    return report


def answer(results: Mapping[str, Any]) -> str:
    """What synthetic images did, in one sentence whose wording follows from the paired intervals."""
    compared = [arm for arm in results["arms"] if arm["name"] in ("dcgan", "acgan") and arm.get("difference")]
    if not compared:
        return "This run compares no arm with synthetic images to classic augmentation alone, so it cannot say."
    said = "; ".join(_verdict(arm) for arm in compared)
    difference = compared[0]["difference"]
    caveat = "" if results["protocol"]["selection"] == "inner" else ", and optimistically so, chosen on the test folds"
    return (
        f"On {difference['n']} lesions of {difference['num_patients']} patients, against classic augmentation "
        f"alone{caveat}: {said}."
    )


def _verdict(arm: Mapping[str, Any]) -> str:
    """One arm's part of the answer."""
    difference = arm["difference"]
    name = {"dcgan": "DCGAN images", "acgan": "ACGAN images"}[arm["name"]]
    value, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    size = f"{value} points, 95 % interval over patients {low} to {high}"
    if difference["low"] > 0:
        return f"{name} raised accuracy ({size})"
    if difference["high"] < 0:
        return f"{name} lowered accuracy ({size})"
    if difference["value"] > 0:
        return f"the change with {name} is within noise ({size}), so no gain is shown"
    return f"{name} brought no gain ({size}: within noise)"


def _markdown(results: Mapping[str, Any], feature_note: str) -> str:
    dataset, protocol, arms, paper = (results[key] for key in ("dataset", "protocol", "arms", "paper"))
    shown = set(results["figures"])
    sections = [
        "# Do synthetic lesions help to classify real ones?",
        f"**{results['answer']}**",
        _question(dataset, protocol),
        "## Arms",
        tables.arms_table(arms),
        _explain_intervals(protocol),
        "![Accuracy of each arm](arms.png)",
        "## Accuracy against the number of training images",
        "![Accuracy against the number of training images](accuracy.png)",
        "The paper's experiment: classic augmentation up to its limit, then synthetic images on top of the chosen "
        "classic size. Bars are 95 % Wilson intervals over lesions. Every point is of the test folds, shown for all "
        f"sizes whatever was chosen. Faint: the paper's own points, {_lower(paper['note'])}",
        tables.curve_table([*results["classic_curve"], *results["synthetic_curve"]], figures.ARM_TITLES),
        "## What was chosen, and how",
        _SELECTION[protocol["selection"]],
        tables.chosen_table(arms),
        "## Confusion",
        "![Confusion matrices, rows true](confusion.png)",
        "Lesions (mean over seeds) and share of the true class.",
        tables.class_table(arms, dataset["class_names"]),
        "## Beside the paper",
        f"{paper['source']}. {paper['note']} Differences between arms can be compared, levels cannot.",
        tables.paper_table(arms, paper),
    ]
    if "samples.png" in shown:
        sections += [
            "## Real and synthetic images",
            "![Real beside synthetic images, per class](samples.png)",
            "The first images of each source, not a selection; a GAN's are of one fold and seed.",
        ]
    if "tsne.png" in shown:
        sections += [
            "## Last-layer features of test ROIs",
            "![t-SNE of last-layer features](tsne.png)",
            f"{feature_note + '. ' if feature_note else ''}t-SNE of each arm's own network: only neighbourhoods mean "
            "anything. The percentage is the share of the five nearest neighbours, in the features themselves, that "
            "have the lesion's own class.",
        ]
    if protocol.get("notes"):
        sections += ["## Notes", "\n".join(f"- {note}" for note in protocol["notes"])]
    sections.append("All numbers, unrounded, are in [results.json](results.json).")
    return "\n\n".join(section for section in sections if section) + "\n"


def _question(dataset: Mapping[str, Any], protocol: Mapping[str, Any]) -> str:
    classes = ", ".join(dataset["class_names"])
    seeds = protocol["seeds"]
    return (
        f"What was asked: a small CNN learns to tell {classes} on single CT regions; does it do better on unseen "
        "patients when images drawn by a GAN, trained inside the same training folds, join its classic augmentation? "
        f"Data: {dataset['name']}, {dataset['num_lesions']} lesions of {dataset['num_patients']} patients "
        f"(fingerprint {dataset['fingerprint'][:12]}). Protocol: {protocol['num_folds']}-fold cross-validation by "
        f"patient (partition {protocol['fold_fingerprint'][:12]}), every lesion scored once per seed by the network "
        f"that was not trained on its patient; {len(seeds)} seed{'s' if len(seeds) > 1 else ''} "
        f"({', '.join(str(seed) for seed in seeds)})."
    )


def _explain_intervals(protocol: Mapping[str, Any]) -> str:
    if len(protocol["seeds"]) == 1:
        seeds = (
            "One seed: how much a retraining alone would change is not known from this run, and the intervals do not "
            "hold it."
        )
    else:
        seeds = (
            "Values are means over seeds; n and the intervals count lesions and patients, because seeds add none. "
            "The spread of the seeds stands beside them."
        )
    return (
        "Intervals are 95 %: Wilson's over lesions for accuracy, a bootstrap over patients, paired, for differences. "
        "p is from random sign flips of patients and is not corrected for the number of arms. A difference whose "
        "interval holds 0 is within noise, and overlapping intervals of two arms say little: read the paired "
        f"difference. Totals are weighted by class size, so total sensitivity is accuracy. {seeds}"
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
