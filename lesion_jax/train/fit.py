"""Trainings without gradient steps: everything is learned at once, on the host."""

import numpy as np

from lesion_jax.train.recorder import Recorder


def fit(recorder: Recorder) -> None:
    """Learns, scores, saves and declares the run done; what an earlier process has saved is only declared.

    Args:
      recorder: Open recorder of a training whose family has `fit`; it is closed at the end.

    Raises:
      DivergedError: What was learned is not finite; the run is marked as failed.
    """
    training = recorder.training
    assert training.family.fit is not None
    with recorder:
        state = {"step": np.int32(1), **training.family.fit(training.config, training.images)}
        if recorder.open_checkpoints().restore_last(state) is None:
            recorder.open_writer(0)
            recorder.visit(1, state)
        recorder.finish(1)
