"""What every arm says of the test lesions, over all retrainings of a scenario; kept, so that all can be recomputed."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data.lesion_images import original_images
from lesion_jax.inference.restore import restore_classifier
from lesion_jax.io.progress import Progress
from lesion_jax.metrics.runs import Runs
from lesion_jax.paper.arms import Arm
from lesion_jax.study.layout import Layout, Setting

# f(run directories of an arm's members, lesions) -> probabilities float32 [N, C].
Ask = Callable[[list[Path], tuple[Lesion, ...]], np.ndarray]


class _Counted:
    """Progress that counts by itself."""

    def __init__(self, total: int):
        self._progress, self._done = Progress(total, "predictions"), 0
        self._progress.update(0)

    def step(self) -> None:
        self._done += 1
        self._progress.update(self._done)


def collect_runs(layout: Layout, *, ask: Ask | None = None) -> dict[str, dict[str, Runs]]:
    """Asks every trained network about its test lesions.

    Args:
      layout: The study, all of whose trainings are finished.
      ask: Answers in place of the networks, for tests.

    Returns:
      scenario -> arm -> its predictions, which also stand in WORKDIR/predictions/SCENARIO/ARM.npz.
    """
    ask = ask or _asker()
    settings = layout.settings
    num = sum(len(layout.folds(setting)) for setting in settings) * len(layout.arms)
    progress = _Counted(num)
    found: dict[str, dict[str, Runs]] = {}
    for name in layout.config.scenarios:
        some = [setting for setting in settings if setting.scenario == name]
        found[name] = {}
        for arm in layout.arms:
            runs = found[name][arm.name] = _runs(layout, some, arm, ask, progress)
            path = layout.workdir / "predictions" / name / f"{arm.name}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            runs.save(path)
    return found


def _runs(layout: Layout, settings: Sequence[Setting], arm: Arm, ask: Ask, progress: _Counted) -> Runs:
    lesions = layout.tested(settings[0])
    row = {lesion.lesion_id: i for i, lesion in enumerate(lesions)}
    num_partitions = max(setting.partition for setting in settings) + 1
    folds = np.zeros((num_partitions, len(lesions)), np.int64)
    probabilities = np.full((len(settings), len(lesions), layout.cohort.lesions.num_classes), np.nan, np.float32)
    for number, setting in enumerate(settings):
        for fold in layout.folds(setting):
            members = [layout.run(name) for name, _ in layout.predictors(arm, setting, fold)]
            test = layout.split(setting, fold).test
            rows = [row[lesion.lesion_id] for lesion in test]
            probabilities[number, rows] = ask(members, test)
            folds[setting.partition, rows] = fold
            progress.step()
    crossed = len(layout.folds(settings[0])) > 1
    return Runs(
        probabilities=probabilities,
        labels=np.array([lesion.label for lesion in lesions]),
        patients=tuple(lesion.patient for lesion in lesions),
        cohort=np.array([setting.cohort for setting in settings]),
        partition=np.array([setting.partition for setting in settings]),
        seed=np.array([setting.seed for setting in settings]),
        folds=folds if crossed else None,
    )


def _asker() -> Ask:
    """Asks the networks; the images of a test set are made once for all of them."""
    prepared = functools.lru_cache(maxsize=8)(original_images)

    def ask(members: list[Path], lesions: tuple[Lesion, ...]) -> np.ndarray:
        said = []
        for run in members:
            classifier = restore_classifier(run, "last")
            data = classifier.config.data
            said.append(classifier(prepared(lesions, data.image_size, data.margin).pixels)[0])
        return np.mean(said, axis=0)

    return ask
