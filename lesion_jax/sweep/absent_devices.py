"""What a program costs on accelerators that are not at hand: their compilers need none.

It needs `commands.plan.environment_for`, set before JAX starts.
"""

import contextlib
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import topologies

from lesion_jax.config import TrainingConfig, replace
from lesion_jax.errors import ConfigError
from lesion_jax.families import family_of
from lesion_jax.runtime.arithmetic import needed_flops
from lesion_jax.runtime.population import Packing, make_program
from lesion_jax.sweep import absent_gpus
from lesion_jax.sweep.compiled_text import read_compiled
from lesion_jax.train.executor import steps_per_call
from lesion_jax.train.packing import known_packing
from lesion_jax.train.training import make_program as program_of
from lesion_jax.train.training import program_on, step_alone

# Peak bfloat16 FLOP/s, bytes/s and bytes of memory of a chip: Google Cloud's pages "TPU v4", "v5e", "v5p", "v6e".
_CHIPS = {
    "TPU v4": (275e12, 1228e9, 32 * 2**30),
    "TPU v5 lite": (197e12, 819e9, 16 * 2**30),
    "TPU v5": (459e12, 2765e9, 95 * 2**30),
    "TPU v6 lite": (918e12, 1640e9, 32 * 2**30),
} | {gpu.kind: (gpu.flops, gpu.bandwidth, gpu.memory) for gpu in absent_gpus.GPUS.values()}


@dataclasses.dataclass(frozen=True)
class Compiled:
    """What the compiler says of a step of all trainings of one chip.

    Attributes:
      kind: Kind of the chip, as JAX names it.
      num_devices: Chips of the topology.
      device_bytes: Memory that it takes, images included, bytes.
      memory: Memory of a chip, bytes.
      flops: Floating-point operations, as compiled.
      needed_flops: Those that its convolutions and products need, see `runtime.arithmetic`.
      bytes_moved: Bytes moved between the chip and its memory.
      num_kernels: Kernels that a GPU launches; None of other chips.
      num_collectives: Collectives in what is compiled.
    """

    kind: str
    num_devices: int
    device_bytes: int
    memory: int
    flops: float
    needed_flops: float
    bytes_moved: float
    num_kernels: int | None
    num_collectives: int

    @property
    def seconds(self) -> float:
        """A lower limit: whichever of arithmetic and memory takes longer, at its peak."""
        flops, bandwidth, _ = _CHIPS[self.kind]
        return max(self.flops / flops, self.bytes_moved / bandwidth)

    @property
    def likely_seconds(self) -> float | None:
        """What it would take by the chip's measured pace; None where none has been measured."""
        paces = {gpu.kind: gpu.pace for gpu in absent_gpus.GPUS.values()}
        if self.num_kernels is None or (pace := paces.get(self.kind)) is None:
            return None
        return sum(pace.parts(self.num_kernels, self.bytes_moved, self.flops).values())


def chip_bytes(topology: str) -> int:
    """Memory of one chip of a topology.

    Raises:
      ConfigError: There is no such topology, no compiler for it, or a chip whose peaks are not known.
    """
    return _CHIPS[chips(topology)[0].device_kind][2]


def compile_for(
    topology: str,
    config: TrainingConfig,
    *,
    num_classes: int,
    num_trainings: int,
    num_images: int,
    packing: Packing | None = None,
) -> Compiled:
    """Compiles a step of a population for an accelerator that is not there; takes most of a minute at paper width.

    Args:
      topology: Name such as "v5e:4x4", as `jax.experimental.topologies` names TPUs, or "h100:8", GPUs of one host.
      config: Config of the trainings.
      num_classes: Classes of their dataset.
      num_trainings: Trainings on one chip.
      num_images: Images on that chip.
      packing: How they share the program; None for what is known of the chip.

    Raises:
      ConfigError: There is no such topology, no compiler for it, or a chip whose peaks are not known.
    """
    devices = chips(topology)
    if config.dtype == "auto":
        # This process has a CPU.
        config = replace(config, {"dtype": "bfloat16"})
    device, init, data = devices[0], family_of(config).init_state, config.data
    assert init is not None
    packing = packing or known_packing(device.platform, num_trainings)
    program = program_of(config, num_classes)
    size, batch = data.image_size, data.batch_size
    # A GPU's program as it is run, in a loop: its layouts differ from those of a single step. Of a TPU's loop the
    # compiler's own analysis counts one turn or all.
    steps = steps_per_call(device) if is_gpu(topology) else 1
    shapes: Any = (
        jax.eval_shape(lambda: init(config, program, None)),
        jax.ShapeDtypeStruct((2,), jnp.uint32),
        jax.ShapeDtypeStruct((steps, batch), jnp.int32),
        jax.ShapeDtypeStruct((), jnp.int32),
    )
    # One after another they are as many calls of the program.
    at_once, calls = (1, num_trainings) if packing == "one" else (num_trainings, 1)
    states, *rest = jax.tree.map(lambda x: jax.ShapeDtypeStruct((at_once, *x.shape), x.dtype), shapes)
    images = {
        "pixels": jax.ShapeDtypeStruct((num_images, size, size), jnp.int16),
        "label": jax.ShapeDtypeStruct((num_images,), jnp.int32),
    }
    sharding = jax.sharding.SingleDeviceSharding(device)
    placed = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), (states, images, *rest))
    function = make_program(step_alone(program_on(program, device.platform, packing)), packing)
    with absent_gpus.lowering() if is_gpu(topology) else contextlib.nullcontext():
        compiled = jax.jit(function, donate_argnums=0).lower(*placed).compile()
    memory, cost = compiled.memory_analysis(), compiled.cost_analysis()
    assert memory is not None
    read = read_compiled(compiled.as_text() or "")
    flops, bytes_moved = read.flops, read.bytes_moved
    if not is_gpu(topology):
        # A GPU's has none; a TPU's kernels are not ours to read.
        assert cost is not None
        flops, bytes_moved = cost["flops"], cost["bytes accessed"]
    return Compiled(
        kind=device.device_kind,
        num_devices=len(devices),
        device_bytes=memory.argument_size_in_bytes
        + memory.output_size_in_bytes
        + memory.temp_size_in_bytes
        - memory.alias_size_in_bytes
        + (calls - 1) * sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(states)),
        memory=_CHIPS[device.device_kind][2],
        flops=calls * flops / steps,
        needed_flops=calls * needed_flops(function, *placed) / steps,
        bytes_moved=calls * bytes_moved / steps,
        num_kernels=round(calls * read.num_kernels / steps) if is_gpu(topology) else None,
        num_collectives=read.num_collectives,
    )


def is_gpu(topology: str) -> bool:
    """Whether a topology is of GPUs; it need not exist."""
    return topology.split(":")[0] in absent_gpus.GPUS


def chips(topology: str) -> list[Any]:
    """Devices of a topology, to lower for.

    Raises:
      ConfigError: There is no such topology, no compiler for it, or a chip whose peaks are not known.
    """
    name, _, number = topology.partition(":")
    try:
        if is_gpu(topology):
            return absent_gpus.describe(absent_gpus.GPUS[name], int(number or 1))
        devices = list(topologies.get_topology_desc(platform="tpu", topology_name=topology).devices)
    except Exception as error:
        text = (str(error).splitlines() or [""])[0][:200]
        raise ConfigError(
            f"--topology {topology} cannot be compiled for ({text}); write it as v5e:4x4 or h100:8, and install the "
            "compiler: pip install libtpu, or 'lesion-jax[aot-cuda]' for GPUs."
        ) from error
    if devices[0].device_kind not in _CHIPS:
        raise ConfigError(f"--topology {topology} has chips {devices[0].device_kind!r}; known are {', '.join(_CHIPS)}.")
    return devices
