"""Text of the report: sections, and what explains their numbers."""

from collections.abc import Mapping
from typing import Any

from lesion_jax.core.types import UNITS
from lesion_jax.paper.arms import ARMS, BASELINE
from lesion_jax.paper.report import tables

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


def markdown(results: Mapping[str, Any], window: tuple[float, float], feature_note: str) -> str:
    """The report.

    Args:
      results: As `write_report` completes them.
      window: Range (low, high) that samples are shown in, in the dataset's unit.
      feature_note: Fold and seed of the features.
    """
    dataset, protocol, arms, paper = (results[key] for key in ("dataset", "protocol", "arms", "paper"))
    sections = [
        "# Do synthetic lesions help to classify real ones?",
        f"**{results['answer']}**",
        " ".join(text for text in (results["other_arms"], results["scale"]) if text),
        _question(dataset, protocol),
        "## Arms",
        tables.arms_table(arms),
        _explain_intervals(protocol),
        tables.metrics_table(arms),
        "![Accuracy of each arm](arms.png)",
        "## Accuracy against the number of training images",
        "![Accuracy against the number of training images](accuracy.png)",
        "The paper's experiment: classic augmentation up to its limit, then synthetic images on top of the chosen "
        "classic size. Bars are 95 % intervals over patients. Every point is of the test folds, shown for all "
        f"sizes whatever was chosen. Faint: the paper's own points, {_lower(paper['note'])}",
        tables.curve_table([*results["classic_curve"], *results["synthetic_curve"]]),
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
        *_images(results, window),
        *_features(results, feature_note),
    ]
    if protocol.get("notes"):
        sections += ["## Notes", "\n".join(f"- {note}" for note in protocol["notes"])]
    sections.append("All numbers, unrounded, are in [results.json](results.json).")
    return "\n\n".join(section for section in sections if section) + "\n"


def _images(results: Mapping[str, Any], window: tuple[float, float]) -> list[str]:
    sections = []
    if "samples.png" in results["figures"]:
        sections += [
            "![Real beside synthetic images, per class](samples.png)",
            "The first images of each source, not a selection; a generator's are of one fold and seed. Black is "
            f"{window[0]:g}, white {window[1]:g} ({UNITS[results['dataset']['unit']].title}).",
        ]
    if results.get("images"):
        sections += [
            tables.images_table(results["images"]),
            "Scores of each generator against the original test lesions of its fold, which it has not seen and nothing "
            "was chosen on; means over folds and seeds, with their range. The last row is what real lesions of other "
            "patients score: the most that can be asked for. With so few lesions small differences mean nothing.",
        ]
    if results["banks"]:
        sections += [
            "What an audit found of each bank; audits/ in the run's directory has all of it, and the closest pairs of "
            "synthetic image and training lesion.",
            "\n".join(
                f"- {row['title']}, seed {row['seed']}, fold {row['fold']}: {row['sentence']}"
                for row in results["banks"]
            ),
        ]
    return ["## Images", *sections] if sections else []


def _features(results: Mapping[str, Any], note: str) -> list[str]:
    if "tsne.png" not in results["figures"]:
        return []
    return [
        "## Last-layer features of test lesions",
        "![t-SNE of last-layer features](tsne.png)",
        f"{note + '. ' if note else ''}t-SNE of each arm's own network: only neighbourhoods mean anything. The "
        "percentage is the share of the five nearest neighbours, in the features themselves, that have the lesion's "
        "own class.",
    ]


def _question(dataset: Mapping[str, Any], protocol: Mapping[str, Any]) -> str:
    classes = ", ".join(dataset["class_names"])
    seeds = protocol["seeds"]
    return (
        f"What was asked: a classifier learns to tell {classes} on single images of lesions; does it do better on "
        "unseen patients when images drawn by a generator, trained inside the same training folds, join its classic "
        "augmentation? "
        f"Data: {dataset['name']}, {dataset['num_lesions']} lesions of {dataset['num_patients']} patients "
        f"(fingerprint {dataset['fingerprint'][:12]}). Protocol: {protocol['num_folds']}-fold cross-validation by "
        f"patient (partition {protocol['fold_fingerprint'][:12]}), every lesion scored once per seed by the network "
        f"that was not trained on its patient; {len(seeds)} seed{'s' if len(seeds) > 1 else ''} "
        f"({', '.join(str(seed) for seed in seeds)})."
    )


def _explain_intervals(protocol: Mapping[str, Any]) -> str:
    if len(protocol["seeds"]) == 1:
        seeds = (
            "One seed: how much a retraining alone changes is known from the spread of the folds only, which makes the "
            "intervals of differences wide."
        )
    else:
        seeds = (
            "Values are means over seeds, and seeds add no patients: more of them narrow what retraining adds to the "
            "interval of a difference, no more. The spread of the seeds stands beside them."
        )
    return (
        f"The baseline is the arm {ARMS[BASELINE].title!r}. Intervals of one arm are 95 % and over patients, with its "
        "networks as they are. Those of differences are paired and over patients and retraining; with p they are "
        'adjusted for the number of arms (Holm), so all of them together are 95 %. "No difference" means that the '
        f"interval lies within {100 * protocol['margin']:g} points of 0, which was fixed beforehand. Overlapping "
        "intervals of two arms say little: read the paired difference. All is of this one partition into folds. Totals "
        f"are weighted by class size, so total sensitivity is accuracy. {seeds}"
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
