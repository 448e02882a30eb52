"""Keeps what was compiled on disk: the next process of the same work starts in a fraction of the time."""

import os
from pathlib import Path

import jax

# A step takes seconds to compile, the small functions around it tenths.
_MIN_COMPILE_SECONDS = 0.1


def keep_compiled(directory: Path) -> None:
    """Lets JAX keep what it compiles, and find it again; for an entry point, before anything is compiled.

    Processes may share the directory. What was compiled for other devices, versions or flags is not used.

    Args:
      directory: Made when needed. A directory that the user has set (JAX_COMPILATION_CACHE_DIR) is used instead.
    """
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return
    jax.config.update("jax_compilation_cache_dir", str(directory.absolute()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _MIN_COMPILE_SECONDS)
