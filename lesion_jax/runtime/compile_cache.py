"""Keeps what was compiled on disk: the next process of the same work starts in a fraction of the time."""

import os
from pathlib import Path

import jax


def keep_compiled(directory: Path) -> None:
    """Lets JAX keep what it compiles, and find it again; for an entry point, before anything is compiled.

    Processes may share the directory. What was compiled for other devices, versions or flags is not used. JAX does not
    write its entries atomically: one that a kill has torn costs a warning and a compilation until it is removed.

    Args:
      directory: Made when needed. A directory that the user has set (JAX_COMPILATION_CACHE_DIR) is used instead.
    """
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return
    jax.config.update("jax_compilation_cache_dir", str(directory.absolute()))
    # Also the many small ones: each takes some hundredths of a second, to compile or to write.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
