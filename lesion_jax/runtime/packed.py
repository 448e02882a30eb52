"""The vectors and numbers of a state as one row: what is done to each of them is then one kernel of a GPU, not dozens.

A DCGAN's state has over a hundred, most of them a batch norm's: each is updated, and kept where no step is taken, by a
kernel of its own, which takes longer to start than to run. Matrices and kernels stay as they are: their layout is the
compiler's to choose, and in a row they would be transposed into it and back at every step.
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp

Tree = Any


@dataclasses.dataclass(frozen=True)
class Packing:
    """Which arrays of a tree are packed, and what the tree looks like.

    Attributes:
      structure: Structure of the tree.
      shapes: Shape of each leaf.
      is_packed: Of each leaf: float32, with one axis or none.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    is_packed: tuple[bool, ...]

    @classmethod
    def of(cls, tree: Tree) -> "Packing":
        """The packing of trees like this one."""
        leaves, structure = jax.tree.flatten(tree)
        is_packed = tuple(x.dtype == jnp.float32 and x.ndim <= 1 for x in leaves)
        return cls(structure, tuple(x.shape for x in leaves), is_packed)

    def pack(self, tree: Tree) -> tuple[jax.Array, list[jax.Array]]:
        """(all vectors and numbers in a row, float32 [P]; the others)."""
        leaves = list(zip(jax.tree.leaves(tree), self.is_packed, strict=True))
        row = [x.ravel() for x, is_packed in leaves if is_packed]
        return jnp.concatenate([jnp.zeros(0), *row]), [x for x, is_packed in leaves if not is_packed]

    def unpack(self, packed: tuple[jax.Array, list[jax.Array]]) -> Tree:
        """What `pack` was given."""
        row, others = packed[0], iter(packed[1])
        leaves, at = [], 0
        for shape, is_packed in zip(self.shapes, self.is_packed, strict=True):
            if is_packed:
                leaves.append(row[at : at + math.prod(shape)].reshape(shape))
                at += math.prod(shape)
            else:
                leaves.append(next(others))
        return jax.tree.unflatten(self.structure, leaves)
