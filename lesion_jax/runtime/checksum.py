"""A checksum that the device computes: 32 bits that stand for every bit of a tree."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# 2^32 over the golden ratio: odd, so that no two of the first 2^32 positions share a multiple of it.
_STRIDE = 0x9E3779B9
_WORDS = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32, 8: jnp.uint32}


def checksum(tree: Any) -> jax.Array:
    """Sums the words of a tree, each mixed with its position, modulo 2^32.

    Trees that differ in one word never have the same checksum, others with a chance of 2^-32:
    -0.0 and 0.0 differ, a NaN equals itself, and two values that were swapped are noticed.

    Args:
      tree: Arrays of bools or numbers of 1, 2, 4 or 8 bytes.

    Returns:
      uint32 scalar; of trees of one structure, shapes and dtypes, equal for equal bits.
    """
    total, position = jnp.zeros((), jnp.uint32), 0
    for leaf in jax.tree.leaves(tree):
        words = _words(jnp.asarray(leaf))
        positions = lax.iota(jnp.uint32, words.size) + jnp.uint32(position % 2**32)
        total += jnp.sum(_mix(words + positions * jnp.uint32(_STRIDE)), dtype=jnp.uint32)
        position += words.size
    return total


def _words(x: jax.Array) -> jax.Array:
    if x.dtype == bool:
        x = x.astype(jnp.uint8)
    bits = lax.bitcast_convert_type(x, _WORDS[x.dtype.itemsize])
    return bits.reshape(math.prod(bits.shape)).astype(jnp.uint32)


def _mix(words: jax.Array) -> jax.Array:
    # MurmurHash3's finalizer: one to one, and every bit of the result depends on every bit of the word.
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        words = (words ^ (words >> shift)) * jnp.uint32(factor)
    return words ^ (words >> 16)
