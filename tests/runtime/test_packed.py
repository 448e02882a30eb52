import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.runtime.packed import Packing

TREE = {
    "matrix": jnp.ones((2, 3)),
    "number": jnp.int32(7),
    "scalar": jnp.float32(0.5),
    "vector": jnp.arange(3, dtype=jnp.float32),
}


def test_vectors_and_numbers_are_one_row_and_come_back():
    packing = Packing.of(TREE)
    row, others = packing.pack(TREE)
    assert row.tolist() == [0.5, 0, 1, 2]
    assert [x.shape for x in others] == [(2, 3), ()]
    back = packing.unpack((row + 1, others))
    assert jax.tree.structure(back) == jax.tree.structure(TREE)
    np.testing.assert_array_equal(back["vector"], [1, 2, 3])
    np.testing.assert_array_equal(back["matrix"], TREE["matrix"])
    assert back["scalar"] == 1.5 and back["number"] == 7 and back["number"].dtype == jnp.int32


def test_there_need_be_none():
    packing = Packing.of({"number": jnp.int32(7)})
    assert packing.unpack(packing.pack({"number": jnp.int32(8)})) == {"number": 8}
