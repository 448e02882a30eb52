"""Table of the metrics of generators, and the one protocol by which a generator is scored.

A new metric is a function of its own file and a row here; training, `evaluate`, the audit of a bank and the paper's
report list whatever the table holds.

Features: radiomic ones, except for the kernel distance, which keeps the fixed random ones. On the phantom a classifier
told a small ACGAN's images from real ones at 0.96 with the radiomic ones and 0.84 to 0.90 with the random ones, and its
density was 0.2 to 0.6 (random: 0.9 to 1.5, as real); both gave fresh renders their floor and noise 0.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.metrics.distinct import score_distinct
from lesion_jax.metrics.floor import floor_values, matched
from lesion_jax.metrics.frechet import score_frechet
from lesion_jax.metrics.kernel_distance import far_as_classes, score_kernel_distance
from lesion_jax.metrics.neighbors import (
    none_among_real,
    score_coverage,
    score_density,
    score_precision,
    score_recall,
)
from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.transfer import score_transfer
from lesion_jax.metrics.two_sample import score_two_sample
from lesion_jax.metrics.variety import score_variety

# Images drawn to score a generator.
NUM_SCORED = 256

Draw = Callable[[np.ndarray, int], np.ndarray]
# Numbers of images by label -> {name of a metric: [lowest, highest] by chance}.
Ranges = Callable[[tuple[int, ...]], Mapping[str, Sequence[float]]]


@dataclasses.dataclass(frozen=True)
class GeneratorMetric:
    """One metric of synthetic images against real ones.

    Attributes:
      name: Key in the table and in results.
      title: In tables and figures.
      better: Which values are better.
      compute: f(fake, real) -> {"value": float, "std": its standard error, "p": of the hypothesis that nothing
        differs, "per_class": {label: float}}, all but the first where there are such; None where the metric is not
        defined, for one of too few images.
      depends_on_n: Whether the value depends on the number of synthetic images: then as many are taken as there are
        real ones beside them for the floor.
      for_reports: Whether it is left out of the evaluations within a training, as it takes long or has features of its
        own to compute.
      collapsed_below: Value of a class below which its images are one, or a few, again and again; None where the metric
        says nothing of that. Such a metric has values of classes, each a share of what real images have.
      told_as: What that is a share of, in sentences; "" without a limit.
      unlike_lesions: f(a score as `compare` returns it, the training lesions) -> in a clause, what such a value says
        against images being lesions at all, or None. None where the metric says nothing of that. Images are no lesions
        where every metric that could say so does.
    """

    name: str
    title: str
    better: Literal["lower", "higher"]
    compute: Callable[[Sample, Sample], dict[str, Any] | None]
    depends_on_n: bool = False
    for_reports: bool = False
    collapsed_below: float | None = None
    told_as: str = ""
    unlike_lesions: Callable[[Mapping[str, Any], Sample], str | None] | None = None


# Where classes have collapsed. Of pixels: an ACGAN that drew one image per class had 0.04 to 0.09 of the variety of
# real lesions, one that did not 0.5 and more. Of nearest neighbours: ten images of a class in 60, a little noise added,
# had 0.14, GANs trained for minutes 0.33 and more.
_OF_PIXELS: dict[str, Any] = {"collapsed_below": 0.1, "told_as": "the variety"}
_OF_NEIGHBOURS: dict[str, Any] = {"collapsed_below": 0.2, "told_as": "the distances"}
GENERATOR_METRICS = {
    metric.name: metric
    for metric in (
        GeneratorMetric(
            "kernel_distance", "Kernel distance", "lower", score_kernel_distance, unlike_lesions=far_as_classes
        ),
        GeneratorMetric("variety", "Variety", "higher", score_variety, **_OF_PIXELS),
        GeneratorMetric("transfer", "Trained on it, right on real", "higher", score_transfer, True, True),
        GeneratorMetric("two_sample", "Told from real by a classifier", "lower", score_two_sample, True, True),
        GeneratorMetric("frechet", "Radiomic Frechet distance", "lower", score_frechet, True, True),
        GeneratorMetric(
            "distinct", "Distinct from one another", "higher", score_distinct, True, True, **_OF_NEIGHBOURS
        ),
        GeneratorMetric(
            "precision", "Precision", "higher", score_precision, True, True, unlike_lesions=none_among_real
        ),
        GeneratorMetric("recall", "Recall", "higher", score_recall, True, True),
        GeneratorMetric("density", "Density", "higher", score_density, True, True),
        GeneratorMetric("coverage", "Coverage", "higher", score_coverage, True, True),
    )
}
# The metric that chooses a generator's checkpoint.
CHOOSES = "kernel_distance"


def score_images(
    draw: Draw, real: Sample, seed: int, *, others: Sample | None = None, is_report: bool = True
) -> dict[str, Any]:
    """Scores a generator by the metrics of the table: what training, `evaluate` and the report have in common.

    256 images are drawn, with labels in the proportions of the real ones, so that the shares of the classes cancel
    out; then see `compare`.

    Args:
      draw: f(labels int32 [N], seed) -> int16 [N, H, H] on the host.
      real: Original images, not augmented; at least one.
      seed: Seed of the drawing.
      others: See `compare`.
      is_report: See `compare`.

    Raises:
      ValueError: There is no real image.
    """
    if not len(real):
        raise ValueError("A generator is scored against real images, but there is none.")
    labels = np.resize(real.labels, NUM_SCORED).astype(np.int32)
    fake = Sample.of(Images(draw(labels, seed), labels), real.window)
    return compare(fake, real, others=others, is_report=is_report)


def compare(
    fake: Sample, real: Sample, *, others: Sample | None = None, is_report: bool = True, ranges: Ranges | None = None
) -> dict[str, Any]:
    """Every metric of synthetic images against real ones, beside the same of other real images: its floor.

    No generator can be expected to do better than the floor. Numbers compare only where the real images are the same,
    and the numbers of images.

    Args:
      fake: Synthetic images.
      real: Original images of patients whom neither a generator nor a choice has seen, at best.
      others: Original images of other patients, in the place of synthetic ones; None where there are none.
      is_report: Whether the metrics for reports are wanted.
      ranges: Given numbers of the others by label, what `floor_ranges(others, real, numbers)` returns; None for none.

    Returns:
      {"num_real", "num_synthetic", "num_floor", "metrics": {name: score}}. A score is what `compute` returns with "n",
      the number of synthetic images that it took, and where there are others "floor", the value of as many of them as
      "num_floor" says, and, with ranges, "floor_range". None where it is not defined.
    """
    few, floor = (fake, None) if others is None else matched(fake, others, real)
    if floor is not None and not len(floor):
        few, floor = fake, None
    chance = ranges(tuple(np.bincount(floor.labels).tolist())) if ranges and floor is not None else {}
    metrics = {}
    for name, metric in GENERATOR_METRICS.items():
        if metric.for_reports and not is_report:
            continue
        taken = few if metric.depends_on_n else fake
        score = metric.compute(taken, real)
        if score is not None:
            score = {**score, "n": len(taken)}
            if floor is not None and (real_score := metric.compute(floor, real)) is not None:
                score["floor"] = real_score["value"]
            if name in chance:
                score["floor_range"] = [*chance[name]]
        metrics[name] = score
    return {
        "num_real": len(real),
        "num_synthetic": len(fake),
        "num_floor": 0 if floor is None else len(floor),
        "metrics": metrics,
    }


def floor_ranges(others: Sample, real: Sample, counts: Sequence[int]) -> dict[str, list[float]]:
    """Where the metrics of real images against real ones lie by chance: what a floor is worth.

    Args:
      others: Original images of the lesions that a generator was trained on.
      real: Original images of other patients.
      counts: Images of each class that its floor was taken of, by label; classes without any are left out.

    Returns:
      {name: [lowest, highest] in 20 random partitions of the patients}; about ten seconds for 180 images.
    """
    there = [label for label, count in enumerate(counts) if count]
    others, real = (side[np.isin(side.labels, there)] for side in (others, real))
    found = {name: floor_values(metric.compute, others, real, counts) for name, metric in GENERATOR_METRICS.items()}
    return {name: [values[0], values[-1]] for name, values in found.items() if values}


def checkpoint_score(scored: Mapping[str, Any]) -> float | None:
    """What chooses a generator's checkpoint, higher is better; None where its metric is not defined.

    Args:
      scored: What `score_images` returned.
    """
    if (found := scored["metrics"].get(CHOOSES)) is None:
        return None
    return found["value"] if GENERATOR_METRICS[CHOOSES].better == "higher" else -found["value"]


def name_classes(scored: Mapping[str, Any], class_names: Sequence[str]) -> dict[str, Any]:
    """The scores with class names in place of labels, as files hold them.

    Args:
      scored: What `score_images` returned.
      class_names: One name per label.
    """

    def named(score: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if score is None or "per_class" not in score:
            return None if score is None else {**score}
        return {**score, "per_class": {class_names[label]: value for label, value in score["per_class"].items()}}

    return {**scored, "metrics": {name: named(score) for name, score in scored["metrics"].items()}}


def scalars(scored: Mapping[str, Any], class_names: Sequence[str]) -> dict[str, float]:
    """The scores as flat numbers, for a run's metrics.

    Args:
      scored: What `score_images` returned.
      class_names: One name per label.

    Returns:
      {"kernel_distance/value": ..., "kernel_distance/std": ..., "kernel_distance/floor": ..., "variety/value": ...,
      "variety/cyst": ...}, whatever the table holds; nothing of a metric that is not defined.
    """
    found: dict[str, float] = {}
    for name, score in name_classes(scored, class_names)["metrics"].items():
        for part, value in (score or {}).items():
            if part == "per_class":
                found |= {f"{name}/{class_name}": float(x) for class_name, x in value.items()}
            elif part in ("value", "std", "p", "floor"):
                found[f"{name}/{part}"] = float(value)
    return found
