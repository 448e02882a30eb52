"""Bags of visual words: images -> histograms of the words that their patches are nearest to, on the host.

A word is a typical patch. Which words there are is learned without labels: the patches' principal components, then
k-means. Which of them are kept is learned from the labels, by mutual information.
"""

import math
from typing import Any

import numpy as np

from lesion_jax.data import draws
from lesion_jax.families.base import Arrays

# Patches that components and words are learned from: a fair sample of the millions of a training fold.
_NUM_SAMPLED = 50_000


def patches_of(image: np.ndarray, side: int) -> np.ndarray:
    """Every square patch of an image, row by row: a dense grid of stride 1.

    Args:
      image: float32 [H, H].
      side: Side P of a patch, at most H.

    Returns:
      float32 [(H - P + 1)^2, P^2].
    """
    return np.lib.stride_tricks.sliding_window_view(image, (side, side)).reshape(-1, side * side)


def learn_words(images: np.ndarray, *, side: int, components: int, words: int, seed: int) -> Arrays:
    """Learns components and words from patches that are drawn evenly from all images.

    Args:
      images: float32 [N, H, H], in [0, 1].
      side: Side P of a patch.
      components: D, at most P^2.
      words: K; fewer are learned where there are not so many different patches.
      seed: Seed of the sample and of k-means' first centres.

    Returns:
      {"mean" float32 [P^2], "components" float32 [D, P^2], "words" float32 [K, D]}.
    """
    # Late, as in `bovw`: a process that trains something else need not wait for scikit-learn.
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    per_image = math.ceil(_NUM_SAMPLED / len(images))
    sampled = []
    for i, image in enumerate(images):
        patches = patches_of(image, side)
        sampled.append(patches[draws.permutation(seed, "visual words", i, count=len(patches))[:per_image]])
    patches = np.concatenate(sampled)
    # What scikit-learn says of its types holds for other arguments too.
    pca: Any = PCA(components, svd_solver="covariance_eigh").fit(patches)
    arrays = {"mean": pca.mean_.astype(np.float32), "components": pca.components_.astype(np.float32)}
    points = _project(patches, arrays)
    num_words = min(words, len(np.unique(points, axis=0)))
    make_kmeans: Any = KMeans
    kmeans = make_kmeans(num_words, n_init=1, max_iter=20, random_state=seed).fit(points)
    return {**arrays, "words": kmeans.cluster_centers_.astype(np.float32)}


def histograms(images: np.ndarray, arrays: Arrays, side: int) -> np.ndarray:
    """The share of each word among the patches of each image; of one image a function of that image alone.

    Args:
      images: float32 [N, H, H], in [0, 1].
      arrays: What `learn_words` returns.
      side: Side P of a patch.

    Returns:
      float32 [N, K]; rows sum to 1.
    """
    words = arrays["words"]
    # Of |patch - word|^2 what does not depend on the word is left out.
    offsets = 0.5 * np.square(words).sum(1)
    found = np.empty((len(images), len(words)), np.float32)
    for row, image in zip(found, images, strict=True):
        points = _project(patches_of(image, side), arrays)
        nearest = np.argmin(offsets - points @ words.T, axis=1)
        row[:] = np.bincount(nearest, minlength=len(words)) / len(points)
    return found


def select_words(histograms: np.ndarray, labels: np.ndarray, share: float) -> np.ndarray:
    """The words that tell most of the class: those with the highest mutual information with the label.

    A word's variable is whether an image holds more of it than the median image: for rare words, whether it holds it.

    Args:
      histograms: float32 [N, K].
      labels: int32 [N].
      share: Share of the words that is kept, in (0, 1]; rounded up.

    Returns:
      int32 [ceil(share K)], ascending.
    """
    information = mutual_information(histograms > np.median(histograms, axis=0), labels)
    # Stable: of equally telling words the first ones stay, on every machine.
    best = np.argsort(-information, kind="stable")[: math.ceil(share * len(information))]
    return np.sort(best).astype(np.int32)


def mutual_information(is_there: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mutual information I(X; Y) of yes-or-no variables with the label, by their joint frequencies.

    scikit-learn counts one variable at a time, which takes seconds for 750.

    Args:
      is_there: bool [N, K], K variables X.
      labels: int32 [N], Y.

    Returns:
      float64 [K], in nats; 0 for what says nothing.
    """
    from scipy.special import rel_entr

    is_class = labels[:, None] == np.unique(labels)
    # [X, Y, K].
    joint = np.stack([is_class.T @ x.astype(np.float64) for x in (~is_there, is_there)]) / len(labels)
    alone = joint.sum(0, keepdims=True) * joint.sum(1, keepdims=True)
    return rel_entr(joint, alone).sum((0, 1))


def _project(patches: np.ndarray, arrays: Arrays) -> np.ndarray:
    return (patches - arrays["mean"]) @ arrays["components"].T
