"""A population against as many single runs, each packing in turn, compilation included and not.

    python benchmarks/population_throughput.py --out population.json
    python benchmarks/population_throughput.py --width 64 --members 9 --packing vmap --packing one

A single run compiles its step and takes it alone, so that runs given one after another compile once each; what starting
a process costs is not counted, in favour of the single runs. Needs no TensorFlow.
"""

import time

import jax
import numpy as np
from rows import Row, begin, interleaved_seconds, parser_of, sized, write_rows

from lesion_jax.config import DataConfig
from lesion_jax.core.types import UNITS
from lesion_jax.families import DCGAN, DcganConfig
from lesion_jax.families.base import Program
from lesion_jax.runtime.cpu import tune_cpu
from lesion_jax.runtime.population import PACKINGS, Packing, Population
from lesion_jax.train.executor import compiled_population, steps_per_call
from lesion_jax.train.training import make_program


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--width", type=int, default=16, help="W of both networks of a DCGAN")
    parser.add_argument("--members", type=int, default=9)
    parser.add_argument("--steps", type=int, default=3710, help="of each member; the paper's DCGANs take about 3,710")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--packing", choices=PACKINGS, action="append", help="may be repeated; default: all")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--must", type=float, default=1.0, help="ratio that the best packing is asked for")
    flags = begin(parser)
    tune_cpu()
    write_rows(
        population_rows(
            width=flags.width,
            members=flags.members,
            steps=flags.steps,
            batch_size=flags.batch_size,
            image_size=flags.image_size,
            dtype=flags.dtype,
            packing=flags.packing,
            repeats=flags.repeats,
            must=flags.must,
        ),
        flags,
    )


def population_rows(
    *,
    width: int,
    members: int,
    steps: int,
    batch_size: int,
    image_size: int,
    dtype: str,
    packing: list[Packing] | None,
    repeats: int,
    must: float,
) -> list[Row]:
    """Rows of each packing on the first device; the flags' meaning is `main`'s."""
    data = DataConfig(image_size=image_size, batch_size=batch_size, window=UNITS["HU"].window)
    config = DcganConfig(width=width, discriminator_width=width, dtype=dtype, data=data)  # pyright: ignore[reportArgumentType]
    program = make_program(config, 3)
    single = _Calls(config, program, "one", 1)
    packed = {name: _Calls(config, program, name, members) for name in packing or PACKINGS}
    seconds = interleaved_seconds({"single": single, **packed}, repeats)
    alone = seconds["single"].median / single.num_steps
    singles = members * (single.compile_seconds + steps * alone)
    device = f"1 x {jax.devices()[0].device_kind}"
    rows = []
    for name, calls in packed.items():
        each = seconds[name].times(1 / calls.num_steps)
        whole = calls.compile_seconds + steps * members * each.median
        what = sized(
            f"{members} DCGANs",
            width=width,
            batch=batch_size,
            image=image_size,
            dtype=dtype,
            packing=name,
            device=device,
        )
        rows.append(
            Row(
                measure=f"{what}, {steps} steps each, compilation included",
                value=whole,
                unit="s",
                peer=f"{members} single runs, {singles:,.1f} s",
                ratio=singles / whole,
                must=0.0,
            )
        )
        rows.append(
            Row(
                measure=f"{what}, a step of a member",
                value=each.times(1e3),
                unit="ms",
                peer=f"a step alone, {1e3 * alone:.2f} ms",
                ratio=alone / each.median,
                must=0.0,
            )
        )
    best = max(rows[::2], key=lambda row: row.ratio)
    best.must = must
    return rows


class _Calls:
    """A population whose call trains every member, and waits.

    Attributes:
      compile_seconds: Of its program, before anything was compiled.
      num_steps: Of all members together in one call.
    """

    def __init__(self, config: DcganConfig, program: Program, packing: Packing, num_trainings: int):
        """Compiles anew, whatever was compiled before."""
        devices = jax.devices()[:1]
        size = config.data.image_size
        pixels = np.random.default_rng(0).integers(-200, 300, (256, size, size)).astype(np.int16)
        assert DCGAN.init_state is not None
        state = jax.device_get(DCGAN.init_state(config, program, None))
        members = [(state, jax.random.key(m)) for m in range(num_trainings)]
        run = compiled_population.__wrapped__(program, packing, tuple(devices))
        images = {"pixels": pixels, "label": np.zeros(256, np.int32)}
        self._population = Population(run, members, images, devices, 1 if packing == "one" else num_trainings)
        calls = steps_per_call(devices[0])
        chosen = np.random.default_rng(1).integers(0, 256, (num_trainings, calls, config.data.batch_size))
        self._chosen, self._taken = chosen.astype(np.int32), np.full(num_trainings, calls, np.int32)
        self.num_steps = calls * num_trainings
        start = time.perf_counter()
        self()
        first = time.perf_counter() - start
        start = time.perf_counter()
        self()
        self.compile_seconds = max(0.0, first - (time.perf_counter() - start))

    def __call__(self) -> None:
        """Takes the steps of one call of every member."""
        self._population.read(self._population.advance(self._chosen, self._taken))


if __name__ == "__main__":
    main()
