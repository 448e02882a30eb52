"""Stages of the protocol, as lists of trainings: what runs, what is planned and what is counted are the same lists.

1. Trainings that wait for nothing: every size from which an arm chooses, and fixed sizes.
2. Generators, on the classic size that the baseline chose (or gan_classic_size).
3. Other trainings without synthetic images, on those sizes too.
4. Arms with synthetic images, once banks are drawn.
"""

import collections
from collections.abc import Sequence

from lesion_jax.config import TrainingConfig
from lesion_jax.paper.arms import Arm
from lesion_jax.paper.layout import Trainings
from lesion_jax.paper.ledger import Named, unique

# One size per fold.
Sizes = Sequence[int]


def gan_sizes(trainings: Trainings, baseline: Sizes) -> tuple[int, ...]:
    """Classic size that each fold's generators are trained on, from the one that the baseline chose."""
    return tuple(trainings.config.gan_classic_size or size for size in baseline)


def classic_sizes(trainings: Trainings, arm: Arm, baseline: Sizes, chosen: Sizes | None) -> tuple[int, ...]:
    """Classic size of an arm in each fold.

    Args:
      trainings: Trainings of the protocol.
      arm: The arm.
      baseline: What the baseline chose.
      chosen: What this arm chose; None where it chooses none.
    """
    if chosen is not None:
        return tuple(chosen)
    if arm.fixed_classic_size is not None:
        return (arm.fixed_classic_size,) * trainings.num_folds
    # A predictor that also draws is the very training of the generators' stage.
    draws = trainings.family(arm.predictor).draw is not None
    return gan_sizes(trainings, baseline) if draws else tuple(baseline)


def sweep(trainings: Trainings, arm: Arm) -> dict[tuple[int, int, int], Named]:
    """Trainings without synthetic images, by (classic size, seed, fold): all from which the arm chooses, or {}."""
    sizes = trainings.config.classic_sizes if "classic_size" in arm.chosen else ()
    return {
        (size, seed, fold): trainings.predictor(arm, seed, fold, size)
        for size in sizes
        for seed, fold in trainings.repeats
    }


def alone(trainings: Trainings, arm: Arm, sizes: Sizes) -> dict[tuple[int, int], Named]:
    """Trainings of an arm without synthetic images, by (seed, fold), on each fold's classic size."""
    return {(seed, fold): trainings.predictor(arm, seed, fold, sizes[fold]) for seed, fold in trainings.repeats}


def generators(trainings: Trainings, model: str, sizes: Sizes) -> dict[tuple[int, int], list[Named]]:
    """Trainings of a generator, by (seed, fold), on each fold's classic size."""
    return {(seed, fold): trainings.generator(model, seed, fold, sizes[fold]) for seed, fold in trainings.repeats}


def mixed(trainings: Trainings, arm: Arm, sizes: Sizes, seen: Sizes) -> dict[tuple[int, int, int], Named]:
    """Trainings of an arm with its generator's images, by (synthetic size, seed, fold); {} without a generator.

    Args:
      trainings: Trainings of the protocol.
      arm: The arm.
      sizes: Its classic size in each fold.
      seen: Classic size that each fold's generator saw.
    """
    return {
        (size, seed, fold): trainings.mixed(arm, seed, fold, sizes[fold], seen[fold], size)
        for size in trainings.synthetic_sizes(arm)
        for seed, fold in trainings.repeats
    }


def first(trainings: Trainings) -> list[Named]:
    """Trainings that wait for no choice and no bank."""
    fixed = [arm for arm in trainings.arms if arm.generator is None and arm.fixed_classic_size is not None]
    return unique(
        [
            *(named for arm in trainings.arms for named in sweep(trainings, arm).values()),
            *(named for arm in fixed for named in alone(trainings, arm, fixed_sizes(trainings, arm)).values()),
        ]
    )


def fixed_sizes(trainings: Trainings, arm: Arm) -> tuple[int, ...]:
    """Classic sizes of an arm whose changes set them."""
    return classic_sizes(trainings, arm, (), None)


def largest(trainings: Trainings) -> list[list[Named]]:
    """The stages in order, each size that an earlier stage's scores choose taken at its largest.

    Each training stands in the first stage that needs it; a stage that is left empty is left out.
    """
    baseline = (max(trainings.config.classic_sizes),) * trainings.num_folds
    seen = gan_sizes(trainings, baseline)
    sizes = {
        arm.name: classic_sizes(trainings, arm, baseline, baseline if "classic_size" in arm.chosen else None)
        for arm in trainings.arms
    }
    without = [arm for arm in trainings.arms if arm.generator is None]
    stages = [
        first(trainings),
        *(
            [one for some in generators(trainings, model, seen).values() for one in some]
            for model in trainings.generators
        ),
        *(list(alone(trainings, arm, sizes[arm.name]).values()) for arm in without),
        *(list(mixed(trainings, arm, sizes[arm.name], seen).values()) for arm in trainings.arms),
    ]
    known: dict[str, TrainingConfig] = {}
    found = []
    for stage in stages:
        new = unique([*known.items(), *stage])[len(known) :]
        known |= dict(new)
        found.append(new)
    return [stage for stage in found if stage]


def counts(trainings: Trainings) -> collections.Counter[str]:
    """How many trainings of each kind the whole protocol needs."""
    return collections.Counter(config.kind for stage in largest(trainings) for _, config in stage)
