"""Trains members together, and tells whether they came out as alone."""

import contextlib

import jax
import numpy as np

from lesion_jax.io.progress import Progress
from lesion_jax.io.saved_checkpoints import load_checkpoint
from lesion_jax.runtime import parallel
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.train_group import run_population
from lesion_jax.train.training import Training


def train_all(members, root, tiny, num_devices=1, **options):
    trainings = [Training.prepare(config, tiny, num_devices=1, cache_dir=None) for config in members]
    with contextlib.ExitStack() as stack:
        recorders = [stack.enter_context(Recorder.open(one, root / str(one.config.seed))) for one in trainings]
        progress = Progress(sum(one.periods.total for one in trainings), "all")
        return run_population(recorders, parallel.choose_devices(num_devices, 8), progress, **options)


def assert_same_run(one, other, exact):
    for which in ("last", "best"):
        (note, expected), (other_note, found) = (load_checkpoint(run / "checkpoints", which) for run in (one, other))
        assert note.step == other_note.step
        moments = []
        pairs = zip(jax.tree_util.tree_flatten_with_path(expected)[0], jax.tree.leaves(found), strict=True)
        for (path, leaf), theirs in pairs:
            name = jax.tree_util.keystr(path)
            if exact:
                np.testing.assert_array_equal(theirs, leaf, err_msg=name)
            elif "opt_state" in name:
                moments.append((theirs.ravel(), leaf.ravel()))
            else:
                np.testing.assert_allclose(theirs, leaf, rtol=1e-3, atol=2e-4, err_msg=name)
        if not exact:
            # A leaky ReLU whose input rounds to the other side of zero changes single gradients by a jump: their means
            # are compared as one vector.
            theirs, ours = (np.concatenate(side) for side in zip(*moments, strict=True))
            assert np.linalg.norm(theirs - ours) < 1e-2 * np.linalg.norm(ours)
    if exact:
        assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    assert (one / "DONE").exists() and (other / "DONE").exists()
    pictures = [sorted(p.name for p in (run / "samples").glob("*")) for run in (one, other)]
    assert pictures[0] == pictures[1]
