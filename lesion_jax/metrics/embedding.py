"""Two-dimensional pictures of last-layer features, and a number that says what the eye thinks it sees."""

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors


def tsne(features: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """t-SNE of one network's features (paper, section on the experiments).

    Features of different networks, those of other folds included, share no space: embed each alone.

    Args:
      features: float [N, F], N at least 4; time grows with N squared, so hundreds of rows, not thousands.
      seed: Seed of the optimisation.

    Returns:
      float32 [N, 2]; only neighbourhoods mean anything, not axes, distances or sizes of groups.

    Raises:
      ValueError: Fewer than 4 rows, or values that are not finite.
    """
    standard = _standardise(features)
    perplexity = min(30.0, (len(standard) - 1) / 3)
    # Coordinates of a PCA start are the same on every run; a random start would not be.
    init = "pca" if min(standard.shape) >= 2 else "random"
    # For hundreds of rows the exact gradient is faster than the tree, whose threads starve on a busy machine.
    embedding = TSNE(perplexity=perplexity, init=init, random_state=seed, method="exact")
    return embedding.fit_transform(standard).astype(np.float32)


def neighbor_agreement(features: np.ndarray, labels: np.ndarray, *, num_neighbors: int = 5) -> float:
    """Share of the nearest neighbours, in feature space, that have the class of the lesion itself.

    Args:
      features: float [N, F], N at least 4; the features themselves, not their embedding.
      labels: int [N].
      num_neighbors: Neighbours of each lesion, itself left out.

    Returns:
      In [0, 1]. Chance is the sum over classes of the squared share of each class, roughly.
    """
    standard = _standardise(features)
    finder = NearestNeighbors(n_neighbors=min(num_neighbors, len(standard) - 1)).fit(standard)
    neighbors = finder.kneighbors(return_distance=False)
    return float(np.mean(np.asarray(labels)[neighbors] == np.asarray(labels)[:, None]))


def _standardise(features: np.ndarray) -> np.ndarray:
    """float64 [N, F'], mean 0 and deviation 1; units that never vary are dropped (one is kept if all are)."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < 4 or not np.isfinite(features).all():
        raise ValueError(f"An embedding takes at least 4 rows of finite features [N, F], got {features.shape}.")
    scale = features.std(axis=0)
    alive = scale > 1e-6 * max(scale.max(), 1e-12)
    if not alive.any():
        return np.zeros((len(features), 1))
    return (features[:, alive] - features[:, alive].mean(axis=0)) / scale[alive]
