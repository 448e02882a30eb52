"""Whole trainings on the device at hand, as the product runs them, and how far a workdir's are."""

import collections
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import jax
from device_programs import Timed

from lesion_jax.io.progress import Progress
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.train_group import run_population
from lesion_jax.train.training import periods_of


def rate_of(timed: Timed, steps: int, workdir: Path) -> float:
    """Member-steps per second of a population from its first steps to the end, all that is written included.

    Scored, shown and saved as by default, ten times each at least; its program has been compiled.
    """
    wanted = timed.wanted
    clock = _Clock(wanted.members * steps)
    loop = dataclasses.replace(
        wanted.config.loop,
        duration=f"{steps} steps",
        evaluate_every=f"{steps // 10} steps",
        checkpoint_every=f"{steps // 10} steps",
        pictures_every=f"{steps // 5} steps",
    )
    with ExitStack() as stack:
        recorders = []
        for seed, training in enumerate(timed.trainings):
            config = dataclasses.replace(training.config, seed=seed, loop=loop)
            periods = periods_of(config, training.images.schedule.steps_per_epoch)
            training = dataclasses.replace(training, config=config, periods=periods)
            recorders.append(stack.enter_context(Recorder.open(training, workdir / str(seed))))
        failed = run_population(
            recorders,
            jax.devices()[:1],
            clock,
            packing=wanted.packing,
            slots_per_device=1 if wanted.packing == "one" else wanted.members,
        )
    if failed:
        raise next(iter(failed.values()))
    return clock.rate_to_the_end()


def run_paper(config: str, dataset: Path, workdir: Path, seconds: float) -> int:
    """Runs the paper in a process of its own, asks it to end after so many seconds, and gives its status.

    Args:
      config: Name of a file of `configs`.
      dataset: The dataset.
      workdir: Where it goes on if it was begun there.
      seconds: As long as it may take; then it saves, and has half a minute more.
    """
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "lesion_jax", "paper", f"--config={root}/configs/{config}"]
    command += [f"--config.dataset={dataset.absolute()}", f"--workdir={workdir}"]
    running = subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    )
    try:
        return running.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGTERM)
    try:
        return running.wait(timeout=30)
    except subprocess.TimeoutExpired:
        running.kill()
        return running.wait()


def steps_in(workdir: Path) -> dict[str, int]:
    """Steps that the run directories below a workdir have logged, by kind of training."""
    found: collections.Counter[str] = collections.Counter()
    for path in workdir.rglob("metrics.jsonl"):
        config = json.loads((path.parent / "config.json").read_text())
        lines = path.read_text().splitlines()
        for line in reversed(lines):
            try:
                found[config["kind"]] += json.loads(line)["step"]
                break
            except (ValueError, KeyError):
                continue
    return dict(found)


class _Clock(Progress):
    """Starts at the first steps that are done."""

    def __init__(self, total: int):
        super().__init__(total, "training")
        self._begun: tuple[int, float] | None = None

    def update(self, done: int, note: str = "") -> None:
        """See `Progress`."""
        if self._begun is None:
            self._begun = done, time.perf_counter()
        super().update(done, note)

    def rate_to_the_end(self) -> float:
        """Steps per second from then to now, whatever is still written included."""
        assert self._begun is not None
        return (self._total - self._begun[0]) / (time.perf_counter() - self._begun[1])
