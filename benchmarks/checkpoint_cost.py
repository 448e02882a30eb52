"""What checkpoints cost at the paper's width, and how fast a run is back.

    python benchmarks/checkpoint_cost.py --workdir /tmp/cost --out checkpoint_cost.json

Seconds that a save keeps the training waiting (the copy to the host; hashing and writing go on beside the steps), its
share of a training of the paper's length at the default interval, bytes on disk, seconds to read it back; and the
seconds from a command to the first step after a checkpoint, with and without JAX's persistent compilation cache.
"""

import json
import os
import signal
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
from rows import Row, Spread, begin, parser_of, sized, write_rows
from step_throughput import gan_runner
from trials import Job, emptied, make_data, train_job, wait_for

from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.saved_checkpoints import last_step, load_checkpoint
from lesion_jax.runtime.cpu import tune_cpu

# Paper, section 4: some 3,700 updates of a DCGAN; `loop.checkpoint_every` and `loop.evaluate_every` are 10 % each.
_STEPS = 3_700
_SAVES = 10


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--width", type=int, default=128, help="W of the generator; the discriminator has W / 2")
    parser.add_argument("--steps", type=int, default=3, help="timed steps between two saves")
    flags = begin(parser)
    tune_cpu()
    folder = emptied(parser, flags.workdir)
    write_rows([*_saving(folder, flags.width, flags.steps), *_resuming(folder)], flags)


def _saving(folder: Path, width: int, num_steps: int) -> list[Row]:
    training = gan_runner(width, 64, 64, jnp.float32, width // 2)
    blocked, steps = [], []
    with Checkpoints(folder / "checkpoints", run="benchmark") as checkpoints:
        for number in range(1, 4):
            for _ in range(num_steps):
                start = time.perf_counter()
                training()
                steps.append(time.perf_counter() - start)
            start = time.perf_counter()
            checkpoints.save(number, training.state, score=float(number))
            blocked.append(time.perf_counter() - start)
        start = time.perf_counter()
        checkpoints.wait()
        written = time.perf_counter() - start
    seconds, waits = statistics.median(steps), Spread.of(blocked)
    num_bytes = sum(path.stat().st_size for path in (folder / "checkpoints" / "3").rglob("*") if path.is_file())
    start = time.perf_counter()
    load_checkpoint(folder / "checkpoints", "last")
    read = time.perf_counter() - start
    device = f"1 x {jax.devices()[0].device_kind}"
    share = 100 * _SAVES * waits.median / (_STEPS * seconds + _SAVES * waits.median)

    def named(what: str) -> str:
        return sized(f"{what}, DCGAN", width=width, batch=64, image=64, dtype="float32", device=device)

    return [
        Row(
            measure=named("a save keeps the loop waiting"),
            value=waits,
            unit="s",
            peer=f"hashing and writing beside the steps, {written:.2f} s",
            ratio=(waits.median + written) / waits.median,
            must=0.0,
        ),
        Row(
            measure=named(f"share of a training of {_STEPS} steps that {_SAVES} saves take"),
            value=share,
            unit="%",
            peer=f"a step, {seconds:.2f} s; target 1 %",
            ratio=1 / share,
            must=0.0,
        ),
        Row(measure=named("a checkpoint on disk"), value=num_bytes / 2**20, unit="MiB", peer="", ratio=1.0, must=0.0),
        Row(measure=named("reading it back and checking its digest"), value=read, unit="s"),
    ]


def _resuming(folder: Path) -> list[Row]:
    _, dataset = make_data(folder)
    words = ("--config.data.label=cyst", "--config.width=16", "--config.discriminator_width=16")
    # Long enough to be killed in the middle.
    job = train_job(folder, dataset, "dcgan", *words, "--config.loop.duration=100000 steps")
    cache = {"JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    _seconds_to_a_new_step(job, {})
    cold = [_seconds_to_a_new_step(job, {}) for _ in range(3)]
    _seconds_to_a_new_step(job, cache)
    warm = [_seconds_to_a_new_step(job, cache) for _ in range(3)]
    cold_seconds, warm_seconds = Spread.of(cold), Spread.of(warm)
    what = sized(
        "command to first resumed step, DCGAN", width=16, batch=16, image=32, dtype="float32", device="1 x cpu"
    )
    return [
        Row(measure=what, value=cold_seconds, unit="s"),
        Row(
            measure=f"{what}, with JAX_COMPILATION_CACHE_DIR",
            value=warm_seconds,
            unit="s",
            peer=f"without, {cold_seconds.median:.1f} s",
            ratio=cold_seconds.median / warm_seconds.median,
            must=0.0,
        ),
    ]


def _seconds_to_a_new_step(job: Job, env: dict[str, str]) -> float:
    """Starts the command, waits until it has logged its first step, and kills it once it has saved."""
    known, begun = last_step(job.out / "checkpoints") or 0, time.time_ns()
    start = time.monotonic()
    process = job.start(env=env)
    wait_for(process, lambda: _last_logged(job, begun) > known)
    seconds = time.monotonic() - start
    wait_for(process, lambda: (last_step(job.out / "checkpoints") or 0) > known)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return seconds


def _last_logged(job: Job, begun: int) -> int:
    # What an earlier process logged after its last checkpoint is dropped first, and the file written anew.
    path = job.out / "metrics.jsonl"
    if not path.exists() or path.stat().st_mtime_ns < begun:
        return 0
    whole = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return json.loads(whole[-1])["step"] if whole else 0


if __name__ == "__main__":
    main()
