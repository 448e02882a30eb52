"""What the environment tells JAX and XLA: what would change our draws or types is ignored, nonsense is one sentence."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from lesion_jax.errors import ConfigError

# Name of a setting -> what everything here is computed with. In the environment names are in capitals.
_SETTINGS: dict[str, Any] = {
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_default_matmul_precision": None,
    "jax_disable_jit": False,
}
# What commands, the suite and launch/ set; asking XLA takes a quarter of a second.
_KNOWN_FLAGS = frozenset(
    {
        "xla_backend_optimization_level",
        "xla_cpu_experimental_ynn_fusion_type",
        "xla_cpu_parallel_codegen_split_count",
        "xla_cpu_use_fusion_emitters",
        "xla_force_host_platform_device_count",
        "xla_gpu_deterministic_ops",
    }
)
# It has no value for one block of code alone.
_OFFSET = "jax_random_seed_offset"


def ignore_environment() -> list[str]:
    """Takes our settings out of the environment, for this process and those that it starts; before JAX is imported.

    Returns:
      Names of the variables that were set, for a message.
    """
    return [name for name in map(str.upper, (*_SETTINGS, _OFFSET)) if os.environ.pop(name, None) is not None]


def require_known_flags() -> None:
    """Refuses XLA_FLAGS that XLA does not know: it would end the process where it first needs them.

    Raises:
      ConfigError: In XLA's own words.
    """
    names = set(re.findall(r"--(\w+)", os.environ.get("XLA_FLAGS", "")))
    if names <= _KNOWN_FLAGS:
        return
    # Where it dies of them, this one does not.
    program = "import jaxlib.xla_client as xla; xla.CompileOptions()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, errors="replace")
    if done.returncode and "XLA_FLAGS" in done.stderr:
        said = done.stderr.strip().splitlines()[-1].partition("] ")[2]
        raise ConfigError(f"XLA cannot read XLA_FLAGS ({said}); unset it, or take that flag out.")


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Inside the block JAX may be imported: where it does not understand one of its variables, that is one sentence.

    Raises:
      ConfigError: Names the variable, or JAX's name of it.
    """
    try:
        yield
    except ValueError as error:
        at = error.__traceback__
        while at and at.tb_next:
            at = at.tb_next
        if at is None or not at.tb_frame.f_code.co_filename.endswith(os.path.join("jax", "_src", "config.py")):
            raise
        raise ConfigError(f"JAX cannot read a variable of the environment ({error}); unset it.") from error


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Inside the block this thread computes with our settings, whatever the process says, now or later.

    For what a script of the user's calls, which may have set others for itself. A decorator too.

    Raises:
      ConfigError: All random keys are offset, which cannot be undone for a block.
    """
    import jax

    if offset := getattr(jax.config, _OFFSET):
        raise ConfigError(
            f"{_OFFSET} is {offset}, which changes all that is drawn; set it to 0 (JAX_RANDOM_SEED_OFFSET)."
        )
    with contextlib.ExitStack() as stack:
        for name, value in _SETTINGS.items():
            stack.enter_context(getattr(jax, name.removeprefix("jax_"))(value))
        yield
