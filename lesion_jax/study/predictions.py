"""What every arm says of the test lesions, over all retrainings of a scenario; kept, so that all can be recomputed."""

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What was asked of a study's networks.

    Attributes:
      runs: scenario -> arm -> predictions.
      doses: scenario -> arm -> further number of synthetic images -> predictions; an arm without doses is not there.
    """

    runs: dict[str, dict[str, Runs]]
    doses: dict[str, dict[str, dict[int, Runs]]]


def collect_predictions(layout: Layout, *, ask: Ask | None = None) -> Predictions:
    """Asks every trained network about its test lesions.

    Args:
      layout: The study, all of whose trainings are finished.
      ask: Answers in place of the networks, for tests.

    Returns:
      The predictions, which also stand in WORKDIR/predictions/SCENARIO/ARM.npz and ARM-doseN.npz.
    """
    ask = ask or asker()
    settings = layout.settings
    of = {name: [setting for setting in settings if setting.scenario == name] for name in layout.config.scenarios}
    wanted = [
        (name, arm, dose)
        for name, some in of.items()
        for arm in layout.arms
        for dose in (None, *layout.doses(arm, some[0]))
    ]
    progress = _Counted(sum(len(layout.folds(setting)) for name, *_ in wanted for setting in of[name]))
    found = Predictions({name: {} for name in of}, {name: {} for name in of})
    for name, arm, dose in wanted:
        runs = _runs(layout, of[name], arm, dose, ask, progress)
        if dose is None:
            found.runs[name][arm.name] = runs
        else:
            found.doses[name].setdefault(arm.name, {})[dose] = runs
        path = layout.workdir / "predictions" / name / f"{arm.name}{'' if dose is None else f'-dose{dose}'}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        runs.save(path)
    return found


def _runs(
    layout: Layout, settings: Sequence[Setting], arm: Arm, dose: int | None, ask: Ask, progress: _Counted
) -> Runs:
    lesions = layout.tested(settings[0])
    row = {lesion.lesion_id: i for i, lesion in enumerate(lesions)}
    num_partitions = max(setting.partition for setting in settings) + 1
    folds = np.zeros((num_partitions, len(lesions)), np.int64)
    probabilities = np.full((len(settings), len(lesions), layout.cohort.lesions.num_classes), np.nan, np.float32)
    for number, setting in enumerate(settings):
        for fold in layout.folds(setting):
            members = [layout.run(name) for name, _ in layout.predictors(arm, setting, fold, dose)]
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


def asker() -> Ask:
    """Asks the networks; the images of some lesions are made once for all of them."""
    prepared = functools.lru_cache(maxsize=8)(original_images)

    def ask(members: list[Path], lesions: tuple[Lesion, ...]) -> np.ndarray:
        said = []
        for run in members:
            classifier = restore_classifier(run, "last")
            data = classifier.config.data
            said.append(classifier(prepared(lesions, data.image_size, data.margin).pixels)[0])
        return np.mean(said, axis=0)

    return ask
