"""Steps that the loop can feed to a device: trainings of a few weights through loop, executor, recorder and writers.

    python benchmarks/host_ceiling.py --out host_ceiling.json

A device as fast as thought would take this many steps a second. Each call takes 16 steps, as on an accelerator, and
metrics are written every 50 steps, as by default; scores, pictures and checkpoints are left out. Each training has
3,400 images and an order of its own. Rates are of wall time, which other work on the machine lowers, and of the CPU
time of the loop's own thread, which it does not; the best of some repeats counts. Where JAX's device is a CPU, its
steps take a part of both. Needs no TensorFlow.
"""

import cProfile
import dataclasses
import pstats
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
from made_up import made_up_cohort
from rows import Row, begin, parser_of, sized, write_rows

from lesion_jax.config import DataConfig, LoopConfig, TrainingConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.core.state import TrainState
from lesion_jax.families import FAMILIES
from lesion_jax.families.base import Average, Family, Program, Step, hyper_of
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel
from lesion_jax.runtime.cpu import tune_cpu
from lesion_jax.runtime.population import Packing
from lesion_jax.train import executor
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.train_group import run_population
from lesion_jax.train.training import Training

# Leaves of a DCGAN's state without its hyper-parameters: a call's cost grows with them.
_NUM_LEAVES = 80
_IMAGE_SIZE = 8
_CLASSIC_SIZE = 1700


@dataclasses.dataclass(frozen=True)
class _ToyConfig(TrainingConfig):
    """Settings of the toy."""

    kind: Literal["toy"] = compiled("toy", doc="Always 'toy'.")
    rate: float = traced(0.1, above=0.0, high=1.0, doc="Share of the mean that a step replaces.")


@dataclasses.dataclass(frozen=True)
class _ToyProgram(Program):
    """Means of the images seen, in as many arrays as a GAN has."""

    def make_step(self, average: Average) -> Step:
        """See `Program`."""

        def step(state: TrainState, batch: dict[str, jax.Array], key: jax.Array) -> tuple[TrainState, dict]:
            del key
            seen = jnp.mean(batch["pixels"].astype(jnp.float32), (1, 2))
            mean, loss = average((jnp.mean(seen), jnp.mean(seen * batch["label"])))
            rate = state.hyper["rate"]
            weights = {
                name: x if number else x + rate * (mean - x) for number, (name, x) in enumerate(state.ema.items())
            }
            metrics = {f"loss/{name}": loss + number for number, name in enumerate("abcd")}
            return state.replace(step=state.step + 1, ema=weights), metrics

        return step


def _init_toy(config: _ToyConfig, program: Program, images: Any) -> TrainState:
    del program, images
    weights = {f"w{number:02}": jnp.zeros((2,)) for number in range(_NUM_LEAVES)}
    return TrainState(jnp.int32(0), networks={}, ema=weights, hyper=hyper_of(config), health={})


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--members", type=int, action="append", help="may be repeated; default 1, 27")
    parser.add_argument("--packing", choices=("one", "vmap"), default="vmap", help="of several members")
    parser.add_argument(
        "--steps", type=int, default=20_000, help="of one member; of several each takes its share, times 4"
    )
    parser.add_argument("--steps_per_call", type=int, default=16)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="print where the loop's thread spends its time")
    flags = begin(parser)
    tune_cpu()
    rows = []
    for members in flags.members or (1, 27):
        steps = flags.steps if members == 1 else 4 * flags.steps // members
        packing = "one" if members == 1 else flags.packing
        with _toy_family(), _steps_per_call(flags.steps_per_call):
            trained = [
                _train(members, packing, steps, flags.batch_size, profile=flags.profile and not number)
                for number in range(flags.repeats)
            ]
        num = members * steps
        what = sized(
            f"member-steps that the loop feeds to {members}, {flags.steps_per_call} a call",
            batch=flags.batch_size,
            image=_IMAGE_SIZE,
            packing=packing,
            device=jax.devices()[0].device_kind,
        )
        must = 10_000 if members == 1 else 50_000 if members == 27 else 0
        rate = num / min(t.wall for t in trained)
        own = num / min(t.thread for t in trained)
        rows.append(
            Row(
                measure=what,
                value=rate,
                unit="steps/s",
                peer=f"by the loop's own CPU time {own:,.0f}",
                ratio=rate / must if must else 1.0,
                must=1.0 if must else 0.0,
            )
        )
    write_rows(rows, flags)


@dataclasses.dataclass(frozen=True)
class _Times:
    """Seconds of a training: of the wall, and of the CPU in the loop's thread."""

    wall: float
    thread: float


def _train(members: int, packing: Packing, steps: int, batch_size: int, *, profile: bool) -> _Times:
    """A whole training of all members, the first calls and the compilation left out."""
    loop = LoopConfig(
        duration=f"{steps} steps", evaluate_every="0 steps", pictures_every="0 steps", checkpoint_every="0 steps"
    )
    data = DataConfig(dataset="made up", image_size=_IMAGE_SIZE, classic_size=_CLASSIC_SIZE, batch_size=batch_size)
    cohort, folder = made_up_cohort(), Path(tempfile.mkdtemp())
    try:
        with ExitStack() as stack:
            recorders, training = [], None
            for seed in range(members):
                config = _ToyConfig(seed=seed, num_devices=1, data=data, loop=loop)
                training = Training.prepare(config, cohort, num_devices=1, cache_dir=None, like=training)
                recorders.append(stack.enter_context(Recorder.open(training, folder / str(seed))))
            profiler = cProfile.Profile() if profile else None
            progress = _Clock(members * steps, profiler)
            slots = 1 if packing == "one" else members
            devices = parallel.choose_local_devices(1)
            run_population(recorders, devices, progress, packing=packing, slots_per_device=slots)
            times = progress.times()
        if profiler:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        return times
    finally:
        shutil.rmtree(folder)


class _Clock(Progress):
    """Starts at the first steps that are done; everything is compiled then."""

    def __init__(self, total: int, profiler: cProfile.Profile | None):
        super().__init__(total, "toy")
        self._profiler, self._start = profiler, None

    def update(self, done: int, note: str = "") -> None:
        """See `Progress`."""
        if self._start is None:
            self._start = done, time.perf_counter(), time.thread_time()
            if self._profiler:
                self._profiler.enable()
        if done == self._total:
            self._end = time.perf_counter(), time.thread_time()
            if self._profiler:
                self._profiler.disable()
        super().update(done, note)

    def times(self) -> _Times:
        """Seconds of all steps, scaled up by those before the clock began; what is saved at the end is left out."""
        assert self._start is not None
        done, wall, thread = self._start
        scale = self._total / (self._total - done)
        return _Times((self._end[0] - wall) * scale, (self._end[1] - thread) * scale)


class _toy_family(ExitStack):
    """Inside, the toy is a family."""

    def __enter__(self) -> "_toy_family":
        make: Callable[..., Program] = lambda config, num_classes: _ToyProgram()  # noqa: E731
        FAMILIES["toy"] = Family("toy", "Toy", "toy", _ToyConfig, make_program=make, init_state=_init_toy)
        self.callback(FAMILIES.pop, "toy")
        return super().__enter__()


class _steps_per_call(ExitStack):
    """Inside, a CPU takes as many steps in a call as an accelerator."""

    def __init__(self, count: int):
        super().__init__()
        self._count = count

    def __enter__(self) -> "_steps_per_call":
        before = executor._STEPS_PER_CALL
        executor._STEPS_PER_CALL = {"cpu": self._count}
        self.callback(setattr, executor, "_STEPS_PER_CALL", before)
        return super().__enter__()


if __name__ == "__main__":
    main()
