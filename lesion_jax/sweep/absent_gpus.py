"""Descriptions of NVIDIA GPUs that are not at hand, which XLA's compiler for them takes in place of one.

It needs JAX's plugin for CUDA (the extra `aot-cuda`), whose compiler needs no driver.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax._src.xla_bridge as xla_bridge
from jax.experimental import topologies


@dataclasses.dataclass(frozen=True)
class Pace:
    """What a step takes on a GPU: seconds = kernels x seconds_per_kernel + bytes / bandwidth + flops / flops_rate.

    Attributes:
      seconds_per_kernel: To start a kernel, and what it takes whatever its size.
      bandwidth: Bytes/s between kernels and memory.
      flops_rate: FLOP/s of convolutions and products, on top of what their bytes take.
    """

    seconds_per_kernel: float
    bandwidth: float
    flops_rate: float

    def parts(self, kernels: float, bytes_moved: float, flops: float) -> dict[str, float]:
        """Seconds of a step as compiled, by what takes them; they add up."""
        return {
            "kernels": kernels * self.seconds_per_kernel,
            "bytes": bytes_moved / self.bandwidth,
            "arithmetic": flops / self.flops_rate,
        }


@dataclasses.dataclass(frozen=True)
class Gpu:
    """A kind of GPU.

    Attributes:
      kind: Name, as JAX gives it.
      flops: Dense bfloat16 FLOP/s of its matrix units, at most.
      bandwidth: Bytes/s of its memory.
      memory: Bytes of its memory.
      num_cores: Multiprocessors.
      fpus: Float32 units of a multiprocessor.
      clock_ghz: Highest clock, GHz.
      shared_memory: Bytes of a multiprocessor's shared memory, and those that one block may take.
      l2: Bytes of the level-2 cache.
      capability: Compute capability.
      pace: Fitted to measured steps; None where none has been measured.
    """

    kind: str
    flops: float
    bandwidth: float
    memory: int
    num_cores: int
    fpus: int
    clock_ghz: float
    shared_memory: tuple[int, int]
    l2: int
    capability: tuple[int, int]
    pace: Pace | None = None


# Rates: NVIDIA's data sheets "H100" (SXM), "H200", "A100" (80 GB SXM), without sparsity. The rest: XLA's
# xla/backends/gpu/target_config/specs, h100_sxm, h200 and a100_sxm_80.
_HOPPER: dict[str, Any] = {
    "num_cores": 132,
    "fpus": 128,
    "clock_ghz": 1.98,
    "shared_memory": (233472, 232448),
    "l2": 52428800,
    "capability": (9, 0),
}
_AMPERE: dict[str, Any] = {
    "num_cores": 108,
    "fpus": 64,
    "clock_ghz": 1.41,
    "shared_memory": (167936, 166912),
    "l2": 41943040,
    "capability": (8, 0),
}
# Least squares of relative errors over six DCGAN steps of the first version in bfloat16, W = 16, 64, 128 alone and nine
# of W = 16 by products, measured on an H100 (1.5 to 4.4 ms) and compiled for one: all within 8 %. They were compiled as
# single steps, of which a loop has 9 % fewer kernels. Arithmetic hides behind bytes: its rate is above the card's peak.
_H100_PACE = Pace(seconds_per_kernel=6.1e-6, bandwidth=1.8e12, flops_rate=1420e12)
GPUS = {
    "h100": Gpu("NVIDIA H100 80GB HBM3", 989e12, 3352.32e9, 84942979072, **_HOPPER, pace=_H100_PACE),
    "h200": Gpu("NVIDIA H200 141GB HBM3e", 989e12, 4800e9, 151397597184, **_HOPPER),
    "a100": Gpu("NVIDIA A100-SXM4-80GB", 312e12, 2039.04e9, 85100068864, **_AMPERE),
}


def describe(gpu: Gpu, num_devices: int) -> list[Any]:
    """Devices of one host, to put into the shardings of `jax.ShapeDtypeStruct`s; lower for them inside `lowering`."""
    with lowering():
        found = topologies.get_topology_desc(platform="cuda", target_config=_target(gpu), topology=f"1x1x{num_devices}")
    return list(found.devices)


@contextlib.contextmanager
def lowering() -> Iterator[None]:
    """Inside, JAX lowers for a GPU where there is none: it calls CUDA "gpu", and looks for one (jax#23971)."""
    canonical = xla_bridge.canonicalize_platform

    def canonicalize(platform: str) -> str:
        return "cuda" if platform in ("cuda", "gpu") else canonical(platform)

    with mock.patch.object(xla_bridge, "canonicalize_platform", canonicalize):
        yield


def _target(gpu: Gpu) -> str:
    """XLA's GpuTargetConfigProto as text."""
    per_core, per_block = gpu.shared_memory
    major, minor = gpu.capability
    return f"""
        gpu_device_info {{
          threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
          shared_memory_per_block: 49152 shared_memory_per_core: {per_core} shared_memory_per_block_optin: {per_block}
          core_count: {gpu.num_cores} fpus_per_core: {gpu.fpus} clock_rate_ghz: {gpu.clock_ghz}
          block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
          memory_bandwidth: {gpu.bandwidth:.0f} l2_cache_size: {gpu.l2} device_memory_size: {gpu.memory}
          cuda_compute_capability {{ major: {major} minor: {minor} }}
          registers_per_core_limit: 65536 registers_per_block_limit: 65536
        }}
        platform_name: "CUDA"
        dnn_version_info {{ major: 9 minor: 10 }}
        runtime_version {{ major: 13 minor: 0 }}
        device_description_str: "{gpu.kind}"
    """
