"""From findings to the results that the report is written from; `paper.report.write` describes their shape."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lesion_jax.core.types import LesionSet
from lesion_jax.inference.kept_audit import broken_sentences
from lesion_jax.inference.predict import Predictions, pooled
from lesion_jax.metrics.holm import holm
from lesion_jax.metrics.predictions import score_predictions
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.statistics import compare
from lesion_jax.metrics.verdict import deciding, judge
from lesion_jax.paper.arms import ARMS, BASELINE, Arm
from lesion_jax.paper.notes import departures, notes_of
from lesion_jax.paper.protocol import ArmFindings, Findings, Protocol, at
from lesion_jax.paper.selection import Outcome

# Smallest change of accuracy that is taken for one that matters, as a share; the paper's gain was 0.07.
MARGIN = 0.05


def results_of(
    protocol: Protocol, findings: Findings, images: Sequence[dict[str, Any]], banks: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Scores every arm, curve and difference; nothing is chosen here.

    Args:
      protocol: The protocol that ran.
      findings: What it found.
      images: Scores of the generators, see `paper.generators.judge_generators`.
      banks: Audits of their banks, likewise.
    """
    config, lesions, folds = protocol.config, protocol.cohort.lesions, protocol.cohort.partition()
    pools = {name: _by_seed(found.outcomes) for name, found in findings.arms.items()}
    differences = differences_of({n: runs_of(f.outcomes, config.seeds) for n, f in findings.arms.items()}, pools)
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
            "margin": MARGIN,
            "departures": departures(protocol),
            "notes": notes_of(protocol),
        },
        "arms": [_arm(ARMS[name], pools[name], differences, findings, protocol) for name in findings.arms],
        "classic_curve": [
            point for name, found in findings.arms.items() for point in _classic_curve(ARMS[name], found, lesions)
        ],
        "synthetic_curve": [
            point for name, found in findings.arms.items() for point in _synthetic_curve(ARMS[name], found, lesions)
        ],
        "images": list(images),
        "banks": list(banks),
        "broken": broken_sentences(banks),
    }


def runs_of(outcomes: Sequence[Sequence[Outcome]], seeds: Sequence[int]) -> Runs:
    """What an arm said of all lesions, in the order of the folds.

    Args:
      outcomes: Of each seed and fold.
      seeds: Of the outcomes.
    """
    tests = [[outcome.test for outcome in folds] for folds in outcomes]
    by_seed = [pooled(parts) for parts in tests]
    folds = np.repeat(np.arange(len(tests[0])), [len(part.labels) for part in tests[0]])
    nothing = np.zeros(len(by_seed), np.int64)
    probabilities = np.stack([one.probabilities for one in by_seed])
    return Runs(probabilities, by_seed[0].labels, by_seed[0].patients, nothing, nothing, np.asarray(seeds), folds[None])


def differences_of(runs: Mapping[str, Runs], pools: Mapping[str, Sequence[Predictions]]) -> dict[str, dict[str, Any]]:
    """Each arm against the baseline, with Holm's adjustment for their number.

    Args:
      runs: By arm.
      pools: By arm, one per seed, pooled over folds.

    Returns:
      By arm, without the baseline: see `Difference.to_json`, with "verdict": {"word", "sentence"}, and "gained" and
      "lost": lesions that only the arm, only the baseline gets right, mean over seeds.

    Raises:
      ValueError: Arms are not of the same lesions in the same order.
    """
    if len({one.lesion_ids for some in pools.values() for one in some}) != 1:
        raise ValueError("Two arms are compared on different lesions, or in different orders.")
    baseline, others = runs[BASELINE], [name for name in runs if name != BASELINE]
    found = holm({name: compare(runs[name], baseline, "accuracy") for name in others})
    right = {name: np.stack([one.classes == one.labels for one in some]) for name, some in pools.items()}
    results = {}
    for name, difference in found.items():
        verdict = judge(difference, MARGIN, ARMS[name].title)
        results[name] = {
            **deciding(difference, verdict.word).to_json(),
            "verdict": {"word": verdict.word, "sentence": verdict.sentence},
            "gained": float((right[name] & ~right[BASELINE]).sum(1).mean()),
            "lost": float((~right[name] & right[BASELINE]).sum(1).mean()),
        }
    return results


def _by_seed(outcomes: Sequence[Sequence[Outcome]]) -> list[Predictions]:
    return [pooled([outcome.test for outcome in folds]) for folds in outcomes]


def _scored(by_seed: Sequence[Predictions], lesions: LesionSet) -> dict[str, Any]:
    probabilities = np.stack([one.probabilities for one in by_seed])
    scored = score_predictions(by_seed[0].labels, probabilities, lesions.num_classes, by_seed[0].patients)
    # What arms are compared by stands by itself, whatever else the table of metrics holds.
    return {**scored, "accuracy": scored["metrics"]["accuracy"]["total"]}


def _arm(
    arm: Arm, own: list[Predictions], differences: Mapping[str, Any], findings: Findings, protocol: Protocol
) -> dict[str, Any]:
    found = findings.arms[arm.name]
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
        "difference": differences.get(arm.name),
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
