"""How the suite and the processes that it starts have XLA compile; imports no JAX."""

import importlib.metadata
import os


def compile_fast(num_devices: int = 0, environment: dict[str, str] | None = None) -> None:
    """Sets XLA_FLAGS so that compiling is cheap, for a process that has not started JAX.

    Tests compile much and compute little. Unoptimised code halves their time; loops by the older emitter, without
    MLIR, are another three times as fast to compile.

    Args:
      num_devices: Fake CPU devices; 0 leaves the one that there is.
      environment: To be changed; None takes this process's own. Flags in it are replaced.
    """
    environment = os.environ if environment is None else environment
    flags = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
    # XLA ends a process that names a flag which it does not know, and jaxlib 0.12 has lost this one.
    if importlib.metadata.version("jaxlib").startswith("0.10."):
        flags.append("--xla_cpu_use_fusion_emitters=false")
    if num_devices:
        flags.append(f"--xla_force_host_platform_device_count={num_devices}")
    environment["XLA_FLAGS"] = " ".join(flags)
    environment["JAX_PLATFORMS"] = "cpu"
