import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import PACKINGS, Population, make_program

IMAGES = {
    "pixels": np.arange(6 * 4, dtype=np.int16).reshape(6, 2, 2),
    "label": np.arange(6, dtype=np.int32),
}


def step(state, batch, key):
    """A running sum of everything that a step can see."""
    noise = jax.random.uniform(keys.at_step(key, state["step"]))
    seen = jnp.mean(batch["pixels"].astype(jnp.float32)) + jnp.sum(batch["label"] * (1 + batch["index"]))
    total = 0.5 * state["total"] + seen + noise
    return {"step": state["step"] + 1, "total": total}, {"seen": seen}


def start(value):
    return {"step": jnp.int32(0), "total": jnp.float32(value)}


def alone(value, key, batches):
    state = start(value)
    for chosen in batches:
        batch = {name: array[chosen] for name, array in IMAGES.items()} | {"index": np.arange(len(chosen))}
        state, metrics = jax.jit(step)(state, batch, key)
    return state, metrics


def made(packing, num_devices, each, num_slots):
    devices = jax.devices()[:num_devices]
    members = [(start(m), keys.stream(m, "test")) for m in range(num_slots)]
    run = parallel.over_slots(make_program(step, packing), devices)
    return Population(run, members, IMAGES, devices, each)


@pytest.mark.parametrize(
    ("packing", "num_devices", "each", "num_slots", "num_steps"),
    [
        *((packing, 2, 2, 4, 3) for packing in PACKINGS if packing != "one"),
        *(("one", 2, 1, 4, 3), ("one", 1, 1, 3, 3)),
        # A call of one step has no loop.
        *(("vmap", 2, 2, 4, 1), ("one", 2, 1, 4, 1)),
    ],
)
def test_each_training_is_as_alone_and_takes_no_more_steps_than_it_is_told(
    packing, num_devices, each, num_slots, num_steps
):
    population = made(packing, num_devices, each, num_slots)
    chosen = np.random.default_rng(0).integers(0, 6, (num_slots, 2, num_steps, 3)).astype(np.int32)
    taken = np.full(num_slots, num_steps, np.int32)
    population.advance(chosen[:, 0], taken)
    # One stands still, another takes a step less than the call has.
    taken[1], taken[2] = 0, num_steps - 1
    metrics = population.read(population.advance(chosen[:, 1], taken))
    for m in range(num_slots):
        batches = np.concatenate([chosen[m, 0], chosen[m, 1][: taken[m]]])
        state, last = alone(m, keys.stream(m, "test"), batches)
        found = population.state(m)
        assert int(found["step"]) == len(batches)
        np.testing.assert_allclose(found["total"], state["total"], rtol=1e-6)
        if taken[m]:
            assert metrics[m]["seen"].shape == (num_steps,)
            np.testing.assert_allclose(metrics[m]["seen"][taken[m] - 1], last["seen"], rtol=1e-6)


def test_a_slot_is_given_to_another_training():
    population = made("vmap", 2, 2, 4)
    population.put(2, start(100.0), keys.stream(100, "test"))
    chosen = np.zeros((4, 1, 3), np.int32)
    population.advance(chosen, np.ones(4, np.int32))
    for m, value in enumerate([0, 1, 100, 3]):
        state, _ = alone(value, keys.stream(value, "test"), chosen[m])
        np.testing.assert_allclose(population.state(m)["total"], state["total"], rtol=1e-6)


def test_what_a_call_is_given_may_be_written_to_while_devices_still_read_theirs():
    population = made("vmap", 2, 2, 4)
    chosen, taken = np.zeros((4, 1, 3), np.int32), np.ones(4, np.int32)
    run, given = population._run, []
    population._run = lambda *arguments: given.extend(arguments[2:]) or run(*arguments)
    population.advance(chosen, taken)
    assert len(given) == 3
    assert not any(np.shares_memory(x, y) for x in given for y in (chosen, taken, population._keys))


@pytest.mark.parametrize("packing", ["one", "unrolled"])
def test_it_is_compiled_once(packing, compilations):
    population = made(packing, 2, 1 if packing == "one" else 2, 4)
    chosen, taken = np.zeros((4, 1, 3), np.int32), np.ones(4, np.int32)
    population.advance(chosen, taken)
    population.put(2, start(100.0), keys.stream(100, "test"))
    assert compilations
    compilations.clear()
    population.advance(chosen, taken)
    population.advance(chosen, taken)
    assert not compilations


def test_slots_must_fill_the_devices():
    with pytest.raises(ValueError, match="3 slots"):
        made("vmap", 2, 1, 3)


COLLECTIVE = re.compile(r"all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter|collective-broadcast")


@pytest.mark.parametrize("packing", PACKINGS)
def test_no_device_hears_of_another(packing):
    devices, each = jax.devices()[:4], 1 if packing == "one" else 2
    states = jax.tree.map(lambda x: jnp.zeros((4, each), x.dtype), start(0))
    given = jnp.zeros((4, each, 2), jnp.uint32), jnp.zeros((4, each, 1, 3), jnp.int32), jnp.ones((4, each), jnp.int32)
    text = parallel.over_slots(make_program(step, packing), devices).lower(states, IMAGES, *given).compile().as_text()
    assert not COLLECTIVE.findall(text)


def test_a_data_parallel_step_would_be_found_out():
    # That the pattern finds what there is.
    averaging = lambda state, batch, key: (parallel.average_replicas(state), {})  # noqa: E731
    run = parallel.over_devices(averaging, jax.devices()[:4])
    text = run.lower(start(0), jnp.zeros((4, 1)), jnp.zeros(2)).compile().as_text()
    assert COLLECTIVE.findall(text)
