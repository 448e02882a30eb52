"""Settings of JAX that a whole process shares, and that would change our draws or types: ours do not depend on them."""

import contextlib
import os
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
# It has no value for one block of code alone.
_OFFSET = "jax_random_seed_offset"


def ignore_environment() -> list[str]:
    """Takes our settings out of the environment, for this process and those that it starts; before JAX is imported.

    Returns:
      Names of the variables that were set, for a message.
    """
    return [name for name in map(str.upper, (*_SETTINGS, _OFFSET)) if os.environ.pop(name, None) is not None]


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
