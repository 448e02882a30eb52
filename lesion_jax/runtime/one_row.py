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
class OneRow:
    """Which arrays of a tree go into the row, and what the tree looks like.

    Attributes:
      structure: Structure of the tree.
      shapes: Shape of each leaf.
      is_in_row: Of each leaf: float32, with one axis or none.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    is_in_row: tuple[bool, ...]

    @classmethod
    def of(cls, tree: Tree) -> "OneRow":
        """The row of trees like this one: of the same structure, shapes and dtypes."""
        leaves, structure = jax.tree.flatten(tree)
        is_in_row = tuple(x.dtype == jnp.float32 and x.ndim <= 1 for x in leaves)
        return cls(structure, tuple(x.shape for x in leaves), is_in_row)

    def join(self, tree: Tree) -> tuple[jax.Array, list[jax.Array]]:
        """(all vectors and numbers in a row, float32 [P]; the other leaves, in order)."""
        leaves = list(zip(jax.tree.leaves(tree), self.is_in_row, strict=True))
        row = [x.ravel() for x, is_in_row in leaves if is_in_row]
        return jnp.concatenate([jnp.zeros(0), *row]), [x for x, is_in_row in leaves if not is_in_row]

    def split(self, joined: tuple[jax.Array, list[jax.Array]]) -> Tree:
        """The tree of what `join` returned, or of what a step made of that; gives back what `join` was given."""
        row, others = joined[0], iter(joined[1])
        leaves, at = [], 0
        for shape, is_in_row in zip(self.shapes, self.is_in_row, strict=True):
            if is_in_row:
                leaves.append(row[at : at + math.prod(shape)].reshape(shape))
                at += math.prod(shape)
            else:
                leaves.append(next(others))
        return jax.tree.unflatten(self.structure, leaves)
