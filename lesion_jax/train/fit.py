"""Trainings without gradient steps: everything is learned at once, on the host."""

import numpy as np

from lesion_jax.io.progress import Progress
from lesion_jax.train.recorder import Recorder


def fit(recorder: Recorder, progress: Progress) -> None:
    """Learns, scores, saves and declares the run done.

    Args:
      recorder: Open recorder of a training whose family has `fit`; it is closed at the end.
      progress: Shows its only step.

    Raises:
      DivergedError: What was learned is not finite; the run is marked as failed.
    """
    training = recorder.training
    assert training.family.fit is not None
    with recorder:
        arrays = training.family.fit(training.config, training.images)
        recorder.open_checkpoints()
        recorder.open_writer(0)
        recorder.visit(1, {"step": np.int32(1), **arrays})
        recorder.finish(1)
    progress.update(1)
