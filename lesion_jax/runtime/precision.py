"""The type that networks compute in, where a config leaves it open."""

from typing import Literal

import jax

# Compute capabilities of NVIDIA GPUs without matrix units for bfloat16, up to Turing.
_WITHOUT = ("5.", "6.", "7.")


def known_dtype(dtype: Literal["auto", "float32", "bfloat16"]) -> Literal["float32", "bfloat16"]:
    """The type itself; of "auto" bfloat16 where JAX's devices are accelerators that have it, float32 elsewhere.

    benchmarks/README.md has what ten seeds of a classifier and of a GAN lose by it.
    """
    if dtype != "auto":
        return dtype
    device = jax.devices()[0]
    has_units = not str(getattr(device, "compute_capability", "")).startswith(_WITHOUT)
    return "bfloat16" if device.platform != "cpu" and has_units else "float32"
