"""What a process that trains on a CPU settles before JAX starts; accelerators are not affected.

Memory: XLA's CPU backend allocates a step's scratch space at its start and frees it at its end. glibc gives blocks of
that size back to the kernel at once, and at the next step every page is cleared and mapped again: half of the time of
the classifier's step was spent in the kernel, more than in any convolution.

Convolutions: jaxlib 0.10 hands them to YNNPACK, whose convolutions are made for inference. The weight gradient of the
classifier's second layer, which is a convolution by a kernel as large as the image, took 370 ms of a step of 555 on a
machine without AVX-512; with Eigen's convolutions the same step took 121. YNNPACK's products and reductions stay.
"""

import ctypes
import importlib.metadata
import os
import sys

# From glibc's malloc.h: no second arena (threads' arenas are too small for the blocks, which would be mapped one by
# one), no block mapped on its own, and nothing returned from the top of the heap, which grows by 256 MB.
_SETTINGS = {
    "M_ARENA_MAX": (-8, 1),
    "M_MMAP_MAX": (-4, 0),
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),
    "M_TOP_PAD": (-2, 2**28),
}

_YNN = "--xla_cpu_experimental_ynn_fusion_type"
# Its default without INDIVIDUAL_CONVOLUTION.
_YNN_KEEPS = "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
# XLA ends a process that names an unknown flag: only releases that were tried get it, 0.10 and 0.12.
_TRIED = (10, 12)


def tune_cpu() -> None:
    """Settles memory and convolutions; call it once, at the start of a process that trains, before JAX starts.

    For an entry point, not for a library: it changes the whole process and, by XLA_FLAGS, those that it starts.
    """
    keep_freed_memory()
    leave_convolutions_to_eigen()


def keep_freed_memory() -> bool:
    """Tells glibc to keep what it frees; the process's memory then stays at its peak until it ends.

    Returns:
      Whether it took effect; False where the C library is not glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in _SETTINGS.values())


def leave_convolutions_to_eigen() -> bool:
    """Takes convolutions away from YNNPACK, in XLA_FLAGS; results differ from those without it by rounding.

    Returns:
      Whether it changed anything: not where the user has set the flag, nor with a release of jaxlib that is not known
      to have it.
    """
    given = os.environ.get("XLA_FLAGS", "")
    major, minor = (int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
    if _YNN in given or major != 0 or minor not in _TRIED:
        return False
    os.environ["XLA_FLAGS"] = f"{given} {_YNN}={_YNN_KEEPS}".strip()
    return True
