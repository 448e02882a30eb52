"""Everything that is measured on an accelerator, in under eight minutes; needs JAX with its plugin and no network.

    python benchmarks/accelerator.py --out accelerator.json
    python benchmarks/accelerator.py --out accelerator.json --dataset DATASET --seconds 900      # and the paper
    python benchmarks/compare.py benchmarks/results/h100_first_version.json accelerator.json

In this order: the device's own limits; steps of the DCGAN and of the paper's CNN, alone and in populations, compiled in
threads and then timed one after another; PyTorch's steps, eager, compiled, grouped and vmapped, in a process of its
own; whole trainings by `run_population` against their compiled step; kernels by time; and, with a dataset, the paper at
full width for what is left of the time. Each row is printed and saved as it is measured, and any part may fail: a line
says so. Trainings need tensorboardX and the paper ml_collections too (unpacked wheels on PYTHONPATH do), nothing needs
TensorFlow. On a CPU, with --tiny, it is a rehearsal.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rows import Row, Rows, Spread, begin, parser_of

from lesion_jax.runtime.cpu import tune_cpu

# As every verb that trains has it.
_DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
# The whole without the paper.
_SECONDS = 480.0
# A whole training takes so long, if its steps take what they took by themselves.
_TRAINING_SECONDS = 10.0


def main() -> None:
    """Measures and prints; whatever fails is told, and the rest goes on."""
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for everything; the paper takes what is left")
    parser.add_argument("--compile_until", type=float, default=200.0, help="seconds from the start for compiling")
    parser.add_argument("--dataset", type=Path, help="a dataset, on which the paper then runs")
    parser.add_argument("--tiny", action="store_true", help="networks of a few weights: a rehearsal on a CPU")
    parser.add_argument("--program", action="append", help="by its short name, such as 'W16'; default all")
    parser.add_argument("--part", choices=tuple(_PARTS), action="append", help="may be repeated; default all")
    flags = begin(parser)
    tune_cpu()
    if not flags.tiny:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_DETERMINISTIC}".strip()
    bench = _Bench(flags)
    for name, part in _PARTS.items():
        if not flags.part or name in flags.part or name == "steps":
            bench.attempt(name, part)
    bench.close()


class _Bench:
    """What the parts share.

    Attributes:
      rows: Measured so far.
      timed: Programs that are compiled, by name.
      spreads: Seconds of a step of all members of each, by name.
    """

    def __init__(self, flags: argparse.Namespace):
        self.flags, self.rows = flags, Rows(flags)
        self.timed: dict[str, Any] = {}
        self.spreads: dict[str, Spread] = {}
        self._start = time.monotonic()
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.torch: subprocess.Popen | None = None

    def left(self) -> float:
        """Seconds that are left."""
        return self.flags.seconds - (time.monotonic() - self._start)

    def attempt(self, name: str, part: Callable[["_Bench"], None]) -> None:
        """Runs a part; whatever it raises is told."""
        begun = time.monotonic()
        try:
            if self.left() < 0:
                raise TimeoutError("no time is left")
            part(self)
        except Exception as error:
            traceback.print_exc()
            self.failed(name, error)
        print(f"# {name}: {time.monotonic() - begun:.1f} s", flush=True)

    def failed(self, name: str, error: Exception) -> None:
        """Tells, as a comment between the rows, that something could not be measured."""
        print(f"# {name} FAILED: {type(error).__name__}: {str(error)[:300]}", flush=True)

    def close(self) -> None:
        """Ends what is still running."""
        if self.torch and self.torch.poll() is None:
            self.torch.kill()
        self._folder.cleanup()


def _limits(bench: _Bench) -> None:
    import jax
    import jax.numpy as jnp
    from device_programs import seconds_in_flight

    device = f"1 x {jax.devices()[0].device_kind}"
    side, length = (64, 2**12) if bench.flags.tiny else (8192, 2**28)
    product, copy = jax.jit(jnp.matmul), jax.jit(lambda x: x + 1)
    for dtype in (jnp.bfloat16, jnp.float32):
        x = jnp.ones((side, side), dtype)
        seconds = seconds_in_flight(lambda x=x: product(x, x), jax.block_until_ready, 0.1, 5)
        what = f"product of {side} x {side} matrices, {x.dtype}, {device}"
        bench.rows.add(Row(measure=what, value=seconds.under(2 * side**3 / 1e12), unit="TFLOP/s"))
    x = jnp.ones((length,), jnp.float32)
    seconds = seconds_in_flight(lambda: copy(x), jax.block_until_ready, 0.1, 5)
    bench.rows.add(Row(measure=f"copy, {device}", value=seconds.under(2 * x.nbytes / 1e9), unit="GB/s"))
    x = jnp.ones((8,), jnp.float32)
    seconds = seconds_in_flight(lambda: copy(x), jax.block_until_ready, 0.1, 5)
    bench.rows.add(Row(measure=f"smallest call, {device}", value=seconds.times(1e6), unit="us"))


def _steps(bench: _Bench) -> None:
    import jax
    from device_programs import Compiling, wanted_programs

    is_gpu = jax.default_backend() == "gpu"
    wanted = wanted_programs(tiny=bench.flags.tiny)
    wanted = {name: what for name, what in wanted.items() if name in (bench.flags.program or wanted)}
    _begin_torch(bench, wanted)
    compiling = Compiling(12 if is_gpu else 2, bench.failed)
    for name, what in wanted.items():
        if bench.flags.seconds - bench.left() < bench.flags.compile_until - 10:
            compiling.begin(name, what)
        else:
            bench.failed(name, TimeoutError("not traced in time"))
    found = compiling.collect(bench.flags.compile_until - (bench.flags.seconds - bench.left()))
    if bench.torch:
        # What it compiles would disturb what follows.
        until = time.monotonic() + min(20.0, max(bench.left(), 0.0))
        while not (bench.folder / "ready").exists() and bench.torch.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
        if not (bench.folder / "ready").exists():
            print("# PyTorch is not ready: what follows is disturbed")
    for name, timed in found.items():
        try:
            timed.start()
            spread = timed.seconds(0.1, 5 if is_gpu else 2)
        except Exception as error:
            bench.failed(name, error)
            continue
        bench.timed[name], bench.spreads[name] = timed, spread
        what = timed.wanted
        bench.rows.add(
            Row(
                measure=what.sized("step"),
                value=spread.times(1e3),
                unit="ms",
                peer=f"asked, {what.asked:g} ms; compiled in {timed.compile_seconds:.0f} s" if what.asked else "",
                ratio=what.asked / (1e3 * spread.median) if what.asked else 1.0,
                must=1.0 if what.asked else 0.0,
            )
        )


def _begin_torch(bench: _Bench, wanted: dict[str, Any]) -> None:
    if bench.flags.part and "torch" not in bench.flags.part:
        return
    cells = [
        {
            "name": f"{name}/{way}",
            "way": way,
            "network": what.config.kind,
            "members": what.members,
            **what.sizes,
        }
        for name, what in wanted.items()
        for way in (("eager", "compiled") if what.members == 1 else ("grouped", "vmap"))
    ]
    command = [sys.executable, str(Path(__file__).with_name("torch_apart.py")), str(bench.folder), json.dumps(cells)]
    bench.torch = subprocess.Popen(command)


# Times faster than PyTorch that is asked for.
_MUST = {"eager": 2.0, "compiled": 1.3, "grouped": 1.0, "vmap": 1.0}


def _torch(bench: _Bench) -> None:
    from device_programs import wanted_programs

    assert bench.torch is not None
    (bench.folder / "go").touch()
    try:
        bench.torch.wait(timeout=max(10.0, min(60.0, bench.left())))
    finally:
        # What follows is timed alone.
        bench.torch.kill()
        wanted = wanted_programs(tiny=bench.flags.tiny)
        log = bench.folder / "torch.jsonl"
        for line in log.read_text().splitlines() if log.exists() else ():
            found = json.loads(line)
            name, way = found["name"].split("/")
            if "error" in found:
                bench.failed(f"PyTorch {found['name']}", RuntimeError(found["error"]))
                continue
            spread, ours = Spread.of(found["seconds"]), bench.spreads.get(name)
            bench.rows.add(
                Row(
                    measure=wanted[name].sized(f"PyTorch {way} step"),
                    value=spread.times(1e3),
                    unit="ms",
                    peer=f"ours, {1e3 * ours.median:.3g} ms" if ours else "",
                    ratio=spread.median / ours.median if ours else 1.0,
                    must=_MUST[way] if ours else 0.0,
                )
            )


def _trainings(bench: _Bench) -> None:
    from device_training import rate_of

    for name in ("9 of W16", "27 CNN bfloat16", "CNN bfloat16", "W128"):
        if name not in bench.timed or bench.left() < _TRAINING_SECONDS:
            continue
        timed, step = bench.timed[name], bench.spreads[name].median
        steps = 40 if bench.flags.tiny else max(500, int(_TRAINING_SECONDS / step))
        try:
            rate = rate_of(timed, steps, bench.folder / name)
        except Exception as error:
            traceback.print_exc()
            bench.failed(f"training of {name}", error)
            continue
        alone = timed.wanted.members / step
        bench.rows.add(
            Row(
                measure=f"{timed.wanted.sized('whole training')}, {steps} steps",
                value=rate,
                unit="steps/s",
                peer=f"its compiled step, {alone:,.0f} steps/s",
                ratio=rate / alone,
                must=0.8,
            )
        )


def _kernels(bench: _Bench) -> None:
    from device_kernels import profile

    for name, most in (("W16", 8), ("9 of W16", 8), ("W128", 8), ("27 CNN bfloat16", 8), ("CNN bfloat16", 4)):
        if name not in bench.timed or bench.left() < 10:
            continue
        timed = bench.timed[name]
        try:
            found = profile(timed.call, timed.wait)
        except Exception as error:
            bench.failed(f"kernels of {name}", error)
            continue
        steps = timed.num_steps
        what = timed.wanted.sized("step")
        bench.rows.add(Row(measure=f"kernels of a {what}", value=found.count / steps, unit="kernels"))
        bench.rows.add(Row(measure=f"busy in a {what}", value=100 * found.busy, unit="%"))
        for kernel, seconds in list(found.seconds.items())[:most]:
            bench.rows.add(Row(measure=f"{kernel[:80]} in a {what}", value=1e6 * seconds / steps, unit="us"))


def _paper(bench: _Bench) -> None:
    if bench.flags.dataset is None:
        print("# paper: no --dataset")
        return
    from device_training import run_paper, steps_in

    workdir = (bench.flags.out or bench.folder / "x.json").parent / "paper"
    seconds = min(bench.left() - 10, 60.0 if bench.flags.tiny else 1e9)
    if seconds < 20:
        raise TimeoutError(f"{seconds:.0f} s are left")
    begun = time.monotonic()
    status = run_paper("smoke.py" if bench.flags.tiny else "paper.py", bench.flags.dataset, workdir, seconds)
    taken = time.monotonic() - begun
    for kind, steps in steps_in(workdir).items():
        bench.rows.add(
            Row(measure=f"steps of {kind} that the paper took in {taken:.0f} s", value=float(steps), unit="steps")
        )
    if status not in (0, 75):
        raise RuntimeError(f"it ended with status {status}")


_PARTS: dict[str, Callable[[_Bench], None]] = {
    "limits": _limits,
    "steps": _steps,
    "torch": _torch,
    "trainings": _trainings,
    "kernels": _kernels,
    "paper": _paper,
}


if __name__ == "__main__":
    main()
