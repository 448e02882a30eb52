import os

import jax
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.errors import ConfigError
from lesion_jax.runtime.jax_settings import ignore_environment, settled

OTHERS = [
    ("jax_default_prng_impl", "rbg"),
    ("jax_enable_x64", True),
    ("jax_threefry_partitionable", False),
    ("jax_numpy_rank_promotion", "raise"),
    ("jax_numpy_dtype_promotion", "strict"),
]


@settled()
def drawn():
    """Something that each of the settings would change or refuse."""
    key = keys.per_image(3, 5)[4]
    return np.asarray(jax.random.normal(key, (3, 4)) * jax.numpy.ones(4) + jax.numpy.arange(4))


@pytest.fixture
def usual():
    """The same without any of them, as JAX comes."""
    return drawn.__wrapped__()


@pytest.fixture
def changed(request):
    name, value = request.param
    before = getattr(jax.config, name)
    jax.config.update(name, value)
    yield name, value
    jax.config.update(name, before)


@pytest.mark.parametrize("changed", OTHERS, indirect=True, ids=[name for name, _ in OTHERS])
def test_what_is_drawn_and_its_type_do_not_depend_on_the_process(usual, changed):
    found = drawn()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, usual)
    # What the process said is as it was.
    assert getattr(jax.config, changed[0]) == changed[1]


def test_a_change_in_the_middle_does_not_matter():
    try:
        with settled():
            jax.config.update("jax_enable_x64", True)
            assert jax.numpy.arange(3.0).dtype == np.float32
    finally:
        jax.config.update("jax_enable_x64", False)


def test_what_cannot_be_settled_is_refused_by_name():
    jax.config.update("jax_random_seed_offset", 1)
    try:
        with pytest.raises(ConfigError, match="jax_random_seed_offset is 1"):
            drawn()
    finally:
        jax.config.update("jax_random_seed_offset", 0)


def test_the_environment_is_ignored_and_said_so(monkeypatch):
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    monkeypatch.setenv("JAX_DEFAULT_PRNG_IMPL", "rbg")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert ignore_environment() == ["JAX_DEFAULT_PRNG_IMPL", "JAX_ENABLE_X64"]
    assert "JAX_ENABLE_X64" not in os.environ and os.environ["JAX_PLATFORMS"] == "cpu"
    assert ignore_environment() == []
