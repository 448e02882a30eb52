"""What a process that trains on a CPU settles before JAX starts; accelerators are not affected.

Memory: XLA's CPU backend allocates a step's scratch space at its start and frees it at its end. glibc gives blocks of
that size back to the kernel at once, and at the next step every page is cleared and mapped again: half of the time of
the classifier's step was spent in the kernel, more than in any convolution.

Convolutions: jaxlib 0.10 hands them to YNNPACK, whose convolutions are made for inference. The weight gradient of the
classifier's second layer, which is a convolution by a kernel as large as the image, took 370 ms of a step of 555 on a
machine without AVX-512; with Eigen's convolutions the same step took 121. YNNPACK's products and reductions stay.

Loops: jaxlib 0.10 compiles them through MLIR. Its older emitter needs 11 s in place of 16 for the step of a DCGAN of
width 8 for 32x32 images, which then takes 15.5 ms in place of 18.5; wide networks for 64x64 images are as fast as they
were (benchmarks/step_throughput.py: within 3 percent).

Linear algebra of numpy and scipy: hundreds of small products and regressions, over which OpenBLAS spreads threads that
then spin. An audit of banks took 38 CPU-seconds with two threads on two busy cores, 14 with one; more cores are worse.
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
_EMITTERS = "--xla_cpu_use_fusion_emitters"
# 0.12 has only one emitter, and no such flag.
_HAS_TWO_EMITTERS = (10,)


def tune_cpu() -> None:
    """Settles memory, convolutions, loops and BLAS; call it once, at the start of a process, before JAX and numpy load.

    For an entry point, not for a library: it changes the whole process and, by its environment, those that it starts.
    """
    keep_freed_memory()
    use_one_blas_thread()
    leave_convolutions_to_eigen()
    compile_loops_fast()


def keep_freed_memory() -> bool:
    """Tells glibc to keep what it frees; the process's memory then stays at its peak until it ends.

    Returns:
      Whether it took effect; False where the C library is not glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in _SETTINGS.values())


def use_one_blas_thread() -> None:
    """Keeps OpenBLAS, which numpy and scipy load, from starting threads, unless the user has set their number."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def leave_convolutions_to_eigen() -> bool:
    """Takes convolutions away from YNNPACK, in XLA_FLAGS; results differ from those without it by rounding.

    Returns:
      Whether it changed anything: not where the user has set the flag, nor with a release of jaxlib that is not known
      to have it.
    """
    return _add_flag(_YNN, _YNN_KEEPS, _TRIED)


def compile_loops_fast() -> bool:
    """Chooses the older emitter of loops, in XLA_FLAGS; results differ from those without it by rounding.

    Returns:
      Whether it changed anything, as in `leave_convolutions_to_eigen`.
    """
    return _add_flag(_EMITTERS, "false", _HAS_TWO_EMITTERS)


def _add_flag(name: str, value: str, minors: tuple[int, ...]) -> bool:
    """Adds a flag where the user has not set it and jaxlib is one of the releases 0.minor that know it."""
    given = os.environ.get("XLA_FLAGS", "")
    major, minor = (int(part) for part in importlib.metadata.version("jaxlib").split(".")[:2])
    if name in given or major != 0 or minor not in minors:
        return False
    os.environ["XLA_FLAGS"] = f"{given} {name}={value}".strip()
    return True
