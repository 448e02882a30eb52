import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.core import keys


def test_latents_of_an_example_do_not_depend_on_how_a_batch_is_cut():
    key = keys.at_step(keys.stream(3, "z"), 7)
    whole = keys.latents(keys.per_example(key, jnp.arange(8)), 5)
    parts = [keys.latents(keys.per_example(key, jnp.arange(s, s + 2)), 5) for s in range(0, 8, 2)]
    np.testing.assert_array_equal(whole, jnp.concatenate(parts))


def test_latents_fill_the_interval_of_the_paper():
    z = np.asarray(keys.latents(keys.per_example(keys.stream(0, "z"), jnp.arange(500)), 100))
    assert -1 <= z.min() < -0.999 and 0.999 < z.max() <= 1
    # Var of U[-1, 1] is 1/3; 50,000 draws give it to about 0.5 %.
    assert abs(z.var() - 1 / 3) < 0.006 and abs(z.mean()) < 0.01


def test_streams_steps_and_seeds_differ():
    drawn = {
        np.asarray(jax.random.key_data(keys.at_step(keys.stream(seed, name), step))).tobytes()
        for seed in (0, 1)
        for name in ("weights", "dcgan")
        for step in (0, 1)
    }
    assert len(drawn) == 8
