"""The 5x5 stride-2 convolution of the GANs and its transpose, each the other's gradient, and the classifier's.

`down(x, w)` is the convolution, `up(y, w)` its transpose, `kernel_gradient(x, y)` what both need for
their weights: three bilinear maps that a `custom_vjp` pair closes, so that nothing is left to automatic
differentiation. The forward of a transposed convolution and the data gradient of a strided one are then the
same function, `up`, in whichever form the backend runs fastest.

Zero padding is (1, 2), "SAME" at even sides: y[i] = sum_k x[2 i + k - 1] w[k]. Read backwards, an even pixel of x
gets two taps and an odd one three:

    x[2 a]     = y[a - 1] w[3] + y[a] w[1]
    x[2 a + 1] = y[a - 1] w[4] + y[a] w[2] + y[a + 1] w[0]

so that the transpose is four small convolutions of y with stride 1, of 4, 6, 6 and 9 taps, whose outputs interleave.

`down_by_products` and `up_by_products` are the same pair in matrix products: a population whose trainings' weights are
batched then computes batched products, where convolutions would become grouped ones.

Which form a map takes on which platform, `_FORMS` says by the layer's shape, and nothing else.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from lesion_jax.models import planes

Form = Callable[[jax.Array, jax.Array], jax.Array]

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
PADDING = ((1, 2), (1, 2))
# By the parity of a pixel of x: the taps that reach it, and the padding of y that goes with them.
_ALONG_AXIS = ((slice(3, None, -2), (1, 0)), (slice(4, None, -2), (1, 1)))


@jax.custom_vjp
def down(x: jax.Array, w: jax.Array) -> jax.Array:
    """5x5 convolution with stride 2.

    Args:
      x: float [B, 2h, 2w, I].
      w: float [5, 5, I, O], of x's dtype.

    Returns:
      float [B, h, w, O], of x's dtype.
    """
    return _in_its_form("down", (x.shape[1] // 2, x.shape[2] // 2), w.shape[2], x, w)


@jax.custom_vjp
def up(y: jax.Array, w: jax.Array) -> jax.Array:
    """The transpose of `down`: for every x, sum(up(y, w) * x) = sum(y * down(x, w)).

    Args:
      y: float [B, h, w, O].
      w: float [5, 5, I, O], of y's dtype; the same layout as `down` takes.

    Returns:
      float [B, 2h, 2w, I], of y's dtype.
    """
    return _in_its_form("up", y.shape[1:3], w.shape[2], y, w)


def kernel_gradient(x: jax.Array, y: jax.Array) -> jax.Array:
    """The weight gradient of both: w -> sum(down(x, w) * y) is linear, and this is its coefficient.

    Args:
      x: float [B, 2h, 2w, I].
      y: float [B, h, w, O], of x's dtype.

    Returns:
      float [5, 5, I, O], of x's dtype.
    """
    return _in_its_form("kernel_gradient", y.shape[1:3], x.shape[3], x, y)


def kernel_gradient_by_convolution(x: jax.Array, y: jax.Array) -> jax.Array:
    """`kernel_gradient` as a convolution of the images by y."""
    return lax.conv_general_dilated(
        x, y, (1, 1), PADDING, rhs_dilation=(2, 2), dimension_numbers=("CHWN", "IHWO", "HWNC")
    )


@jax.custom_vjp
def down_by_products(x: jax.Array, w: jax.Array) -> jax.Array:
    """`down` in products throughout, its gradients too; see `down_by_patches`."""
    return down_by_patches(x, w)


@jax.custom_vjp
def up_by_products(y: jax.Array, w: jax.Array) -> jax.Array:
    """`up` in products throughout, its gradients too; see `up_by_taps`."""
    return up_by_taps(y, w)


def valid(x: jax.Array, w: jax.Array) -> jax.Array:
    """Unpadded convolution with stride 1.

    Args:
      x: float [B, H, W, I].
      w: float [k, k, I, O], of x's dtype.

    Returns:
      float [B, H - k + 1, W - k + 1, O], of x's dtype.
    """
    sides = tuple(side - w.shape[0] + 1 for side in x.shape[1:3])
    return _in_its_form("valid", sides, x.shape[3], x, w)


def valid_by_convolution(x: jax.Array, w: jax.Array) -> jax.Array:
    """`valid` as lax has it."""
    return lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=_DIMENSIONS)


def valid_by_products(x: jax.Array, w: jax.Array) -> jax.Array:
    """`valid` as one matrix product over all patches of x."""
    size = w.shape[0]
    return jnp.einsum("bhwki,kio->bhwo", patches(x, size, 1), w.reshape(size * size, *w.shape[2:]))


def patches(x: jax.Array, size: int, stride: int) -> jax.Array:
    """What each window of an unpadded convolution sees: [B, H, W, I] -> [B, h, w, size * size, I]."""
    height, width = ((side - size) // stride + 1 for side in x.shape[1:3])
    rows, columns = stride * (height - 1) + 1, stride * (width - 1) + 1
    seen = [x[:, i : i + rows : stride, j : j + columns : stride] for i in range(size) for j in range(size)]
    return jnp.stack(seen, axis=3)


def kernel_gradient_by_products(x: jax.Array, y: jax.Array) -> jax.Array:
    """`kernel_gradient` as one matrix product over all patches of x."""
    seen = patches(jnp.pad(x, ((0, 0), *PADDING, (0, 0))), 5, 2)
    return jnp.einsum("bhwki,bhwo->kio", seen, y).reshape(5, 5, x.shape[3], y.shape[3])


def down_by_convolution(x: jax.Array, w: jax.Array) -> jax.Array:
    """`down` as lax has it."""
    return lax.conv_general_dilated(x, w, (2, 2), PADDING, dimension_numbers=_DIMENSIONS)


def down_by_patches(x: jax.Array, w: jax.Array) -> jax.Array:
    """`down` as one matrix product over all patches of x."""
    seen = patches(jnp.pad(x, ((0, 0), *PADDING, (0, 0))), 5, 2)
    return jnp.einsum("bhwki,kio->bhwo", seen, w.reshape(25, *w.shape[2:]))


def up_by_dilation(y: jax.Array, w: jax.Array) -> jax.Array:
    """`up` as the textbook and `lax.conv_transpose` have it; XLA's CPU backend runs it up to forty times slower."""
    taps = w[::-1, ::-1].swapaxes(2, 3)
    padding = ((3, 2), (3, 2))
    return lax.conv_general_dilated(y, taps, (1, 1), padding, lhs_dilation=(2, 2), dimension_numbers=_DIMENSIONS)


def up_by_phases(y: jax.Array, w: jax.Array) -> jax.Array:
    """`up` as four convolutions with stride 1, without a wasted tap."""
    w = w.swapaxes(2, 3)
    phases = [
        lax.conv_general_dilated(
            y, w[row_taps, column_taps], (1, 1), (row_padding, column_padding), dimension_numbers=_DIMENSIONS
        )
        for row_taps, row_padding in _ALONG_AXIS
        for column_taps, column_padding in _ALONG_AXIS
    ]
    return interleave(jnp.concatenate(phases, axis=-1))


def up_by_rows(y: jax.Array, w: jax.Array) -> jax.Array:
    """`up` as two convolutions with stride 1, of the even rows and of the odd: each gives whole rows of x.

    Both columns of a pair are channels of one convolution, whose windows they share; of the six taps along a row one is
    zero. For few channels two sets of windows in place of four outweigh it.
    """
    batch, height, width, _ = y.shape
    w = w.swapaxes(2, 3)
    even, odd = (w[:, start::-2] for start in (3, 4))
    columns = jnp.concatenate([jnp.pad(even, ((0, 0), (0, 1), (0, 0), (0, 0))), odd], axis=-1)
    rows = [
        lax.conv_general_dilated(y, columns[taps], (1, 1), (padding, (1, 1)), dimension_numbers=_DIMENSIONS)
        for taps, padding in _ALONG_AXIS
    ]
    # Two pixels of w.shape[3] channels lie beside one another already.
    pairs = jnp.stack([row.reshape(batch, height, -1) for row in rows], axis=2)
    return pairs.reshape(batch, 2 * height, 2 * width, w.shape[3])


def up_by_taps(y: jax.Array, w: jax.Array) -> jax.Array:
    """`up` as one matrix product, of every pixel of y with every tap, whose 25 results are shifted and added.

    Its columns are the taps times the channels: for one channel 25, where a convolution has one.
    """
    batch, height, width, _ = y.shape
    taps = jnp.einsum("bhwo,klio->bhwkli", y, w)
    rows = _add_taps(taps, 1, 3)
    pixels = jnp.stack([jnp.stack(_add_taps(row, 2, 3), 3) for row in rows], 2)
    return pixels.reshape(batch, 2 * height, 2 * width, w.shape[2])


def _add_taps(taps: jax.Array, axis: int, tap_axis: int) -> tuple[jax.Array, jax.Array]:
    """The even and the odd pixels along an axis, from what each pixel of y sends by each tap; see the module."""

    def shifted(tap: int, by: int) -> jax.Array:
        sent = lax.index_in_dim(taps, tap, tap_axis, keepdims=False)
        padding = [(0, 0, 0)] * sent.ndim
        padding[axis] = (by, -by, 0)
        return lax.pad(sent, jnp.zeros((), sent.dtype), padding)

    return shifted(3, 1) + shifted(1, 0), shifted(4, 1) + shifted(2, 0) + shifted(0, -1)


def interleave(phases: jax.Array) -> jax.Array:
    """Depth to space: [B, h, w, 2 * 2 * I] -> [B, 2h, 2w, I]."""
    batch, height, width, channels = phases.shape
    phases = phases.reshape(batch, height, width, 2, 2, channels // 4).transpose(0, 1, 3, 2, 4, 5)
    return phases.reshape(batch, 2 * height, 2 * width, channels // 4)


# Map -> platform -> (most of the shorter side of y, most channels of x, form). The first row that fits counts; where
# none does, lax's own form. It is decided when the program is lowered, so that a program compiled on this machine for
# an absent TPU gets the TPU's.
#
# cpu: timed, benchmarks/convolution_forms.py. Below four pixels a convolution has too few rows to parallelise over, as
#   in the deepest layer of a 32x32 image. For one channel see `planes`.
# cuda: timed on an H100, and compiled for it, benchmarks/gpu_compiled.py. Where y is 4x4, XLA swaps image and kernel: a
#   7x7 convolution over a dilated kernel, eight times the arithmetic of `up`, three times that of the weight gradient.
# tpu: compiled, by the bytes moved, which are fewest for lax's own.
_ANY = 2**31
_FORMS: dict[str, dict[str, tuple[tuple[int, int, Form], ...]]] = {
    "down": {
        "cpu": ((_ANY, 1, planes.down), (3, _ANY, down_by_patches)),
        "cuda": ((4, _ANY, down_by_patches),),
    },
    "up": {
        "cpu": ((_ANY, 1, planes.up), (3, _ANY, up_by_taps), (_ANY, 16, up_by_rows), (_ANY, _ANY, up_by_phases)),
        "cuda": ((4, _ANY, up_by_taps),),
    },
    "kernel_gradient": {
        "cpu": ((_ANY, 1, planes.kernel_gradient),),
        "cuda": ((4, _ANY, kernel_gradient_by_products),),
    },
    "valid": {
        "cpu": ((_ANY, 1, planes.valid),),
    },
}
_LAX: dict[str, Form] = {
    "down": down_by_convolution,
    "up": up_by_dilation,
    "kernel_gradient": kernel_gradient_by_convolution,
    "valid": valid_by_convolution,
}


def form_of(name: str, platform: str, sides: tuple[int, ...], num_channels: int) -> Form:
    """The form that a map takes.

    Args:
      name: "down", "up", "kernel_gradient", "valid".
      platform: As JAX lowers for it: "cpu", "cuda", "rocm", "tpu".
      sides: Height and width of y, the smaller image, or of what `valid` gives.
      num_channels: Channels of x, the larger one.
    """
    for most_side, most_channels, form in _FORMS[name].get(platform, ()):
        if min(sides) <= most_side and num_channels <= most_channels:
            return form
    return _LAX[name]


def _in_its_form(name: str, sides: tuple[int, ...], num_channels: int, *arguments: jax.Array) -> jax.Array:
    forms = {platform: form_of(name, platform, sides, num_channels) for platform in ("cpu", "cuda")}
    if set(forms.values()) == {_LAX[name]}:
        return _LAX[name](*arguments)
    return lax.platform_dependent(*arguments, **forms, default=_LAX[name])


down.defvjp(
    lambda x, w: (down(x, w), (x, w)),
    lambda saved, y: (up(y, saved[1]), kernel_gradient(saved[0], y)),
)
up.defvjp(
    lambda y, w: (up(y, w), (y, w)),
    lambda saved, x: (down(x, saved[1]), kernel_gradient(x, saved[0])),
)
down_by_products.defvjp(
    lambda x, w: (down_by_products(x, w), (x, w)),
    lambda saved, y: (up_by_products(y, saved[1]), kernel_gradient_by_products(saved[0], y)),
)
up_by_products.defvjp(
    lambda y, w: (up_by_products(y, w), (y, w)),
    lambda saved, x: (down_by_products(x, saved[1]), kernel_gradient_by_products(x, saved[0])),
)
