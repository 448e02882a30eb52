import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.runtime.one_row import OneRow

TREE = {
    "matrix": jnp.ones((2, 3)),
    "number": jnp.int32(7),
    "scalar": jnp.float32(0.5),
    "vector": jnp.arange(3, dtype=jnp.float32),
}


def test_vectors_and_numbers_are_one_row_and_come_back():
    one_row = OneRow.of(TREE)
    row, others = one_row.join(TREE)
    assert row.tolist() == [0.5, 0, 1, 2]
    assert [x.shape for x in others] == [(2, 3), ()]
    back = one_row.split((row + 1, others))
    assert jax.tree.structure(back) == jax.tree.structure(TREE)
    np.testing.assert_array_equal(back["vector"], [1, 2, 3])
    np.testing.assert_array_equal(back["matrix"], TREE["matrix"])
    assert back["scalar"] == 1.5 and back["number"] == 7 and back["number"].dtype == jnp.int32


def test_there_need_be_none():
    one_row = OneRow.of({"number": jnp.int32(7)})
    assert one_row.split(one_row.join({"number": jnp.int32(8)})) == {"number": 8}
