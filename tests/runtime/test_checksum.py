import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.runtime.checksum import checksum


def by_hand(words):
    """MurmurHash3's finalizer of word + position * 0x9E3779B9, summed modulo 2^32, in Python's integers."""
    total = 0
    for position, word in enumerate(words):
        h = (word + position * 0x9E3779B9) % 2**32
        h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
        h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
        total += h ^ h >> 16
    return total % 2**32


def of(*leaves):
    return int(jax.jit(checksum)(leaves))


def test_words_of_every_width_in_the_order_of_the_leaves():
    halves = np.array([[1, -2], [3, 4]], np.int16)
    found = of(np.float32(1.0), halves, np.array([True, False]), jnp.array([1.5], jnp.bfloat16), np.zeros((0, 3)))
    assert found == by_hand([0x3F800000, 1, 0xFFFE, 3, 4, 1, 0, 0x3FC0])
    assert of() == 0


def test_the_mix_is_murmurs():
    # A published value of the finalizer: fmix32(1) = 0x514E28B7.
    assert of(np.uint32(1)) == 0x514E28B7


def test_every_single_bit_counts():
    x = np.linspace(-1, 1, 5, dtype=np.float32)
    flipped = np.repeat(x[None], 160, 0)
    flipped.view(np.uint32).reshape(160, 5)[np.arange(160), np.arange(160) % 5] ^= np.uint32(1) << np.uint32(
        np.arange(160) // 5
    )
    found = jax.jit(jax.vmap(checksum))(flipped)
    assert of(x) not in found.tolist() and len(set(found.tolist())) == 160


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (([1.0, 2.0, 3.0],), ([2.0, 1.0, 3.0],)),
        # They differ in the sign bit alone, which a sum weighted by odd positions loses.
        (([1.0, -1.0],), ([-1.0, 1.0],)),
        (([1.0, 2.0], [3.0, 4.0]), ([3.0, 4.0], [1.0, 2.0])),
        (([0.0],), ([-0.0],)),
    ],
    ids=["values swapped", "signs swapped", "leaves swapped", "zeros of two signs"],
)
def test_bits_and_their_places_count(one, other):
    assert of(*map(np.float32, one)) != of(*map(np.float32, other))


def test_a_nan_equals_itself():
    assert of(np.float32([np.nan, 1.0])) == of(np.float32([np.nan, 1.0]))
