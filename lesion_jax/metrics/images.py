"""Table of the metrics of generators, and the one protocol by which a generator is scored.

A new metric is a function of its own file and a row here; training, `evaluate` and the paper's report list whatever
the table holds.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.metrics.kernel_distance import score_kernel_distance
from lesion_jax.metrics.variety import score_variety

# Images drawn to score a generator.
NUM_SCORED = 256

Draw = Callable[[np.ndarray, int], np.ndarray]


@dataclasses.dataclass(frozen=True)
class GeneratorMetric:
    """One metric of synthetic images against real ones.

    Attributes:
      name: Key in the table and in results.
      title: In tables and figures.
      better: Which values are better.
      compute: f(fake int16 [N, H, H], fake_labels int [N], real int16 [M, H, H], real_labels int [M], window) ->
        {"value": float, "std": its standard error, "per_class": {label: float}}, the last two where there are such;
        None where the metric is not defined, for one of too few images. Pixels and window (low, high) are in the
        dataset's unit.
    """

    name: str
    title: str
    better: Literal["lower", "higher"]
    compute: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[float, float]], dict[str, Any] | None]


GENERATOR_METRICS = {
    metric.name: metric
    for metric in (
        GeneratorMetric("kernel_distance", "Kernel distance", "lower", score_kernel_distance),
        GeneratorMetric("variety", "Variety", "higher", score_variety),
    )
}
# The metric that chooses a generator's checkpoint.
CHOOSES = "kernel_distance"


def score_images(draw: Draw, real: Images, window: tuple[float, float], seed: int) -> dict[str, Any]:
    """Scores a generator by every metric of the table: what training, `evaluate` and the report have in common.

    256 images are drawn, with labels in the proportions of the real ones, so that the shares of the classes cancel
    out. Numbers compare only where the real images are the same.

    Args:
      draw: f(labels int32 [N], seed) -> int16 [N, H, H] on the host.
      real: Original images, not augmented; at least one.
      window: Range (low, high) of the images in the dataset's unit; what lies outside is clipped.
      seed: Seed of the drawing.

    Returns:
      {"num_real", "num_synthetic", "metrics": {name: what its `compute` returns}}.

    Raises:
      ValueError: There is no real image.
    """
    if not len(real):
        raise ValueError("A generator is scored against real images, but there is none.")
    labels = np.resize(real.labels, NUM_SCORED)
    fake = draw(labels, seed)
    return {
        "num_real": len(real),
        "num_synthetic": len(fake),
        "metrics": {
            name: metric.compute(fake, labels, real.pixels, real.labels, window)
            for name, metric in GENERATOR_METRICS.items()
        },
    }


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
      {"kernel_distance/value": ..., "kernel_distance/std": ..., "variety/value": ..., "variety/cyst": ...}, whatever
      the table holds; nothing of a metric that is not defined.
    """
    found: dict[str, float] = {}
    for name, score in name_classes(scored, class_names)["metrics"].items():
        for part, value in (score or {}).items():
            found |= {
                f"{name}/{last}": float(x) for last, x in (value if part == "per_class" else {part: value}).items()
            }
    return found
