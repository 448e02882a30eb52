import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.runtime.packed import MOST_PACKED, Packing

TREE = {
    "large": jnp.arange(MOST_PACKED + 1, dtype=jnp.float32),
    "matrix": jnp.arange(6, dtype=jnp.float32).reshape(2, 3),
    "number": jnp.int32(7),
    "scalar": jnp.float32(0.5),
}


def test_small_float_arrays_are_one_row_and_come_back():
    packing = Packing.of(TREE)
    row, others = packing.pack(TREE)
    assert row.tolist() == [0, 1, 2, 3, 4, 5, 0.5]
    assert [x.shape for x in others] == [(MOST_PACKED + 1,), ()]
    back = packing.unpack((row + 1, others))
    assert jax.tree.structure(back) == jax.tree.structure(TREE)
    np.testing.assert_array_equal(back["matrix"], TREE["matrix"] + 1)
    assert back["scalar"] == 1.5 and back["number"] == 7 and back["number"].dtype == jnp.int32


def test_nothing_need_be_small():
    packing = Packing.of({"number": jnp.int32(7)})
    assert packing.unpack(packing.pack({"number": jnp.int32(8)})) == {"number": 8}
