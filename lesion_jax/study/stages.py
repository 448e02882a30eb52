"""The trainings of a study as two lists: those that wait for nothing, and those that wait for banks.

Of some settings: no training of one waits for one of another, but for the recipes, which the tuning ones must have
chosen. So each can be a task of an array.
"""

from collections.abc import Sequence

from lesion_jax.paper.ledger import Named
from lesion_jax.study.layout import Layout, Setting


def first(layout: Layout, settings: Sequence[Setting]) -> list[Named]:
    """Arms without synthetic images, and all generators."""
    return [
        named
        for setting in settings
        for fold in layout.folds(setting)
        for named in (
            *(one for arm in layout.arms if not arm.generator for one in layout.predictors(arm, setting, fold)),
            *(one for model in layout.generators for one in layout.generator(model, setting, fold)),
        )
    ]


def banks(layout: Layout, settings: Sequence[Setting]) -> list[tuple[str, Setting, int]]:
    """(name of a generator's training, its setting, images of each class to draw) of every bank."""
    return [
        (name, setting, layout.bank_size(model, setting))
        for setting in settings
        for fold in layout.folds(setting)
        for model in layout.generators
        for name, _ in layout.generator(model, setting, fold)
    ]


def selections(layout: Layout, settings: Sequence[Setting]) -> list[tuple[str, int]]:
    """(name of a generator's training, images of each class to select from its bank) of every selected bank."""
    return [
        (name, layout.num_taken(some, model, setting))
        for setting in settings
        for fold in layout.folds(setting)
        for model in layout.generators
        if (some := [arm for arm in layout.arms if arm.generator == model and arm.selects])
        for name, _ in layout.generator(model, setting, fold)
    ]


def second(layout: Layout, settings: Sequence[Setting]) -> list[Named]:
    """Arms with synthetic images, at all of their doses."""
    return [
        named
        for setting in settings
        for fold in layout.folds(setting)
        for arm in layout.arms
        if arm.generator is not None
        for dose in (None, *layout.doses(arm, setting))
        for named in layout.predictors(arm, setting, fold, dose)
    ]
