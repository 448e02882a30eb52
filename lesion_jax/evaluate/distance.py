"""How far synthetic images are from real ones when there are only dozens of both.

The kernel distance (KID: Binkowski et al. 2018, "Demystifying MMD GANs") is an unbiased estimate of the
squared maximum mean discrepancy, so two samples of one distribution give 0 on average at any size, where
FID gives whatever the sample size dictates. The features are those of the paper's CNN with fixed random
weights: nothing is downloaded, and nothing was ever trained on a test patient.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.core import keys
from lesion_jax.models.cnn import Classifier

_BATCH = 64
_WIDTH = 32


def kernel_distance(images: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Unbiased squared MMD with a cubic kernel on fixed random features.

    Features are standardised with the mean and deviation of the reference, so values compare between
    sets of images only where the reference is the same, as it is for the checkpoints of one run. Report
    them with both numbers of images, and beside a real-against-real value as the floor.

    Args:
      images: float [N, H, H] or [N, H, H, 1] in [-1, 1], the images that are judged; N at least 3.
      reference: float [M, H, H] or [M, H, H, 1] in [-1, 1], real images; M at least 3.

    Returns:
      (squared MMD, its standard error by the jackknife over both sets). The first may be negative: near 0
      means that the features tell no difference. Not finite where an image is not finite.

    Raises:
      ValueError: Fewer than 3 images on a side, or images that are not in [-1, 1] (HU, most likely).
    """
    for name, stack in (("images", images), ("reference", reference)):
        if len(stack) < 3:
            raise ValueError(f"{name} holds {len(stack)} images; a kernel distance needs at least 3 on each side.")
        if np.abs(stack).max() > 1.01:
            raise ValueError(f"{name} reaches {np.abs(stack).max():g}; a kernel distance takes images in [-1, 1].")
    x, y = random_features(images), random_features(reference)
    center, scale = y.mean(axis=0), y.std(axis=0)
    # A unit that is dead on every reference image has no scale.
    alive = scale > 1e-4 * scale.max()
    if not alive.any():
        raise ValueError("The reference images are all the same; a kernel distance needs images that differ.")
    center, scale = center[alive], scale[alive]
    return polynomial_mmd((x[:, alive] - center) / scale, (y[:, alive] - center) / scale)


def polynomial_mmd(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Unbiased squared MMD of two samples with the kernel (x.y / D + 1)^3, and its jackknife standard error.

    Args:
      x: float [N, D], N at least 3.
      y: float [M, D], M at least 3.

    Returns:
      (squared MMD, standard error).
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    num_x, num_y, size = len(x), len(y), x.shape[1]
    within_x, within_y, between = ((a @ b.T / size + 1.0) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    rows_x, rows_y = (k.sum(axis=1) - np.diag(k) for k in (within_x, within_y))
    total_x, total_y, total = rows_x.sum(), rows_y.sum(), between.sum()

    def assemble(sum_x, n, sum_y, m, cross):
        return sum_x / (n * (n - 1)) + sum_y / (m * (m - 1)) - 2 * cross / (n * m)

    value = assemble(total_x, num_x, total_y, num_y, total)
    without_x = assemble(total_x - 2 * rows_x, num_x - 1, total_y, num_y, total - between.sum(axis=1))
    without_y = assemble(total_x, num_x, total_y - 2 * rows_y, num_y - 1, total - between.sum(axis=0))
    variance = (num_x - 1) * without_x.var() + (num_y - 1) * without_y.var()
    return float(value), float(np.sqrt(variance))


def random_features(images: np.ndarray) -> np.ndarray:
    """Last-layer features of the paper's CNN with fixed random weights.

    Args:
      images: float [N, H, H] or [N, H, H, 1] in [-1, 1].

    Returns:
      float32 [N, 256], on the host.
    """
    images = np.asarray(images, np.float32)
    images = images if images.ndim == 4 else images[..., None]
    num = len(images)
    # One shape for the compiler, whatever the number of images.
    padded = np.concatenate([images, np.zeros((-num % _BATCH, *images.shape[1:]), np.float32)])
    params = _random_params(images.shape[1])
    parts = [np.asarray(_features(params, padded[i : i + _BATCH])) for i in range(0, len(padded), _BATCH)]
    return np.concatenate(parts)[:num]


_NETWORK = Classifier(num_classes=2, width=_WIDTH, dtype=jnp.float32)


@functools.cache
def _random_params(image_size: int) -> Any:
    """The fixed weights for one image size."""
    blank = jnp.zeros((1, image_size, image_size, 1), jnp.float32)
    return jax.jit(_NETWORK.init)(keys.stream(0, "kernel_distance"), blank)


@jax.jit
def _features(params: Any, images: jax.Array) -> jax.Array:
    """float32 [64, H, H, 1] -> float32 [64, 256]."""
    return _NETWORK.apply(params, images)[1]  # pyright: ignore[reportIndexIssue]
