import jax.numpy as jnp
import numpy as np

from lesion_jax.core.intensity import from_signed, to_signed, to_unit

WINDOW = (-160.0, 240.0)


def test_window_maps_to_unit_range_and_clips():
    hu = jnp.array([-1000, -160, 40, 240, 3000], jnp.int16)
    np.testing.assert_allclose(to_unit(hu, WINDOW), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(to_signed(hu, WINDOW), [-1, -1, 0, 1, 1])


def test_signed_range_gives_every_integer_back():
    hu = np.arange(-160, 241, dtype=np.int16)
    np.testing.assert_array_equal(from_signed(to_signed(jnp.asarray(hu), WINDOW), WINDOW), hu)
