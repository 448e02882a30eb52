import importlib.metadata
import os
import subprocess
import sys

import pytest

from lesion_jax.runtime.cpu import compile_loops_fast, leave_convolutions_to_eigen

# Blocks of 64 MB written and freed: minor page faults per round once the heap is warm.
_PROGRAM = """
import ctypes, resource, sys
from lesion_jax.runtime.cpu import keep_freed_memory
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


FLAG = "--xla_cpu_experimental_ynn_fusion_type"


@pytest.fixture
def no_flags(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "")


SETTLED = {leave_convolutions_to_eigen: FLAG, compile_loops_fast: "--xla_cpu_use_fusion_emitters"}


@pytest.fixture(params=SETTLED, ids=lambda settle: settle.__name__)
def settle(request, monkeypatch, no_flags):
    """One of the flags, with a release that has it."""
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.10.2")
    return request.param


def test_it_is_added_once_to_what_the_user_has_set(monkeypatch, settle):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    assert settle()
    first = os.environ["XLA_FLAGS"]
    assert first.startswith("--xla_force_host_platform_device_count=2 ") and SETTLED[settle] in first
    assert not settle()
    assert os.environ["XLA_FLAGS"] == first


def test_the_users_own_choice_stays(monkeypatch, settle):
    monkeypatch.setenv("XLA_FLAGS", f"{SETTLED[settle]}=else")
    assert not settle()
    assert os.environ["XLA_FLAGS"] == f"{SETTLED[settle]}=else"


@pytest.mark.parametrize("version", ["0.9.2", "0.13.0", "1.10.0"])
def test_releases_that_were_not_tried_are_not_told(monkeypatch, settle, version):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    assert not settle()
    assert os.environ["XLA_FLAGS"] == ""


@pytest.mark.slow
def test_a_compiled_convolution_is_not_the_librarys():
    program = """
from lesion_jax.runtime.cpu import leave_convolutions_to_eigen
leave_convolutions_to_eigen()
import jax, jax.numpy as jnp
from jax import lax
def f(x, w):
    return lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
text = jax.jit(f).lower(jnp.ones((8, 31, 31, 32)), jnp.ones((3, 3, 32, 64))).compile().as_text()
print("ynn_fusion" not in text)
"""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "True"
