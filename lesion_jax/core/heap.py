"""Keeps freed memory in the process, so that a training step on CPU does not fault its pages in anew.

XLA's CPU backend allocates a step's scratch space at its start and frees it at its end. glibc gives blocks of that
size back to the kernel at once, and at the next step every page is cleared and mapped again: half of the time of
the classifier's step was spent in the kernel, more than in any convolution.
"""

import ctypes
import sys

# From glibc's malloc.h: no second arena (threads' arenas are too small for the blocks, which would be mapped one by
# one), no block mapped on its own, and nothing returned from the top of the heap, which grows by 256 MB.
_SETTINGS = {
    "M_ARENA_MAX": (-8, 1),
    "M_MMAP_MAX": (-4, 0),
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),
    "M_TOP_PAD": (-2, 2**28),
}


def keep_freed_memory() -> bool:
    """Tells glibc to keep what it frees; call it once, at the start of a process that trains, before JAX starts.

    The process's memory then stays at its peak until it ends. For an entry point, not for a library: it changes
    the whole process.

    Returns:
      Whether it took effect; False where the C library is not glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in _SETTINGS.values())
