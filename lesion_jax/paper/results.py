"""From findings to the results that `report` writes; the shape is described there."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from lesion_jax.config import PaperConfig
from lesion_jax.core.types import Images, LesionSet
from lesion_jax.data.augment import original
from lesion_jax.data.bank import load_bank
from lesion_jax.data.folds import split
from lesion_jax.inference.predict import Predictions, pooled
from lesion_jax.metrics.predictions import score_predictions
from lesion_jax.metrics.statistics import compare
from lesion_jax.paper.protocol import Curve, Findings, Protocol
from lesion_jax.paper.report.figures import ARM_TITLES
from lesion_jax.paper.selection import Outcome

# Images per class and source that the report may show.
_NUM_SHOWN = 16


def results_of(protocol: Protocol, findings: Findings) -> dict[str, Any]:
    """Scores every arm, curve and difference; nothing is chosen here."""
    config, lesions, folds = protocol.config, protocol.study.lesions, protocol.study.folds
    arms = {name: _by_seed(outcomes) for name, outcomes in arm_outcomes(protocol, findings).items()}
    chosen = _chosen(protocol, findings)
    return {
        "dataset": {
            "name": config.dataset or f"phantom (seed {config.phantom_seed})",
            "fingerprint": lesions.fingerprint,
            "class_names": list(lesions.class_names),
            "num_lesions": len(lesions.lesions),
            "num_patients": len({lesion.patient for lesion in lesions.lesions}),
        },
        "protocol": {
            "selection": config.selection,
            "seeds": list(config.seeds),
            "num_folds": folds.num_folds,
            "fold_fingerprint": folds.fingerprint,
            "notes": _notes(protocol),
        },
        "arms": [_arm(name, arms, chosen, lesions, protocol) for name in config.arms],
        "classic_curve": [
            _point(curve, lesions, size=size, total=size, split="test") for size, curve in findings.classic.items()
        ],
        "synthetic_curve": [
            point
            for kind, curve in findings.mixed.items()
            for point in _synthetic_curve(kind, curve, findings, lesions)
        ],
    }


def arm_outcomes(protocol: Protocol, findings: Findings) -> dict[str, list[list[Outcome]]]:
    """Outcomes [seed][fold] of each arm of the config, at the sizes that its folds chose."""

    def at(curve: Curve, sizes: Sequence[int]) -> list[list[Outcome]]:
        seeds = range(len(protocol.config.seeds))
        return [[curve[size][seed][fold] for fold, size in enumerate(sizes)] for seed in seeds]

    found = {
        "none": at(findings.classic, [0] * protocol.study.folds.num_folds),
        "classic": at(findings.classic, findings.classic_chosen),
        **{kind: at(curve, findings.mixed_chosen[kind]) for kind, curve in findings.mixed.items()},
    }
    if findings.discriminator is not None:
        found["acgan_discriminator"] = findings.discriminator
    return {name: found[name] for name in protocol.config.arms}


def samples_of(protocol: Protocol, findings: Findings) -> list[tuple[str, dict[str, np.ndarray]]]:
    """(title, {class: int16 [N, H, H]}) of real and synthetic images of fold 0 and the first seed."""
    study, config = protocol.study, protocol.config
    data = config.classifier.data
    train = split(study.lesions, study.folds, 0, hold_out_inner=config.selection == "inner").train
    real = Images(
        np.stack([original(lesion, data.image_size, data.margin) for lesion in train]),
        np.array([lesion.label for lesion in train], np.int32),
    )
    blocks = [("Real", real)]
    gan_size = protocol.trainings.gan_sizes(findings.classic_chosen)[0]
    for kind in protocol.trainings.mixed_kinds:
        banks = [
            load_bank(protocol.trainings.bank(name)).images
            for name, _ in protocol.trainings.gans(config.seeds[0], 0, kind, gan_size)
        ]
        drawn = Images(np.concatenate([b.pixels for b in banks]), np.concatenate([b.labels for b in banks]))
        blocks.append((kind.upper(), drawn))
    return [
        (title, {name: some[some.labels == i].pixels[:_NUM_SHOWN] for i, name in enumerate(study.lesions.class_names)})
        for title, some in blocks
    ]


def features_of(protocol: Protocol, findings: Findings) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(title, features, labels) of fold 0's test ROIs for the first seed of each arm that is a classifier."""
    outcomes = arm_outcomes(protocol, findings)
    return [
        (ARM_TITLES[name], test.features, test.labels)
        for name in protocol.config.arms
        # The discriminator's features are its own class probabilities: nothing to embed.
        if name != "acgan_discriminator"
        for test in [outcomes[name][0][0].test]
    ]


def _notes(protocol: Protocol) -> list[str]:
    config = protocol.config
    departures = [
        f"{part}.{name} is {ours} (paper's or default: {theirs})"
        for part in ("classifier", *protocol.trainings.gan_kinds)
        for name, ours, theirs in _changed(getattr(config, part), getattr(PaperConfig(), part))
    ]
    notes = ["Settings that depart from the paper's, or from our choice where it is silent: " + "; ".join(departures)]
    if config.selection == "inner":
        notes.append(
            "Sizes are nominal, per fold, as the paper counts them. Inner patients leave the training with their share "
            "of the real images, about a quarter, but not of the synthetic ones."
        )
    if "acgan_discriminator" in config.arms:
        notes.append("The ACGAN's discriminator classifies with its last checkpoint: the best one is its generator's.")
    return notes


def _changed(ours: Any, theirs: Any, prefix: str = "") -> list[tuple[str, Any, Any]]:
    # Fields that differ, dotted; how often something is logged or saved changes no result, nor do more devices unless
    # batch norm is each one's own, which is listed.
    found = []
    for field in dataclasses.fields(ours):
        mine, default = getattr(ours, field.name), getattr(theirs, field.name)
        if dataclasses.is_dataclass(mine):
            found += _changed(mine, default, f"{prefix}{field.name}.")
        elif mine != default and field.name not in ("num_devices", "log_every", "checkpoint_every", "pictures_every"):
            found.append((prefix + field.name, mine, default))
    return found


def _by_seed(outcomes: Sequence[Sequence[Outcome]]) -> list[Predictions]:
    return [pooled([outcome.test for outcome in folds]) for folds in outcomes]


def _scored(by_seed: Sequence[Predictions], lesions: LesionSet) -> dict[str, Any]:
    scored = score_predictions(by_seed[0].labels, np.stack([p.probabilities for p in by_seed]), lesions.num_classes)
    metrics = scored["metrics"]
    return {**scored, **metrics, "accuracy": metrics["accuracy"]["total"]}


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


def _arm(
    name: str,
    arms: dict[str, list[Predictions]],
    chosen: dict[str, dict[str, list[int]]],
    lesions: LesionSet,
    protocol: Protocol,
) -> dict[str, Any]:
    own, classic = arms[name], arms["classic"]
    difference = None
    if name != "classic":
        difference = compare(*paired(own, classic), own[0].patients)
    return {
        "name": name,
        "title": ARM_TITLES[name],
        **_scored(own, lesions),
        "seeds": list(protocol.config.seeds),
        "folds": list(range(protocol.study.folds.num_folds)),
        "chosen": {**chosen[name], "step of the checkpoint, first seed": list(own[0].steps)},
        "difference": difference,
    }


def _chosen(protocol: Protocol, findings: Findings) -> dict[str, dict[str, list[int]]]:
    classic = {"classic images per fold": list(findings.classic_chosen)}
    gans = {"classic images per fold that the GAN saw": list(protocol.trainings.gan_sizes(findings.classic_chosen))}
    return {
        "none": {},
        "classic": classic,
        "acgan_discriminator": gans,
        **{
            kind: {**classic, **gans, "synthetic images per class and fold": list(sizes)}
            for kind, sizes in findings.mixed_chosen.items()
        },
    }


def _point(curve: Sequence[Sequence[Outcome]], lesions: LesionSet, **labels: Any) -> dict[str, Any]:
    accuracy = _scored(_by_seed(curve), lesions)["accuracy"]
    return {
        **labels,
        "accuracy": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
        "n": accuracy["n"],
    }


def _synthetic_curve(kind: str, curve: Curve, findings: Findings, lesions: LesionSet) -> list[dict[str, Any]]:
    base = float(np.mean(findings.classic_chosen))
    num_seeds = len(next(iter(curve.values())))
    # A point of size 0, the classic arm itself, is where the curve starts.
    start = [
        [findings.classic[size][seed][fold] for fold, size in enumerate(findings.classic_chosen)]
        for seed in range(num_seeds)
    ]
    return [
        _point(outcomes, lesions, arm=kind, size=size, total=base + size * lesions.num_classes, split="test")
        for size, outcomes in {0: start, **curve}.items()
    ]
