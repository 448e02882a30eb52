"""Smaller images by averaging, the same whichever way an image is turned or mirrored."""

import numpy as np


def shrunk(images: np.ndarray, side: int) -> np.ndarray:
    """Images of another side, each pixel the mean of what it covers.

    Args:
      images: float [N, H, H].
      side: S.

    Returns:
      float32 [N, S, S].
    """
    old = images.shape[1]
    edges = np.linspace(0, old, side + 1)
    # Share of each old pixel's extent in each new one.
    low, high = np.maximum(edges[:-1, None], np.arange(old)), np.minimum(edges[1:, None], np.arange(old) + 1)
    share = (np.clip(high - low, 0, None) * side / old).astype(np.float32)
    return np.einsum("ij,njk,lk->nil", share, images, share, optimize=True)
