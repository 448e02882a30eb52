"""What a program costs on TPUs that are not at hand: their compiler needs none.

It needs `commands.plan.TPU_ENVIRONMENT`, set before JAX starts.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import topologies

from lesion_jax.config import TrainingConfig
from lesion_jax.errors import ConfigError
from lesion_jax.families import family_of
from lesion_jax.runtime.population import make_program
from lesion_jax.train.training import make_program as program_of
from lesion_jax.train.training import step_alone

# Peak bfloat16 FLOP/s, bytes/s and bytes of memory of a chip: Google Cloud's pages "TPU v4", "v5e", "v5p", "v6e".
_CHIPS = {
    "TPU v4": (275e12, 1228e9, 32 * 2**30),
    "TPU v5 lite": (197e12, 819e9, 16 * 2**30),
    "TPU v5": (459e12, 2765e9, 95 * 2**30),
    "TPU v6 lite": (918e12, 1640e9, 32 * 2**30),
}


@dataclasses.dataclass(frozen=True)
class Compiled:
    """What the compiler says of one call of a program on one chip.

    Attributes:
      kind: Kind of the chip, as JAX names it.
      num_devices: Chips of the topology.
      device_bytes: Memory that the call takes, images included, bytes.
      memory: Memory of a chip, bytes.
      flops: Floating-point operations of the call.
      bytes_moved: Bytes moved between the chip and its memory.
    """

    kind: str
    num_devices: int
    device_bytes: int
    memory: int
    flops: float
    bytes_moved: float

    @property
    def seconds(self) -> float:
        """A lower limit: whichever of arithmetic and memory takes longer, at its peak."""
        flops, bandwidth, _ = _CHIPS[self.kind]
        return max(self.flops / flops, self.bytes_moved / bandwidth)


def chip_bytes(topology: str) -> int:
    """Memory of one chip of a topology.

    Raises:
      ConfigError: There is no such topology, no TPU compiler, or a chip whose peaks are not known.
    """
    return _CHIPS[_chip(topology)[0].device_kind][2]


def compile_for(
    topology: str, config: TrainingConfig, *, num_classes: int, num_members: int, num_images: int
) -> Compiled:
    """Compiles a step of a vmapped population for a TPU that is not there; takes most of a minute at paper width.

    Args:
      topology: Name such as "v5e:4x4", as `jax.experimental.topologies` names them.
      config: Config of the trainings.
      num_classes: Classes of their dataset.
      num_members: Trainings on one chip.
      num_images: Images on that chip.

    Raises:
      ConfigError: There is no such topology, no TPU compiler, or a chip whose peaks are not known.
    """
    device, num_devices = _chip(topology)
    init, data = family_of(config).init_state, config.data
    assert init is not None
    program = program_of(config, num_classes)
    size, batch = data.image_size, data.batch_size
    shapes: Any = (
        jax.eval_shape(lambda: init(config, program, None)),
        jax.ShapeDtypeStruct((2,), jnp.uint32),
        jax.ShapeDtypeStruct((1, batch), jnp.int32),
        jax.ShapeDtypeStruct((), jnp.int32),
    )
    states, *rest = jax.tree.map(lambda x: jax.ShapeDtypeStruct((num_members, *x.shape), x.dtype), shapes)
    images = {
        "pixels": jax.ShapeDtypeStruct((num_images, size, size), jnp.int16),
        "label": jax.ShapeDtypeStruct((num_images,), jnp.int32),
    }
    sharding = jax.sharding.SingleDeviceSharding(device)
    placed = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), (states, images, *rest))
    run = jax.jit(make_program(step_alone(program), "vmap"), donate_argnums=0)
    compiled = run.lower(*placed).compile()
    memory, cost = compiled.memory_analysis(), compiled.cost_analysis()
    assert memory is not None and cost is not None
    return Compiled(
        kind=device.device_kind,
        num_devices=num_devices,
        device_bytes=memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        + memory.temp_size_in_bytes
        - memory.alias_size_in_bytes,
        memory=_CHIPS[device.device_kind][2],
        flops=cost["flops"],
        bytes_moved=cost["bytes accessed"],
    )


def _chip(topology: str) -> tuple[Any, int]:
    """(one of the chips, how many there are)."""
    try:
        found = topologies.get_topology_desc(platform="tpu", topology_name=topology)
    except Exception as error:
        text = (str(error).splitlines() or [""])[0][:200]
        raise ConfigError(
            f"--topology {topology} cannot be compiled for ({text}); write it as v5e:4x4, and install the TPU's "
            "compiler: pip install libtpu."
        ) from error
    device = found.devices[0]
    if device.device_kind not in _CHIPS:
        raise ConfigError(f"--topology {topology} has chips {device.device_kind!r}; known are {', '.join(_CHIPS)}.")
    return device, len(found.devices)
