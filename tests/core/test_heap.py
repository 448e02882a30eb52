import subprocess
import sys

import pytest

# Blocks of 64 MB written and freed: minor page faults per round once the heap is warm.
_PROGRAM = """
import ctypes, resource, sys
from lesion_jax.core.heap import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
def touch():
    block = libc.malloc(1 << 26)
    ctypes.memset(block, 1, 1 << 26)
    libc.free(block)
touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _num_faults(mode):
    program = [sys.executable, "-c", _PROGRAM, mode]
    return int(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_blocks_are_used_again_without_page_faults():
    assert _num_faults("default") > 1000
    assert _num_faults("keep") < 100
