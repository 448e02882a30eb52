"""The 5x5 stride-2 convolution of the GANs and its transpose, each the other's gradient.

`down(x, w)` is the convolution, `up(y, w)` its transpose, `_kernel_gradient(x, y)` what both need for
their weights: three bilinear maps that a `custom_vjp` pair closes, so that no gradient is left to automatic
differentiation, which would dilate its input: XLA runs dilated convolutions up to forty times slower on CPU.

Zero padding is (1, 2), "SAME" at even sides: y[i] = sum_k x[2 i + k - 1] w[k].
"""

import jax
from jax import lax

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_PADDING = ((1, 2), (1, 2))
# Of the transpose: the other side of each of the five taps, in the input dilated by two.
_TRANSPOSE_PADDING = ((3, 2), (3, 2))


@jax.custom_vjp
def down(x: jax.Array, w: jax.Array) -> jax.Array:
    """5x5 convolution with stride 2.

    Args:
      x: float [B, 2h, 2w, I].
      w: float [5, 5, I, O], of x's dtype.

    Returns:
      float [B, h, w, O], of x's dtype.
    """
    return lax.conv_general_dilated(x, w, (2, 2), _PADDING, dimension_numbers=_DIMENSIONS)


@jax.custom_vjp
def up(y: jax.Array, w: jax.Array) -> jax.Array:
    """The transpose of `down`: for every x, sum(up(y, w) * x) = sum(y * down(x, w)).

    Args:
      y: float [B, h, w, O].
      w: float [5, 5, I, O], of y's dtype; the same layout as `down` takes.

    Returns:
      float [B, 2h, 2w, I], of y's dtype.
    """
    flipped = w[::-1, ::-1].swapaxes(2, 3)
    return lax.conv_general_dilated(
        y, flipped, (1, 1), _TRANSPOSE_PADDING, lhs_dilation=(2, 2), dimension_numbers=_DIMENSIONS
    )


def _kernel_gradient(x: jax.Array, y: jax.Array) -> jax.Array:
    """[5, 5, I, O]: w -> sum(down(x, w) * y) is linear; this is its coefficient."""
    return lax.conv_general_dilated(
        x, y, (1, 1), _PADDING, rhs_dilation=(2, 2), dimension_numbers=("CHWN", "IHWO", "HWNC")
    )[:5, :5]


down.defvjp(
    lambda x, w: (down(x, w), (x, w)),
    lambda saved, y: (up(y, saved[1]), _kernel_gradient(saved[0], y)),
)
up.defvjp(
    lambda y, w: (up(y, w), (y, w)),
    lambda saved, x: (down(x, saved[1]), _kernel_gradient(x, saved[0])),
)
