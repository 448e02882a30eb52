"""results.json, report.md and the figures, from what the protocol found.

The results, which are also what results.json holds:

    dataset         {name, fingerprint, class_names: [C], num_lesions, num_patients, unit of the pixels}
    protocol        {selection: "inner" | "test", seeds: [S], num_folds, fold_fingerprint, departures: see paper.notes,
                    margin: smallest difference of accuracy that matters, notes: [text]} and any other settings that
                    the reader should find in results.json
    arms            in the order of the tables: [{name, title, generator: title or None, confusion: [C][C] rows true,
                    summed over seeds, metrics: {name: score}, see metrics.predictions, accuracy: {value, low, high, n},
                    per_seed_accuracy: [S], n: lesions, seeds: [S], folds: [F], chosen: {what: [size of each fold]},
                    difference: to the baseline, see `paper.results.differences_of`, None for the baseline itself}]
    classic_curve   [{arm, size: images per fold, total: the same, accuracy, low, high, n, split}] of arms without a
                    generator, shares in [0, 1]
    synthetic_curve [{arm, size: images per class and fold, total: classic and synthetic images per fold, mean over
                    folds, accuracy, low, high, n, split}]; a point of size 0 joins the curve to the classic one
    images          [{title, scores: [{seed, fold, num_real, num_synthetic, metrics}]}], see paper.generators
    banks           [{model, title, seed, fold, num_images, broken: [fault], sentence}], audits
    broken          a sentence on each generator that failed; they come before any verdict
    paper           `paper.reference.reference_numbers`; written here
    answer          the report's first sentence; written here, as are other_arms and scale, see report.answer
    figures         file names; written here

Several seeds: confusion matrices are summed over seeds and metrics are means over seeds, whose intervals are over
patients; those of differences are over patients and retraining.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.disk.atomic import write_bytes, write_json
from lesion_jax.metrics.embedding import neighbor_agreement, tsne
from lesion_jax.paper.reference import reference_numbers
from lesion_jax.paper.report.accuracy_figure import accuracy_figure
from lesion_jax.paper.report.answer import answer, other_arms, scale
from lesion_jax.paper.report.arms_figure import arms_figure
from lesion_jax.paper.report.confusion_figure import confusion_figure
from lesion_jax.paper.report.embedding_figure import embedding_figure
from lesion_jax.paper.report.samples_figure import samples_figure
from lesion_jax.paper.report.text import markdown


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
      results: Described at the top of this module; not changed.
      directory: Made if it is not there.
      samples: (title, {class name: int16 [N, H, H]}) per source, real first; the first 8 of each are shown.
      features: (title, float [N, F], int labels [N]) per arm, each of one network on one set of test lesions.
      window: Range (low, high) that samples are shown in, in the dataset's unit.
      feature_note: Fold and seed of the features.

    Returns:
      Path of report.md.

    Raises:
      ValueError: A number in results is not finite, so that results.json would be no JSON.
    """
    directory.mkdir(parents=True, exist_ok=True)
    arms, class_names = results["arms"], results["dataset"]["class_names"]
    paper = reference_numbers()
    written = ["accuracy.png", "arms.png", "confusion.png"]
    accuracy_figure(directory / written[0], results["classic_curve"], results["synthetic_curve"], paper)
    arms_figure(directory / written[1], arms, paper)
    confusion_figure(directory / written[2], arms, class_names)
    if samples:
        samples_figure(directory / "samples.png", samples, class_names, window)
        written.append("samples.png")
    if features:
        panels = [
            (f"{title}\n{100 * neighbor_agreement(rows, labels):.0f} % of neighbours agree", tsne(rows), labels)
            for title, rows, labels in features
        ]
        embedding_figure(directory / "tsne.png", panels, class_names)
        written.append("tsne.png")
    said = {"answer": answer(results), "other_arms": other_arms(results), "scale": scale(results)}
    complete = {**results, "paper": paper, **said, "figures": written}
    write_json(directory / "results.json", complete)
    report = directory / "report.md"
    write_bytes(report, markdown(complete, window, feature_note).encode())
    return report
