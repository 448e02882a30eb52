"""How far synthetic images are from real ones when there are only dozens of both.

The kernel distance is an unbiased estimate of the squared maximum mean discrepancy (MMD: Gretton et al.
2012), so two samples of one distribution give 0 on average at any size, where FID gives whatever the
sample size dictates. The features are those of the paper's CNN with fixed random weights, of the image and
of its fine detail: nothing is downloaded, and nothing was ever trained on a test patient. The kernel is a
mixture of rational quadratics (Binkowski et al. 2018, "Demystifying MMD GANs"): unlike their cubic kernel it
is bounded, so that a single odd ROI among twenty does not drown the rest.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.core import keys
from lesion_jax.core.intensity import to_signed
from lesion_jax.models.cnn import MIN_IMAGE_SIZE, Classifier

_NETWORK = Classifier(num_classes=2, width=32, dtype=jnp.float32)
_BATCH = 64
_DETAIL_WINDOW = 5
_ALPHAS = (0.2, 0.5, 1.0, 2.0, 5.0)


def kernel_distance(images: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Unbiased squared MMD between images and real ones, on fixed random features.

    Features are scaled by their spread over the reference, so values compare only where the reference is
    the same, as it is for the checkpoints of one run. Report it with both numbers of images, and beside a
    real-against-real value as the floor.

    Args:
      images: float [N, H, H] or [N, H, H, 1] in [-1, 1], the images that are scored; N at least 3.
      reference: float [M, H, H] or [M, H, H, 1] in [-1, 1], real images; M at least 3.

    Returns:
      (squared MMD, its standard error by the jackknife over both sets). The first is at most 2 and may be
      negative: near 0 means that the features tell no difference. NaN where one of the images is not finite.

    Raises:
      ValueError: Fewer than 3 images on a side, images that are not in [-1, 1] (pixels that were not scaled, most
        likely), or reference images that are all the same.
    """
    for name, stack in (("images", images), ("reference", reference)):
        if len(stack) < 3:
            raise ValueError(f"{name} holds {len(stack)} images; a kernel distance needs at least 3 on each side.")
        if np.abs(stack).max() > 1.01:
            raise ValueError(f"{name} reaches {np.abs(stack).max():g}; a kernel distance takes images in [-1, 1].")
    # Pooling and ReLU would swallow the odd NaN: a broken generator must not get a score.
    if not np.isfinite(images).all():
        return float("nan"), float("nan")
    scaled = []
    for x, y in zip(random_features(images), random_features(reference), strict=True):
        spread = float(np.sqrt(y.var(axis=0).mean()))
        if spread < 1e-6:
            raise ValueError("The reference images are all the same; a kernel distance needs images that differ.")
        scaled.append((x / spread, y / spread))
    x, y = (np.concatenate(side, axis=1) for side in zip(*scaled, strict=True))
    return squared_mmd(x, y)


def score_kernel_distance(
    fake: np.ndarray, fake_labels: np.ndarray, real: np.ndarray, real_labels: np.ndarray, window: tuple[float, float]
) -> dict[str, Any] | None:
    """Kernel distance of pixels in the dataset's unit; for arguments see `images.GeneratorMetric`.

    Returns:
      {"value": squared MMD, "std": its standard error}; None for fewer than 3 images on a side, or images that are
      smaller than the network of the features takes.
    """
    if min(len(fake), len(real)) < 3 or min(real.shape[1:]) < MIN_IMAGE_SIZE:
        return None
    value, std = kernel_distance(*(np.asarray(to_signed(jnp.asarray(x), window)) for x in (fake, real)))
    return {"value": value, "std": std}


def squared_mmd(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Unbiased squared MMD of two samples, and its jackknife standard error.

    The kernel is the mean over alpha of (1 + |x - y|^2 / (2 alpha D))^-alpha.

    Args:
      x: float [N, D], N at least 3; coordinates of a size about 1.
      y: float [M, D], M at least 3.

    Returns:
      (squared MMD, standard error).
    """
    within_x, within_y, between = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    num_x, num_y = len(x), len(y)
    rows_x, rows_y = (k.sum(axis=1) - np.diag(k) for k in (within_x, within_y))
    sum_x, sum_y, cross = rows_x.sum(), rows_y.sum(), between.sum()

    def assemble(sum_x: Any, num_x: int, sum_y: Any, num_y: int, cross: Any) -> Any:
        return sum_x / (num_x * (num_x - 1)) + sum_y / (num_y * (num_y - 1)) - 2 * cross / (num_x * num_y)

    value = assemble(sum_x, num_x, sum_y, num_y, cross)
    without_x = assemble(sum_x - 2 * rows_x, num_x - 1, sum_y, num_y, cross - between.sum(axis=1))
    without_y = assemble(sum_x, num_x, sum_y - 2 * rows_y, num_y - 1, cross - between.sum(axis=0))
    variance = (num_x - 1) * np.var(without_x) + (num_y - 1) * np.var(without_y)
    return float(value), float(np.sqrt(variance))


def random_features(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Last-layer features of the paper's CNN with fixed random weights.

    Args:
      images: float [N, H, H] or [N, H, H, 1] in [-1, 1].

    Returns:
      Two float32 [N, 256] on the host: of the image, and of its detail (image minus its 5x5 mean). The
      first follows brightness and shape, the second noise, blur and checkerboards.
    """
    images = np.asarray(images, np.float32)
    images = images if images.ndim == 4 else images[..., None]
    num = len(images)
    # One shape for the compiler, whatever the number of images.
    padded = np.concatenate([images, np.zeros((-num % _BATCH, *images.shape[1:]), np.float32)])
    params = _random_params(images.shape[1])
    parts = [_features(params, padded[i : i + _BATCH]) for i in range(0, len(padded), _BATCH)]
    coarse, detail = (np.concatenate([np.asarray(p) for p in side])[:num] for side in zip(*parts, strict=True))
    return coarse, detail


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float64 [N, M]."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    squared = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None] - 2 * x @ y.T
    # Rounding can make the distance of a point to itself slightly negative.
    mean_squared = np.maximum(squared, 0.0) / x.shape[1]
    return np.mean([(1 + mean_squared / (2 * alpha)) ** -alpha for alpha in _ALPHAS], axis=0)


@functools.cache
def _random_params(image_size: int) -> Any:
    """The fixed weights for one image size."""
    blank = jnp.zeros((1, image_size, image_size, 1), jnp.float32)
    return jax.jit(_NETWORK.init)(keys.stream(0, "kernel_distance"), blank)


@jax.jit
def _features(params: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """float32 [64, H, H, 1] -> two float32 [64, 256]."""
    border = _DETAIL_WINDOW // 2
    padded = jnp.pad(images, ((0, 0), (border, border), (border, border), (0, 0)), mode="edge")
    detail = images - nn.avg_pool(padded, (_DETAIL_WINDOW, _DETAIL_WINDOW))
    # flax types the result of `apply` too widely for a tuple of arrays.
    outputs: list[Any] = [_NETWORK.apply(params, x) for x in (images, detail)]
    return outputs[0][1], outputs[1][1]
