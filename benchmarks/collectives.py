"""What devices tell each other: nothing in a population, the gradients once in a data-parallel step. Read from the HLO.

    python benchmarks/collectives.py --out collectives.json

On a machine with one CPU it takes four fake devices; with --topology=h100:8 it compiles for GPUs that are not here (pip
install 'lesion-jax[aot-cuda]'). Needs no TensorFlow.
"""

import contextlib
import math
import os
import re
from typing import Any

from rows import Row, begin, parser_of, sized, write_rows

from lesion_jax.commands.plan import environment_for

_COLLECTIVES = "all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter|collective-broadcast"
# The results of a collective, such as (f32[5,5,1,16], f32[16]) all-reduce(...).
_OPERATION = re.compile(rf"= (.*?) (?:{_COLLECTIVES})(?:-start)?\(")
_ARRAY = re.compile(r"([a-z]+)(\d+)\[([\d,]*)\]")


def main() -> None:
    """Compiles, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--width", type=int, default=16, help="W of both networks of a DCGAN")
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--topology", help="GPUs to compile for, such as h100:8; default: the devices at hand")
    flags = begin(parser)
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4".strip()
    if flags.topology:
        os.environ |= environment_for(flags.topology)
    import jax
    import jax.numpy as jnp

    from lesion_jax.config import DataConfig
    from lesion_jax.core import keys
    from lesion_jax.core.types import UNITS
    from lesion_jax.families import DCGAN, DcganConfig
    from lesion_jax.sweep.absent_devices import chips
    from lesion_jax.sweep.absent_gpus import lowering
    from lesion_jax.train.executor import compiled_data_parallel, compiled_population
    from lesion_jax.train.training import make_program

    devices, size = chips(flags.topology) if flags.topology else jax.devices(), flags.image_size
    data = DataConfig(image_size=size, window=UNITS["HU"].window)
    # Each device's own statistics: those of the whole batch take all-reduces of their own.
    config = DcganConfig(width=flags.width, discriminator_width=flags.width, data=data, batch_norm="replica")
    program, init = make_program(config, 3), DCGAN.init_state
    assert init is not None
    state = jax.eval_shape(lambda: init(config, program, None))
    batch = config.data.batch_size
    number = len(devices)

    def shape(dtype, *sides: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((number, *sides), dtype)

    each = batch // number
    sliced = {
        "pixels": shape(jnp.int16, each, size, size),
        "label": shape(jnp.int32, each),
        "index": shape(jnp.int32, each),
    }
    parallel_step: Any = compiled_data_parallel(program, tuple(devices), is_streamed=True)
    key = jax.eval_shape(lambda: keys.stream(0, "x"))
    with lowering() if flags.topology else contextlib.nullcontext():
        shared = _bytes(parallel_step.lower(state, sliced, key).compile().as_text())
    images = {
        "pixels": jax.ShapeDtypeStruct((256, size, size), jnp.int16),
        "label": jax.ShapeDtypeStruct((256,), jnp.int32),
    }
    states = jax.tree.map(lambda x: shape(x.dtype, 2, *x.shape), state)
    rest = shape(jnp.uint32, 2, 2), shape(jnp.int32, 2, 1, batch), shape(jnp.int32, 2)
    population: Any = compiled_population(program, "vmap", tuple(devices))
    with lowering() if flags.topology else contextlib.nullcontext():
        told = _bytes(population.lower(states, images, *rest).compile().as_text())
    trained = jax.tree.leaves([network.params for network in state.networks.values()])
    parameters = sum(leaf.size * leaf.dtype.itemsize for leaf in trained)
    device = f"{number} x {devices[0].device_kind}"
    where = sized("DCGAN", width=flags.width, batch=batch, image=size, dtype=config.dtype, device=device)
    rows = [
        Row(
            measure=f"collectives in a population, {where}",
            value=float(len(told)),
            unit="in HLO",
            peer="none",
            ratio=0.0 if told else 1.0,
            must=1.0,
        ),
        Row(
            measure=f"bytes all-reduced by a data-parallel step (gradients, statistics, metrics), {where}",
            value=sum(shared) / 2**20,
            unit="MiB",
            peer=f"the parameters once, {parameters / 2**20:.3f} MiB",
            ratio=parameters / sum(shared),
            # Statistics of batch norm and metrics are the rest.
            must=0.99,
        ),
    ]
    write_rows(rows, flags)


def _bytes(hlo: str) -> list[int]:
    """Bytes of the results of each collective of a compiled program."""
    return [
        sum(
            math.prod(map(int, sides.split(","))) * int(bits) // 8 if sides else int(bits) // 8
            for _, bits, sides in _ARRAY.findall(results)
        )
        for results in _OPERATION.findall(hlo)
    ]


if __name__ == "__main__":
    main()
