"""Convolutions of images with one channel as products over planes: what one tap sees, or sends, is a plane [B, h, w].

The innermost loop of a convolution runs over the channels of a pixel; with one channel it leaves the machine's vectors
empty, and the gradient of the kernel first transposes the image of many channels. Here planes are copied by rows of
pixels, and the convolution, its transpose and the gradient of its kernel are each one matrix product.

The maps are those of `convolution`; which platform uses them, and where, its table says.
"""

import jax
import jax.numpy as jnp
from jax import lax

# Of `convolution.down`, and a row and a column more, so that every phase of the pixels has as many.
_PADDING = ((1, 3), (1, 3))
_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_Shifts = tuple[tuple[int, int], ...]
# x[2 a] and x[2 a + 1] of `convolution.up`: (shift of y, tap).
_TAPS: tuple[_Shifts, _Shifts] = (((-1, 3), (0, 1)), ((-1, 4), (0, 2), (1, 0)))


def planes(x: jax.Array, size: int, stride: int) -> jax.Array:
    """What each tap of an unpadded convolution sees.

    Args:
      x: float [B, H, W, 1]; H and W are multiples of the stride.
      size: Taps along each axis.
      stride: Between its outputs.

    Returns:
      float [size * size, B, h, w], taps in row order.
    """
    batch, height, width, _ = x.shape
    rows, columns = ((side - size) // stride + 1 for side in (height, width))
    phases = x.reshape(batch, height // stride, stride, width // stride, stride).transpose(2, 4, 0, 1, 3)

    def seen(row: int, column: int) -> jax.Array:
        top, left = row // stride, column // stride
        return phases[row % stride, column % stride, :, top : top + rows, left : left + columns]

    return jnp.stack([seen(row, column) for row in range(size) for column in range(size)])


def down(x: jax.Array, w: jax.Array) -> jax.Array:
    """`convolution.down` of one channel: [B, 2h, 2w, 1], [5, 5, 1, O] -> [B, h, w, O]."""
    return _product(_padded_planes(x), w)


def up(y: jax.Array, w: jax.Array) -> jax.Array:
    """`convolution.up` to one channel: [B, h, w, O], [5, 5, 1, O] -> [B, 2h, 2w, 1]."""
    batch, height, width, _ = y.shape
    y = jnp.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)))
    sent = jnp.einsum("klio,bhwo->klbhw", w, y)

    def pixels(of_row: _Shifts, of_column: _Shifts) -> jax.Array:
        parts = [
            sent[tap, other, :, 1 + i : 1 + i + height, 1 + j : 1 + j + width]
            for i, tap in of_row
            for j, other in of_column
        ]
        return sum(parts[1:], parts[0])

    phases = [jnp.stack([pixels(row, column) for column in _TAPS], -1) for row in _TAPS]
    return jnp.stack(phases, 2).reshape(batch, 2 * height, 2 * width, 1)


def kernel_gradient(x: jax.Array, y: jax.Array) -> jax.Array:
    """`convolution.kernel_gradient` of one channel: [B, 2h, 2w, 1], [B, h, w, O] -> [5, 5, 1, O]."""
    return jnp.einsum("kbhw,bhwo->ko", _padded_planes(x), y).reshape(5, 5, 1, -1)


@jax.custom_vjp
def valid(x: jax.Array, w: jax.Array) -> jax.Array:
    """`convolution.valid` of one channel: [B, H, W, 1], [k, k, 1, O] -> [B, H - k + 1, W - k + 1, O]."""
    assert w.shape[0] == w.shape[1], w.shape
    return _product(planes(x, w.shape[0], 1), w)


def _pull(saved: tuple[jax.Array, jax.Array], y: jax.Array) -> tuple[jax.Array, jax.Array]:
    # The derived gradient of the kernel is the product of two transposed sides: it took a third of the CNN's step.
    x, w = saved

    def convolve(x: jax.Array) -> jax.Array:
        return lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=_DIMENSIONS)

    (of_x,) = jax.linear_transpose(convolve, x)(y)
    return of_x, jnp.einsum("kbhw,bhwo->ko", planes(x, w.shape[0], 1), y).reshape(w.shape)


valid.defvjp(lambda x, w: (valid(x, w), (x, w)), _pull)


def _padded_planes(x: jax.Array) -> jax.Array:
    return planes(jnp.pad(x, ((0, 0), *_PADDING, (0, 0))), 5, 2)


def _product(seen: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.einsum("kbhw,ko->bhwo", seen, w.reshape(len(seen), -1))
