"""From findings to the results that the report is written from; `paper.report.write` describes their shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lesion_jax.core.types import LesionSet
from lesion_jax.inference.predict import Predictions, pooled
from lesion_jax.metrics.classification import accuracy
from lesion_jax.metrics.predictions import score_predictions
from lesion_jax.metrics.statistics import compare
from lesion_jax.paper.arms import ARMS, BASELINE, Arm
from lesion_jax.paper.notes import departures, notes_of
from lesion_jax.paper.protocol import ArmFindings, Findings, Protocol, at
from lesion_jax.paper.selection import Outcome


def results_of(protocol: Protocol, findings: Findings, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Scores every arm, curve and difference; nothing is chosen here.

    Args:
      protocol: The protocol that ran.
      findings: What it found.
      images: Scores of the generators, see `paper.generators`.
    """
    config, lesions, folds = protocol.config, protocol.cohort.lesions, protocol.cohort.partition()
    pools = {name: _by_seed(found.outcomes) for name, found in findings.arms.items()}
    return {
        "dataset": {
            "name": config.dataset or f"phantom (seed {config.phantom_seed})",
            "fingerprint": lesions.fingerprint,
            "class_names": list(lesions.class_names),
            "num_lesions": len(lesions.lesions),
            "num_patients": len({lesion.patient for lesion in lesions.lesions}),
            "unit": lesions.unit,
        },
        "protocol": {
            "selection": config.selection,
            "seeds": list(config.seeds),
            "num_folds": folds.num_folds,
            "fold_fingerprint": folds.fingerprint,
            "departures": departures(protocol),
            "notes": notes_of(protocol),
        },
        "arms": [_arm(ARMS[name], pools, findings, protocol) for name in findings.arms],
        "classic_curve": [
            point for name, found in findings.arms.items() for point in _classic_curve(ARMS[name], found, lesions)
        ],
        "synthetic_curve": [
            point for name, found in findings.arms.items() for point in _synthetic_curve(ARMS[name], found, lesions)
        ],
        "images": list(images),
    }


def paired(arm: Sequence[Predictions], baseline: Sequence[Predictions]) -> tuple[np.ndarray, np.ndarray]:
    """Which lesions two arms get right, for a paired comparison.

    Args:
      arm: One per seed, pooled over folds.
      baseline: Likewise.

    Returns:
      (bool [S, N] of the arm, bool [S', N] of the baseline).

    Raises:
      ValueError: They are not of the same lesions in the same order.
    """
    if len({p.lesion_ids for p in (*arm, *baseline)}) != 1:
        raise ValueError("Two arms are compared on different lesions, or in different orders.")
    correct = [np.stack([p.classes == p.labels for p in some]) for some in (arm, baseline)]
    return correct[0], correct[1]


def _by_seed(outcomes: Sequence[Sequence[Outcome]]) -> list[Predictions]:
    return [pooled([outcome.test for outcome in folds]) for folds in outcomes]


def _scored(by_seed: Sequence[Predictions], lesions: LesionSet) -> dict[str, Any]:
    scored = score_predictions(by_seed[0].labels, np.stack([p.probabilities for p in by_seed]), lesions.num_classes)
    # What arms are compared by stands by itself, whatever else the table of metrics holds.
    return {**scored, "accuracy": accuracy(scored["confusion"], len(by_seed))["total"]}


def _arm(arm: Arm, pools: dict[str, list[Predictions]], findings: Findings, protocol: Protocol) -> dict[str, Any]:
    own, found = pools[arm.name], findings.arms[arm.name]
    return {
        "name": arm.name,
        "title": arm.title,
        "generator": None if arm.generator is None else protocol.trainings.title(arm.generator),
        **_scored(own, protocol.cohort.lesions),
        "seeds": list(protocol.config.seeds),
        "folds": list(range(protocol.cohort.partition().num_folds)),
        "chosen": {
            **_sizes(arm, found, findings.gan_sizes),
            "step of the checkpoint, first seed": list(own[0].steps),
        },
        "difference": None if arm.name == BASELINE else compare(*paired(own, pools[BASELINE]), own[0].patients),
    }


def _sizes(arm: Arm, found: ArmFindings, gan_sizes: Sequence[int]) -> dict[str, list[int]]:
    sizes = {"classic images per fold": list(found.classic_sizes)}
    if arm.generator is not None:
        sizes["classic images per fold that the generator saw"] = list(gan_sizes)
        sizes["synthetic images per class and fold"] = list(found.synthetic_sizes)
    return sizes


def _point(arm: Arm, outcomes: Sequence[Sequence[Outcome]], lesions: LesionSet, **sizes: float) -> dict[str, Any]:
    found = _scored(_by_seed(outcomes), lesions)["accuracy"]
    kept = {name: found[name] for name in ("low", "high", "n")}
    return {"arm": arm.name, **sizes, "accuracy": found["value"], **kept, "split": "test"}


def _classic_curve(arm: Arm, found: ArmFindings, lesions: LesionSet) -> list[dict[str, Any]]:
    """Points of an arm without a generator: one per size that it chose from, or the one size that it has."""
    if arm.generator is not None:
        return []
    if found.classic_curve:
        return [_point(arm, outcomes, lesions, size=n, total=n) for n, outcomes in found.classic_curve.items()]
    size = float(np.mean(found.classic_sizes))
    return [_point(arm, found.outcomes, lesions, size=size, total=size)]


def _synthetic_curve(arm: Arm, found: ArmFindings, lesions: LesionSet) -> list[dict[str, Any]]:
    """Points of an arm with a generator, by synthetic size."""
    base = float(np.mean(found.classic_sizes))
    curve = found.synthetic_curve
    if curve and found.classic_curve:
        # A point of size 0, the same without synthetic images, is where the curve starts.
        curve = {0: at(found.classic_curve, found.classic_sizes), **curve}
    return [
        _point(arm, outcomes, lesions, size=size, total=base + size * lesions.num_classes)
        for size, outcomes in curve.items()
    ]
