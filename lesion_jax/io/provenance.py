"""Provenance: code, versions, devices and command line of the running process."""

import functools
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax

import lesion_jax
from lesion_jax.runtime import parallel

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "scipy", "scikit-learn")


def describe_environment() -> dict[str, Any]:
    """Facts about this process as plain JSON values.

    Returns:
      git {commit, dirty}, both None outside a checkout; versions; python; devices {platform,
      kind, count, processes}; xla_flags; argv. Starts the JAX backend if it is not running.
    """
    device = parallel.start_devices()[0]
    return {
        "git": dict(_git()),
        "versions": {"lesion_jax": lesion_jax.__version__}
        | {name: importlib.metadata.version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "devices": {
            "platform": device.platform,
            "kind": device.device_kind,
            "count": jax.device_count(),
            "processes": jax.process_count(),
        },
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "argv": list(sys.argv),
    }


# Cached: the code that a process runs was read when it started, not when it is asked.
@functools.cache
def _git() -> tuple[tuple[str, Any], ...]:
    root = Path(lesion_jax.__file__).resolve().parents[1]
    # An installed copy may lie inside somebody else's checkout; that commit is not ours.
    top = _run_git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root:
        return (("commit", None), ("dirty", None))
    return (
        ("commit", _run_git(root, "rev-parse", "HEAD")),
        ("dirty", bool(_run_git(root, "status", "--porcelain", "--untracked-files=no"))),
    )


def _run_git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
